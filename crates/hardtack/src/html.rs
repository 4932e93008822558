//! Escaping of text in HTML.

use std::borrow::Cow;

/// Escapes text for use between tags or in a quoted attribute.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut html = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html.into()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("Zoë & Co"), "Zoë &amp; Co");
        assert_eq!(escaped("'><img src=\"x\">"), "&#39;&gt;&lt;img src=&quot;x&quot;&gt;");
        assert!(matches!(escaped("plain"), std::borrow::Cow::Borrowed("plain")));
    }
}

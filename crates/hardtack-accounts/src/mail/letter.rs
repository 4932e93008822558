//! The body of an email, as plain text and as HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The paragraphs of an email, as plain text and as HTML with the same content. The HTML has no styles and loads
/// nothing, so the sender cannot tell when the email is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Letter {
    text: String,
    html: String,
}

impl Letter {
    /// Adds a paragraph.
    pub(super) fn say(mut self, paragraph: impl AsRef<str>) -> Self {
        let paragraph = paragraph.as_ref();
        self.add(paragraph, &html! { p { (paragraph) } });
        self
    }

    /// Adds a link as a paragraph of its own, with the URL written out. Some mail programs treat punctuation after a
    /// URL as part of the link.
    pub(super) fn link(mut self, url: &str) -> Self {
        self.add(url, &html! { p { a href=(url) { (url) } } });
        self
    }

    fn add(&mut self, text: &str, html: &Markup) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
        // Put each paragraph on a line of its own, because a line may have at most 998 bytes (RFC 5322 §2.1.1).
        self.html.push_str(&html.0);
        self.html.push('\n');
    }

    /// Returns the plain text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the HTML document.
    pub(super) fn html(&self, subject: &str) -> String {
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                (PreEscaped("\n"))
                head { meta charset="utf-8"; title { (subject) } }
                (PreEscaped("\n"))
                body { (PreEscaped("\n")) (PreEscaped(&self.html)) }
            }
        };
        document.into_string() + "\n"
    }
}

/// Returns a user name in quotation marks. Mail programs turn names such as `www.evil.example` and `me@evil.example`
/// into links, even inside quotation marks. Adding invisible characters to a name does not prevent such links, because
/// some mail programs ignore these characters. Because a link cannot contain a space, this function puts spaces around
/// every character except letters, digits, `-` and `_`. The text tells the user to ignore the spaces.
pub(super) fn quoted(name: &str) -> String {
    let makes_links = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
    if !name.contains(makes_links) {
        return format!("\"{name}\"");
    }
    let mut spaced = String::new();
    for c in name.chars() {
        match makes_links(c) {
            true => spaced.extend([' ', c, ' ']),
            false => spaced.push(c),
        }
    }
    format!("\"{}\" (without the spaces)", spaced.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l3_a_user_name_is_quoted_and_makes_no_link() {
        assert_eq!(quoted("ada"), r#""ada""#);
        assert_eq!(quoted("ada_b-c"), r#""ada_b-c""#);
        assert_eq!(quoted("www.evil.example"), r#""www . evil . example" (without the spaces)"#);
        assert_eq!(quoted("me@evil.example"), r#""me @ evil . example" (without the spaces)"#);
        // A user might have chosen this name before there were rules for names.
        assert_eq!(quoted("https://evil"), r#""https :  /  / evil" (without the spaces)"#);
    }

    #[test]
    fn both_forms_say_the_same_and_the_html_loads_nothing() {
        let letter = Letter::default().say("One & two <b>.").link("https://site.example/a?b=c&d=e");
        assert_eq!(letter.text(), "One & two <b>.\n\nhttps://site.example/a?b=c&d=e\n");
        let html = letter.html("Three");
        let escaped = "https://site.example/a?b=c&amp;d=e";
        assert!(html.contains("<p>One &amp; two &lt;b&gt;.</p>\n"), "{html}");
        assert!(html.contains(&format!("<p><a href=\"{escaped}\">{escaped}</a></p>\n")), "{html}");
        assert!(!html.contains("src=") && !html.contains("style"), "{html}");
    }
}

//! Reads the forms in an HTML page.
//!
//! Attributes can be in any order and have any kind of quotes. Scripts, styles and comments are skipped. This is not a
//! full parser: pages must be well formed.

use hardtack_conformance::Response;

/// The forms on the page in a response.
pub trait HtmlForms {
    /// Returns the value of a hidden form field. See [`hidden_field`].
    fn hidden_field(&self, name: &str) -> Option<String>;

    /// Returns the fields of the form with this `action`, as a browser would send them. See [`form_fields`].
    ///
    /// # Panics
    /// If the page has no such form.
    fn form_fields(&self, action: &str) -> Vec<(String, String)>;
}

impl HtmlForms for Response {
    fn hidden_field(&self, name: &str) -> Option<String> {
        hidden_field(self.text(), name)
    }

    fn form_fields(&self, action: &str) -> Vec<(String, String)> {
        form_fields(self.text(), action).unwrap_or_else(|| {
            let actions = form_actions(self.text());
            panic!("{} {}: no form with action {action:?}, only {actions:?}", self.method(), self.path())
        })
    }
}

/// Returns the value of the first `<input type="hidden">` with this name.
pub fn hidden_field(html: &str, name: &str) -> Option<String> {
    tags(html)
        .into_iter()
        .find(|tag| tag.name == "input" && tag.is_type("hidden") && tag.attribute("name") == Some(name))
        .map(|tag| tag.attribute("value").unwrap_or_default().to_owned())
}

/// Returns the fields that a browser would send for the form with this `action` if the user changed nothing. Omits
/// buttons, file inputs, unchecked boxes and disabled fields. Returns `None` if no form has this action.
pub fn form_fields(html: &str, action: &str) -> Option<Vec<(String, String)>> {
    let tags = tags(html);
    let start = tags.iter().position(|tag| tag.name == "form" && tag.attribute("action").unwrap_or("") == action)?;
    let form = tags[start + 1..].iter().take_while(|tag| tag.name != "/form");
    let mut fields = Vec::new();
    let mut select: Option<Select> = None;
    for tag in form {
        match tag.name.as_str() {
            "option" => {
                if let Some(select) = &mut select {
                    select.add(tag);
                }
            }
            "/select" => fields.extend(select.take().and_then(Select::into_field)),
            _ if tag.attribute("disabled").is_some() => {}
            "select" => select = tag.attribute("name").map(Select::new),
            "input" if !tag.is_sent() => {}
            "input" | "textarea" => {
                let Some(name) = tag.attribute("name") else { continue };
                let value = match tag.name.as_str() {
                    // Browsers drop one newline directly after the start tag (HTML §13.2.6.4.7).
                    "textarea" => tag.text.strip_prefix('\n').unwrap_or(&tag.text),
                    _ if tag.is_type("checkbox") => tag.attribute("value").unwrap_or("on"),
                    _ => tag.attribute("value").unwrap_or_default(),
                };
                fields.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    Some(fields)
}

/// Returns the actions of all forms in the page.
pub fn form_actions(html: &str) -> Vec<String> {
    let forms = tags(html).into_iter().filter(|tag| tag.name == "form");
    forms.map(|form| form.attribute("action").unwrap_or_default().to_owned()).collect()
}

/// A `<select>` whose options are being read. Its value is the value of the last selected option, or of the first
/// option if none is selected.
struct Select {
    name: String,
    value: Option<String>,
}

impl Select {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    fn add(&mut self, option: &Tag) {
        if self.value.is_none() || option.attribute("selected").is_some() {
            self.value = Some(option.attribute("value").unwrap_or(option.text.trim()).to_owned());
        }
    }

    fn into_field(self) -> Option<(String, String)> {
        Some((self.name, self.value?))
    }
}

struct Tag {
    /// The name in lower case. An end tag's name starts with a slash.
    name: String,
    attributes: Vec<(String, String)>,
    /// The text between this tag and the next one. For a `<textarea>`, the whole content.
    text: String,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn is_type(&self, kind: &str) -> bool {
        self.attribute("type").is_some_and(|value| value.eq_ignore_ascii_case(kind))
    }

    /// Returns whether a browser sends this `<input>` if the user does not change it.
    fn is_sent(&self) -> bool {
        let never_sent = ["submit", "button", "image", "reset", "file"];
        if self.is_type("checkbox") || self.is_type("radio") {
            return self.attribute("checked").is_some();
        }
        !never_sent.iter().any(|kind| self.is_type(kind))
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let named = rest.strip_prefix('/').unwrap_or(rest);
        if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('/').to_ascii_lowercase();
        // An incomplete tag at the end of the page is dropped (HTML §13.2.5).
        let Some((attributes, after)) = attributes(&rest[end..]) else { break };
        // These elements contain only text, up to their own end tag.
        let text_end = match name.as_str() {
            "script" | "style" | "textarea" | "title" => find_ignoring_case(after, &format!("</{name}")),
            _ => after.find('<'),
        };
        let (text, after) = after.split_at(text_end.unwrap_or(after.len()));
        tags.push(Tag { name, attributes, text: unescape(text) });
        rest = after;
    }
    tags
}

/// Parses attributes up to the tag's `>`, and returns them with the rest of the page. Returns `None` if the
/// tag does not end.
fn attributes(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((found, after));
        }
        // A stray `=` starts a name (HTML §13.2.5.32), so a name has at least one character.
        let first = rest.chars().next()?.len_utf8();
        let ends = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
        let end = rest[first..].find(ends).map_or(rest.len(), |at| first + at);
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => after[1..].split_once(quote)?,
                None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
            };
        }
        found.push((name, unescape(value)));
    }
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(needle)
}

/// Replaces numeric character references and the few named ones that templates use.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.find(';').and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{form_actions, form_fields, hidden_field};

    #[test]
    fn hidden_field_in_any_notation() {
        for page in [
            r#"<input type="hidden" name="csrf_token" value="a&amp;b">"#,
            r#"<INPUT VALUE='a&#38;b' NAME=csrf_token TYPE=hidden>"#,
            "<input\n  value = \"a&#x26;b\"\n  type=\"Hidden\" name='csrf_token'/>",
            r#"<p>1 < 2 & 3</p><input data-x="<>" type=hidden disabled name=csrf_token value=a&amp;b>"#,
        ] {
            assert_eq!(hidden_field(page, "csrf_token").as_deref(), Some("a&b"), "{page}");
        }
    }

    #[test]
    fn other_elements_are_not_hidden_fields() {
        for page in [
            r#"<!-- <input type="hidden" name="csrf_token" value="1"> -->"#,
            r#"<script>'<input type="hidden" name="csrf_token" value="1">'</SCRIPT>"#,
            r#"<input type="text" name="csrf_token" value="1">"#,
            r#"<input type="hidden" name="csrf_token2" value="1">"#,
            "<input type=hidden name=\"csrf_token",
            "<",
            "",
        ] {
            assert_eq!(hidden_field(page, "csrf_token"), None, "{page}");
        }
        assert_eq!(hidden_field("<input type=hidden name=csrf_token>", "csrf_token").as_deref(), Some(""));
    }

    #[test]
    fn form_fields_as_a_browser_sends_them() {
        let page = r#"
            <form action="/other"><input name="no"></form>
            <form method="post" action="/login?next=%2Fa&amp;b=1">
              <input type="hidden" name="csrf_token" value="t">
              <input name="user" value="&quot;ann&quot;"><input type="password" name="password">
              <input type="checkbox" name="keep" checked><input type="checkbox" name="off">
              <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
              <input name="gone" disabled><input type="submit" name="go" value="Go"><button name="b">B</button>
              <textarea name="note">
a &lt;b&gt;</textarea>
              <select name="s"><option value="1">One<option selected>Two</option></select>
              <select name="t"><option value="1">One<option>Two</select>
              <input value="nameless">
            </form><input name="after">"#;
        let fields = form_fields(page, "/login?next=%2Fa&b=1").unwrap();
        let expected = [
            ("csrf_token", "t"),
            ("user", "\"ann\""),
            ("password", ""),
            ("keep", "on"),
            ("r", "2"),
            ("note", "a <b>"),
            ("s", "Two"),
            ("t", "1"),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, expected);
        assert_eq!(form_fields(page, "/nowhere"), None);
        assert_eq!(form_actions(page), ["/other", "/login?next=%2Fa&b=1"]);
    }
}

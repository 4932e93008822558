//! Finds header fields in pasted text.

use std::borrow::Cow;

use super::curl::{self, CurlCookies};
use crate::error::Error;

/// The value of a header field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Cookie(Cow<'a, str>),
    /// The `Cookie` field of one of several curl commands.
    OfCommand {
        /// The command that the field comes from, such as `curl command 2 of 3`.
        command: String,
        cookies: String,
    },
    SetCookie(&'a str),
}

/// What was found in pasted text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) fields: Vec<Field<'a>>,
    /// The reasons why some curl commands' cookies are missing from `fields`.
    pub(super) skipped: Vec<String>,
}

impl<'a> From<Vec<Field<'a>>> for Found<'a> {
    fn from(fields: Vec<Field<'a>>) -> Self {
        Self { fields, skipped: Vec::new() }
    }
}

/// Tells the user what to paste. Error messages end with this text.
const EXPECTED: &str = "expected a line such as Cookie: NAME=VALUE; NAME=VALUE, or Set-Cookie: NAME=VALUE; Path=/; Secure, or \
                        a curl command with -b or -H 'Cookie: …'";

/// Finds the `Cookie` and `Set-Cookie` fields in pasted text. Several `Cookie` fields are joined, because servers read
/// them as one. If the text consists of curl commands, returns the `Cookie` field that each command sends. If the text
/// is a single line without a field name, returns the line as the value of such a field.
pub(super) fn fields(text: &str) -> Result<Found<'_>, Error> {
    if let Some(commands) = curl::cookies(text) {
        return fields_of_commands(commands);
    }
    // `curl -v` and browsers' developer tools put `>` before the lines of a request, and `<` before the lines of a
    // response.
    let lines =
        || text.lines().map(|line| line.trim().trim_start_matches(['<', '>']).trim()).filter(|line| !line.is_empty());
    let named = lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "cookie" => Some(Field::Cookie(Cow::Borrowed(value))),
            "set-cookie" => Some(Field::SetCookie(value)),
            _ => None,
        }
    });
    let mut joined: Vec<Field<'_>> = Vec::new();
    for field in named {
        let earlier = joined.iter_mut().find_map(|earlier| match earlier {
            Field::Cookie(value) => Some(value),
            Field::OfCommand { .. } | Field::SetCookie(_) => None,
        });
        match (field, earlier) {
            (Field::Cookie(value), Some(earlier)) => {
                let earlier = earlier.to_mut();
                earlier.push_str("; ");
                earlier.push_str(&value);
            }
            (field, _) => joined.push(field),
        }
    }
    let named = joined;
    if !named.is_empty() {
        return Ok(named.into());
    }
    match lines().map(unquoted).collect::<Vec<_>>()[..] {
        [value] if begins_with_a_cookie(value) && has_attributes(value) => Ok(vec![Field::SetCookie(value)].into()),
        [value] if begins_with_a_cookie(value) => Ok(vec![Field::Cookie(Cow::Borrowed(value))].into()),
        _ => Err(Error::config(format_args!("the input has no Cookie or Set-Cookie header; {EXPECTED}"))),
    }
}

/// Returns the `Cookie` field of each curl command. Fails if every command either sends no cookies or reads them from a
/// file.
fn fields_of_commands(commands: Vec<CurlCookies>) -> Result<Found<'static>, Error> {
    let count = commands.len();
    let (mut fields, mut skipped) = (Vec::new(), Vec::new());
    for (index, cookies) in commands.into_iter().enumerate() {
        let command =
            if count == 1 { "the curl command".to_owned() } else { format!("curl command {} of {count}", index + 1) };
        match cookies {
            CurlCookies::Field(cookies) if cookies.is_empty() => skipped.push(format!("{command} sends no cookies")),
            CurlCookies::Field(cookies) if count == 1 => fields.push(Field::Cookie(Cow::Owned(cookies))),
            CurlCookies::Field(cookies) => fields.push(Field::OfCommand { command, cookies }),
            CurlCookies::InFile(file) => {
                skipped.push(format!(
                    "the -b option of {command} names the file {file:?}, which `hardtack explain` does not read"
                ));
            }
        }
    }
    if fields.is_empty() {
        return Err(Error::config(format_args!("{}; {EXPECTED}", skipped.join("; "))));
    }
    Ok(Found { fields, skipped })
}

/// Removes the quotation marks that a browser's console prints around a value.
fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// Returns whether a value begins with a valid cookie name followed by `=` (RFC 6265 §4.1.1).
fn begins_with_a_cookie(value: &str) -> bool {
    let is_name = |name: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(is_letter)
    };
    value.split_once('=').is_some_and(|(name, _)| is_name(name.trim()))
}

/// Returns whether a value has attributes, such as `Path`, after its first pair. Only the value of a `Set-Cookie` field
/// has attributes.
fn has_attributes(value: &str) -> bool {
    const NAMES: [&str; 7] = ["path", "domain", "max-age", "expires", "secure", "httponly", "samesite"];
    let attributes = value.split(';').skip(1).filter_map(|attribute| attribute.split('=').next());
    attributes.map(|name| name.trim().to_ascii_lowercase()).any(|name| NAMES.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_what_was_pasted() {
        let cookie = |value| vec![Field::Cookie(Cow::Borrowed(value))];
        for (text, expected) in [
            ("Cookie: a=1; b=2", cookie("a=1; b=2")),
            ("cookie:a=1", cookie("a=1")),
            ("a=1; b=2\n", cookie("a=1; b=2")),
            ("cookie: a=1\nHost: site.example\ncookie: b=2; c=3\n", cookie("a=1; b=2; c=3")),
            ("a=1; Path=/; Secure", vec![Field::SetCookie("a=1; Path=/; Secure")]),
            ("a=1; httponly", vec![Field::SetCookie("a=1; httponly")]),
            (
                "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nDate: now\r\nSet-Cookie: b=2; Path=/\r\n\r\n",
                vec![Field::SetCookie("a=1"), Field::SetCookie("b=2; Path=/")],
            ),
            ("'a=1; b=2'", cookie("a=1; b=2")),
            (
                "> GET / HTTP/1.1\n> Cookie: a=1\n< Set-Cookie: b=2",
                vec![Field::Cookie("a=1".into()), Field::SetCookie("b=2")],
            ),
            ("GET / HTTP/1.1\nHost: site.example\nCookie: a=1", cookie("a=1")),
        ] {
            assert_eq!(fields(text), Ok(expected.into()), "{text}");
        }
        let found = fields("curl -b 'a=1; b=2' https://site.example");
        assert_eq!(found, Ok(vec![Field::Cookie("a=1; b=2".into())].into()));
        let of = |number: usize, cookies: &str| Field::OfCommand {
            command: format!("curl command {number} of 3"),
            cookies: cookies.to_owned(),
        };
        let found = fields("curl -b a=1 x && curl x; curl -b b=2 x").unwrap();
        assert_eq!(found.fields, [of(1, "a=1"), of(3, "b=2")]);
        assert_eq!(found.skipped, ["curl command 2 of 3 sends no cookies"]);
        for (bad, part) in [
            ("", "no Cookie or Set-Cookie header"),
            ("a", "no Cookie or Set-Cookie header"),
            ("Host: site.example\nAccept: */*", "no Cookie or Set-Cookie header"),
            ("a=1\nb=2", "no Cookie or Set-Cookie header"),
            ("fetch(\"https://site.example/?a=1\")", "no Cookie or Set-Cookie header"),
            ("curl https://site.example/?a=1", "the curl command sends no cookies"),
            ("curl -b jar.txt https://site.example/?a=1", "names the file \"jar.txt\""),
            ("curl x && curl -b jar.txt x", "curl command 1 of 2 sends no cookies; the -b option of curl command 2"),
        ] {
            let error = fields(bad).unwrap_err();
            assert!(
                matches!(&error, Error::Config(text) if text.contains(part) && text.contains("expected")),
                "{bad}: {error:?}"
            );
        }
    }
}

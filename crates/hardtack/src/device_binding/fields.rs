//! The header fields for device binding, which are structured fields (RFC 9651).

use crate::session::SessionId;

/// The response header with the challenge for the browser's next proof.
pub(crate) const CHALLENGE: &str = "secure-session-challenge";

/// The request header with the proof. The site's scripts can set this header, too.
pub(crate) const PROOF: &str = "secure-session-response";

/// The request header with the id of the browser's bound session. Scripts cannot set this header.
pub(crate) const ID: &str = "sec-secure-session-id";

/// Returns the value of the [`REGISTRATION`](crate::cookie::REGISTRATION) header. The browser posts its key to `path`,
/// which must consist of ASCII characters.
pub(crate) fn registration_field(path: &str, challenge: &str) -> String {
    format!("(ES256 RS256);path={};challenge={}", string(path), string(challenge))
}

/// Returns the value of the [`CHALLENGE`] header for a session. Browsers ignore a challenge that has no `id`.
pub(crate) fn challenge_field(session: SessionId, challenge: &str) -> String {
    format!("{};id={}", string(challenge), string(&session.to_string()))
}

/// Writes a structured-field string (RFC 9651 §4.1.6). Leaves out characters that such a string cannot contain.
fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Reads the value of [`PROOF`] or [`ID`]. The specification requires a string in quotation marks, but Chromium sends
/// the value without quotation marks. Both forms are accepted. Returns `None` for any other form, such as a list or a
/// value with parameters.
pub(crate) fn read_value(field: &[u8]) -> Option<String> {
    let field = field.trim_ascii();
    let text = std::str::from_utf8(field).ok()?;
    match text.strip_prefix('"') {
        Some(rest) => read_string(rest),
        None => {
            let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
            (!text.is_empty() && field.iter().all(is_bare)).then(|| text.to_owned())
        }
    }
}

/// Reads the rest of a quoted string, after the opening quotation mark (RFC 9651 §4.2.5). Nothing is allowed after the
/// closing quotation mark.
fn read_string(rest: &str) -> Option<String> {
    let (mut out, mut chars) = (String::new(), rest.chars());
    loop {
        match chars.next()? {
            '"' => return (chars.next().is_none() && !out.is_empty()).then_some(out),
            '\\' => out.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            c @ ' '..='~' => out.push(c),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_with_and_without_quotation_marks() {
        for (field, value) in [
            ("eyJh.eyJq.c2ln", "eyJh.eyJq.c2ln"),
            ("\"eyJh.eyJq.c2ln\"", "eyJh.eyJq.c2ln"),
            (" abc\t", "abc"),
            (r#""a\"b\\c d""#, r#"a"b\c d"#),
        ] {
            assert_eq!(read_value(field.as_bytes()).as_deref(), Some(value), "{field}");
        }
        for field in [
            "",
            "\"\"",
            "\"",
            "\"abc",
            "abc\"",
            "a b",
            "a,b",
            "\"a\";x=1",
            "\"a\" ",
            "\"a\", \"b\"",
            r#""\n""#,
            "\"\u{e9}\"",
        ] {
            let expected = (field == "\"a\" ").then(|| "a".to_owned());
            assert_eq!(read_value(field.as_bytes()), expected, "{field}");
        }
        assert_eq!(read_value(b"\"\xff\""), None);
        assert_eq!(read_value(b"\xff"), None);
    }

    #[test]
    fn a_challenge_names_its_session() {
        let id = SessionId::from_u128(7);
        assert_eq!(challenge_field(id, "c-1"), "\"c-1\";id=\"00000000000000000000000000000007\"");
        assert_eq!(registration_field("/token/bind", "c-1"), "(ES256 RS256);path=\"/token/bind\";challenge=\"c-1\"");
    }

    proptest! {
        #[test]
        fn a_string_is_read_as_it_was_written(text in "[ -~]{1,40}") {
            prop_assert_eq!(read_value(string(&text).as_bytes()), Some(text));
        }

        /// Any value that was read can be written and read again. Only strings and bare values are accepted.
        #[test]
        fn a_changed_string_is_read_only_if_it_is_one_string(
            text in "[ -~]{1,20}",
            at in any::<prop::sample::Index>(),
            inserted in "[\"\\\\;, =a\t\u{e9}\u{7f}]{0,2}",
        ) {
            let mut field = string(&text);
            field.insert_str(at.index(field.len() + 1), &inserted);
            let inner = field.trim_ascii().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            // Between the outer quotation marks, each quotation mark and each backslash is escaped, and nothing else
            // is.
            let plain = inner.map(|inner| inner.replace("\\\\", "").replace("\\\"", ""));
            let is_string = field.trim_ascii().len() > 2
                && plain.is_some_and(|plain| plain.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\'));
            let read = read_value(field.as_bytes());
            let bare = !field.trim_ascii().starts_with('"');
            prop_assert!(bare || read.is_some() == is_string, "{:?} {:?}", field, read);
            if let Some(value) = read {
                prop_assert_eq!(read_value(string(&value).as_bytes()), Some(value));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(field in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_value(&field);
        }
    }
}

//! Paths as browsers resolve them (WHATWG URL Standard, section 4.4, "path state").

use std::fmt::Write;

/// Resolves an absolute path, with its query and fragment, as a browser does on an http or https origin: removes dot
/// segments, and percent-encodes what browsers encode.
///
/// Returns `None` if the text does not begin with a slash, or contains a backslash, a tab or a line break. Browsers
/// read a backslash as a slash, and ignore tabs and line breaks.
pub(crate) fn resolve_path(text: &str) -> Option<String> {
    let rest = text.strip_prefix('/').filter(|rest| !rest.contains(['\\', '\t', '\n', '\r']))?;
    let (path, rest) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (query, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
    let mut segments = Vec::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            ".." => {
                segments.pop();
                segments.extend(is_last.then_some(""));
            }
            "." => segments.extend(is_last.then_some("")),
            _ => segments.push(part),
        }
    }
    let mut resolved = String::with_capacity(text.len());
    for segment in segments {
        resolved.push('/');
        encode_into(&mut resolved, segment, b"\"#<>?`{}");
    }
    if let Some(query) = query.strip_prefix('?') {
        resolved.push('?');
        encode_into(&mut resolved, query, b"\"#<>'");
    }
    if let Some(fragment) = fragment.strip_prefix('#') {
        resolved.push('#');
        encode_into(&mut resolved, fragment, b"\"<>`");
    }
    Some(resolved)
}

/// Appends `text` to `resolved`, and percent-encodes the characters in `set`, control characters, spaces and all
/// non-ASCII characters.
fn encode_into(resolved: &mut String, text: &str, set: &[u8]) {
    for byte in text.bytes() {
        if byte <= b' ' || byte >= 0x7f || set.contains(&byte) {
            // Writing to a string cannot fail.
            let _ = write!(resolved, "%{byte:02X}");
        } else {
            resolved.push(char::from(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::{Position, Url};

    use super::resolve_path;

    /// Returns the path as the `url` crate resolves it.
    fn expected(text: &str) -> String {
        let base = Url::parse("http://origin.invalid/").unwrap();
        base.join(text).unwrap()[Position::BeforePath..].to_owned()
    }

    #[test]
    fn dot_segments_are_removed() {
        for (text, resolved) in [
            ("/", "/"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/%2E%2e/b/%2e", "/b/"),
            ("/../../a", "/a"),
            ("/a/...", "/a/..."),
            ("/.//a", "//a"),
            ("/a?b=/../c#/../d", "/a?b=/../c#/../d"),
        ] {
            assert_eq!(resolve_path(text).as_deref(), Some(resolved), "{text}");
            assert_eq!(expected(text), resolved, "{text}");
        }
    }

    #[test]
    fn what_browsers_rewrite_is_refused() {
        for text in ["", "a", "/\\a", "/\ta", "/\na", "/a\r"] {
            assert_eq!(resolve_path(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_segment_that_looks_like_a_drive_letter_is_removed() {
        for text in ["/a:/../b", "/a|/../b", "/c/../a:/../b"] {
            assert_eq!(resolve_path(text).as_deref(), Some("/b"), "{text}");
        }
    }

    /// Returns whether a path, query or fragment contains a segment such as `a:` or `a|`. If `..` follows such a
    /// segment, the `url` crate keeps the segment, as if the URL were a `file` URL. Browsers keep it in `file` URLs
    /// only.
    fn has_drive_letter(text: &str) -> bool {
        text.split(['/', '?', '#'])
            .any(|part| matches!(part.as_bytes(), [letter, b':' | b'|'] if letter.is_ascii_alphabetic()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn paths_are_resolved_as_by_a_url_parser(text in "/[a-z][a-z./%2eE?#&='\"<>`{}^|: \u{e4}-]{0,24}[a-z./%2eE?#]") {
            prop_assume!(!has_drive_letter(&text));
            prop_assert_eq!(resolve_path(&text).unwrap(), expected(&text));
        }
    }
}

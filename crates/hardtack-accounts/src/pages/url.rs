//! Links that contain untrusted values.

use std::fmt::Write;

/// Returns `path` with `next` in its query.
pub(super) fn with_next(path: &str, next: Option<&str>) -> String {
    match next {
        Some(next) => format!("{path}?next={}", percent_encode(next, b"/")),
        None => path.to_owned(),
    }
}

/// Encodes `value` as a single path segment.
pub(super) fn segment(value: &str) -> String {
    percent_encode(value, b"")
}

/// Returns `path` if a URL parser would read it as a path on this origin, and `None` otherwise.
///
/// The callers have already checked the path. This function checks it again, because the page goes to the path without
/// waiting for a click. `//host` and `/\host` lead to another origin. URL parsers remove tabs and newlines before they
/// look for these prefixes, so paths with tabs or newlines are also refused.
pub(super) fn local(path: &str) -> Option<&str> {
    let mut bytes = path.bytes();
    let rooted = bytes.next() == Some(b'/');
    let other_origin = matches!(bytes.next(), Some(b'/' | b'\\'));
    let clean = path.bytes().all(|b| b.is_ascii_graphic());
    (rooted && !other_origin && clean).then_some(path)
}

/// Percent-encodes every byte except RFC 3986's unreserved characters and the characters in `also`.
fn percent_encode(value: &str, also: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_is_encoded_as_one_query_value() {
        assert_eq!(with_next("/login", None), "/login");
        assert_eq!(with_next("/login", Some("/a b?c=d&e=é#f+%")), "/login?next=/a%20b%3Fc%3Dd%26e%3D%C3%A9%23f%2B%25");
    }

    #[test]
    fn a_segment_cannot_escape_its_place() {
        assert_eq!(segment("../x?y#z"), "..%2Fx%3Fy%23z");
        assert_eq!(segment("k3-_~."), "k3-_~.");
    }

    #[test]
    fn only_a_path_on_this_origin_is_local() {
        for path in ["/", "/token/refresh?next=/account", "/a//b"] {
            assert_eq!(local(path), Some(path));
        }
        for path in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a b",
        ] {
            assert_eq!(local(path), None, "{path:?}");
        }
    }
}

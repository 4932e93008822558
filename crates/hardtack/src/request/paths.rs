//! Checks whether a string can be a cookie's `Path`, and whether this `Path` covers a request's path (RFC 6265 section
//! 5.1).

/// Returns whether a cookie can have this path.
pub(crate) fn is_cookie_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b';')
}

/// Returns whether a cookie with the path `outer` is sent with a request for `inner` (path-match, RFC 6265 section
/// 5.1.4).
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || outer.ends_with('/') || rest.starts_with('/'))
}

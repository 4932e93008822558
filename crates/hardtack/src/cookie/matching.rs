//! Checks which paths and domains a cookie may have, and to which request paths it is sent (RFC 6265 section 5.1).

/// Whether a cookie can have this path.
pub(crate) fn is_cookie_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b';')
}

/// Whether a cookie with the path `outer` is sent to `inner` (path-match, RFC 6265 section 5.1.4).
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || outer.ends_with('/') || rest.starts_with('/'))
}

/// Whether the text has the form of a cookie domain.
pub(crate) fn is_cookie_domain(domain: &str) -> bool {
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    bare.contains('.') && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

//! Checks whether a text can be the domain of a cookie (RFC 6265 section 5.1.3).

/// Whether the text has the form of a cookie domain.
pub(crate) fn is_cookie_domain(domain: &str) -> bool {
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    bare.contains('.') && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

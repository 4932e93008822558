//! The alphabet that names of header fields, cookies and methods share.

/// Whether it is a token (RFC 9110 §5.6.2): at least one letter, digit or mark that separates nothing.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

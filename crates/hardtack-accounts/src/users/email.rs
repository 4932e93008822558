//! Email addresses.

/// An address that a letter can be written to: nothing in it ends a header field or begins another address.
///
/// ```
/// use hardtack_accounts::EmailAddress;
/// assert!(EmailAddress::parse("you@site.example").is_some());
/// assert!(EmailAddress::parse("you@site.example\r\nBcc: all@site.example").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads the shape that browsers ask of `type=email` (WHATWG HTML), roughly: one `@`, no spaces, at most
    /// 254 bytes (RFC 5321 §4.5.3.1.3). Whether it reaches anybody, only a letter can tell.
    pub fn parse(text: &str) -> Option<Self> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c);
        let (local, domain) = text.split_once('@')?;
        let plain = text.len() <= 254 && !text.chars().any(odd) && !text.starts_with('-');
        let named = !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
        (plain && named).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is equal for two spellings of what most people take for one address.
pub(crate) fn key_of_email(address: &str) -> String {
    address.to_lowercase()
}

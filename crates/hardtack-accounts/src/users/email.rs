//! Email addresses.

/// An email address that is safe to put into an email's header, because it cannot end a header field or add a second
/// recipient.
///
/// ```
/// use hardtack_accounts::EmailAddress;
/// assert!(EmailAddress::parse("you@site.example").is_some());
/// assert!(EmailAddress::parse("you@site.example\r\nBcc: all@site.example").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address by roughly the rules that browsers apply to `<input type=email>` (WHATWG HTML). An address has
    /// one `@`, at most 254 bytes (RFC 5321 §4.5.3.1.3), and no spaces or special characters such as quotes and commas.
    /// Returns `None` for any other text. Does not check whether the address exists.
    pub fn parse(text: &str) -> Option<Self> {
        let is_special = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c);
        let (local, domain) = text.split_once('@')?;
        let plain = text.len() <= 254 && !text.chars().any(is_special) && !text.starts_with('-');
        let complete = !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
        (plain && complete).then(|| Self(text.to_owned()))
    }

    /// Returns the address as it was originally written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the address in lower case, for comparing addresses. Most people regard `Ada@Site.example` and
/// `ada@site.example` as the same address.
pub(crate) fn email_key(address: &str) -> String {
    address.to_lowercase()
}

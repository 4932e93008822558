//! The `SameSite` attribute. `CookiePolicy` determines the default.

/// The `SameSite` attribute of cookies. The default of [`CookiePolicy`](super::CookiePolicy) is [`Lax`](Self::Lax).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// The cookie is not sent with requests that another site starts, not even with the first request after the user
    /// follows a link on another site.
    Strict,
    /// The cookie is sent when the user follows a link on another site, but not when a POST form or a script on that
    /// site sends a request.
    Lax,
    /// The cookie is always sent. Requires `Secure` and CSRF protection.
    None,
    /// The cookie has no `SameSite` attribute. This is the default in Flask-JWT-Extended. Some browsers treat such a
    /// cookie as `Lax`, and others treat it as `None`.
    InsecureUnset,
}

impl SameSite {
    pub(crate) const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Strict => Some("Strict"),
            Self::Lax => Some("Lax"),
            Self::None => Some("None"),
            Self::InsecureUnset => None,
        }
    }
}

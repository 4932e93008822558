//! The `SameSite` attribute and its default.

/// The `SameSite` attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// The cookie is not sent with requests that another site starts, not even when a link is followed.
    Strict,
    /// The cookie is sent when a link on another site is followed, but not with that site's forms and scripts.
    #[default]
    Lax,
    /// The cookie is always sent. Requires `Secure` and CSRF protection.
    None,
    /// No attribute, which is the default of Flask-JWT-Extended. Some browsers treat that as `Lax`, others as `None`.
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

//! The `SameSite` attribute and its default.

/// The `SameSite` attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Not sent with any request that another site starts, not even a link followed.
    Strict,
    /// Sent when another site's link is followed, not with its forms or scripts.
    #[default]
    Lax,
    /// Sent always; taken only with Secure and with CSRF protection on.
    None,
    /// No attribute at all, as Flask-JWT-Extended leaves it unless told: some browsers take that for Lax, and
    /// some for [`Self::None`].
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

//! The kinds of failure: Flask-JWT-Extended's loaders, and CSRF apart from them.

/// What an application can answer in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// No token where one is needed (`unauthorized_loader`).
    Missing,
    /// A token that is forged, malformed, of the wrong kind or for someone else (`invalid_token_loader`).
    Invalid,
    /// A token whose time is over (`expired_token_loader`).
    Expired,
    /// Redirect mode only: the token's time is over, and the refresh URL can mend it.
    RefreshNeeded,
    /// A token that came of a refresh, where the password is wanted (`needs_fresh_token_loader`).
    NotFresh,
    /// A session that was ended (`revoked_token_loader`).
    Revoked,
    /// A token of someone who is no longer there (`user_lookup_error_loader`).
    UnknownUser,
    /// A token whose claims the application did not accept (`token_verification_failed_loader`).
    ClaimsRefused,
    /// A request that another site may have forged.
    Csrf,
    /// A request that changes something and came by GET.
    Method,
    /// The session store is down.
    Unavailable,
    /// The application asked for what cannot be done (a token too large, a reserved claim), or lacks a part.
    Internal,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Missing,
        Self::Invalid,
        Self::Expired,
        Self::RefreshNeeded,
        Self::NotFresh,
        Self::Revoked,
        Self::UnknownUser,
        Self::ClaimsRefused,
        Self::Csrf,
        Self::Method,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Whether the cookies are useless after this and are deleted.
    pub const fn unsets_cookies(self) -> bool {
        matches!(self, Self::Invalid | Self::Expired | Self::Revoked | Self::UnknownUser | Self::ClaimsRefused)
    }

    /// The HTTP status for a program (RFC 9110 §15.5).
    pub const fn status(self) -> u16 {
        match self {
            Self::Csrf | Self::ClaimsRefused => 403,
            Self::Method => 405,
            Self::Unavailable => 503,
            Self::Internal => 500,
            _ => 401,
        }
    }
}

//! Why a refresh token is refused although its signature and times are right.

/// Why a refresh token is refused although its signature and times are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshFlaw {
    /// Its session is not in the store.
    UnknownSession,
    /// Its session was ended.
    SessionEnded,
    /// Its session was not used for too long, or is too old.
    SessionExpired,
    /// It was used again after its window, so there is a copy of it. The session was ended because of that.
    Reused,
    /// It is newer than its session's row: the store lost rows, or two stores share a key.
    Ahead,
}

impl RefreshFlaw {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::UnknownSession => "unknown_session",
            Self::SessionEnded => "session_ended",
            Self::SessionExpired => "session_expired",
            Self::Reused => "refresh_reused",
            Self::Ahead => "refresh_ahead",
        }
    }
}

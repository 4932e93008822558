//! Why a refresh token is refused although its signature and times are right.

/// What is wrong with a refresh token whose signature and times are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshFlaw {
    /// Its session is not in the store.
    UnknownSession,
    /// Its session was ended.
    SessionEnded,
    /// Its session went unused too long, or grew too old.
    SessionExpired,
    /// It was used before and somebody used it again: the session was ended for it.
    Reused,
    /// It is newer than the store: rows were lost, or two stores share a key.
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

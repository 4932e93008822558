//! Why a refresh token with a valid signature that has not expired is refused.

/// Why a refresh token with a valid signature that has not expired is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshFlaw {
    /// Its session is not in the store.
    UnknownSession,
    /// Its session was ended.
    SessionEnded,
    /// Its session was not used for too long, or is too old.
    SessionExpired,
    /// It was used too long after it had been replaced, so it may have been copied. The session was therefore ended.
    Reused,
    /// It is newer than its session's row: the store has lost writes, or two stores are used with one key.
    Ahead,
    /// Its session is bound to a device, and the request has no proof that the client has the device's key. The cookies
    /// may have been copied.
    Unproven,
    /// Its session is bound to a device, and another key has signed the proof. The cookies may have been copied, so the
    /// session was ended.
    ProofFailed,
}

impl RefreshFlaw {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::UnknownSession => "unknown_session",
            Self::SessionEnded => "session_ended",
            Self::SessionExpired => "session_expired",
            Self::Reused => "refresh_reused",
            Self::Ahead => "refresh_ahead",
            Self::Unproven => "unproven_refresh",
            Self::ProofFailed => "proof_failed",
        }
    }
}

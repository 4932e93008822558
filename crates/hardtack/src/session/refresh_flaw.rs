//! Why a refresh token is refused even though its signature is valid and it has not expired.

/// Why a refresh token is refused even though its signature is valid and it has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshFlaw {
    /// The token's session is not in the store.
    UnknownSession,
    /// The token's session was ended.
    SessionEnded,
    /// The token's session has expired: it was idle for too long, or it has reached its maximum lifetime.
    SessionExpired,
    /// The token was used after a newer token had replaced it. The token might have been copied, so the session was
    /// ended.
    Reused,
    /// The token is newer than its session's row. Either the store has lost writes, or two stores are used with the
    /// same key.
    Ahead,
    /// The token's session is bound to a device, and the request contains no proof that the client has the device's
    /// key. The cookies might have been copied.
    Unproven,
    /// The token's session is bound to a device, and the proof was not signed with the device's key. The cookies might
    /// have been copied, so the session was ended.
    ProofFailed,
    /// After the token was issued, the user typed the password again, and this re-authentication replaced the token.
    /// The session continues with its new tokens.
    Superseded,
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
            Self::Superseded => "refresh_superseded",
        }
    }
}

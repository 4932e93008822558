//! What this process knows about a session besides its tokens.

/// What this process knows of a session beyond its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionStatus {
    /// It goes on.
    Live(Notes),
    /// It was ended; its access tokens are dead before they expire.
    Ended,
    /// It was ended because the same browser got another one: its cookies are dead, but a reply to a
    /// request that still carried them must not delete those that replaced them.
    Replaced,
}

/// What is noted of a session that goes on. Each note stands by itself: a session whose claims change while
/// its newest generation has not been seen is both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Access tokens of this generation and of those before it are outdated; of none where it is zero.
    pub(crate) outdated: u64,
    /// The newest generation that was made here and has not been seen since; none where it is zero.
    pub(crate) awaited: u64,
    /// Somebody may have ended it, or changed its claims, and nobody heard: the store knows.
    pub(crate) uncertain: bool,
}

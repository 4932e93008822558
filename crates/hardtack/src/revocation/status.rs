//! What this process knows about a session besides its tokens.

/// What this process knows of a session beyond its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionStatus {
    /// It is live.
    Live(Notes),
    /// It has ended. Its access tokens are refused before they expire.
    Ended,
    /// It was replaced by a new session of the same browser. Its tokens are refused, but the response must not delete
    /// the cookies that replaced them.
    Replaced,
}

/// What is known about a live session. The notes are independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Access tokens up to this generation are outdated; zero for none.
    pub(crate) outdated: u64,
    /// The newest generation that was issued here and has not been used since; zero for none.
    pub(crate) awaited: u64,
    /// A write that ends it or changes its claims has an unknown outcome: the store has to be asked.
    pub(crate) uncertain: bool,
}

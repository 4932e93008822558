//! Positions in a user's list of sessions.

use std::fmt;
use std::str::FromStr;

use super::{Session, SessionId};
use crate::clock::Timestamp;

/// A position in a user's list of sessions, directly after one of the sessions. The list is sorted by log-in time
/// (newest first), and then by id.
///
/// `Display` writes a position as text that needs no escaping in a URL, and `FromStr` parses that text. A client that
/// makes up a position only gets a different part of its own list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    created_at: Timestamp,
    id: SessionId,
}

impl SessionCursor {
    /// Returns the position directly after a session.
    pub const fn after(session: &Session) -> Self {
        Self { created_at: session.created_at, id: session.id }
    }

    /// Returns the log-in time of the session directly before this position.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the id of the session directly before this position.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Returns whether `session` comes after this position in the list.
    pub fn precedes(&self, session: &Session) -> bool {
        (std::cmp::Reverse(self.created_at), self.id) < (std::cmp::Reverse(session.created_at), session.id)
    }
}

/// A page of a user's list of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionsPage {
    /// The sessions, the newest first.
    pub sessions: Vec<Session>,
    /// Where the next page begins. `None` if this is the last page.
    pub next: Option<SessionCursor>,
}

impl fmt::Display for SessionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at, self.id)
    }
}

/// The error for a string that is not a position in a list of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a position in a list of sessions; expected the value of `next` from the previous page")]
pub struct ParseSessionCursorError;

impl FromStr for SessionCursor {
    type Err = ParseSessionCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (created_at, id) = text.split_once('.').ok_or(ParseSessionCursorError)?;
        let created_at = created_at.parse().map_err(|_| ParseSessionCursorError)?;
        let id = id.parse().map_err(|_| ParseSessionCursorError)?;
        Ok(Self { created_at: Timestamp::from_unix_seconds(created_at), id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_that_is_read_is_written_and_read_again(text in "[+-]?[0-9]{0,20}[.,]?([0-9a-fA-F]{32}|[ -~]{0,6})") {
            if let Ok(cursor) = text.parse::<SessionCursor>() {
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn a_position_is_written_and_read() {
        for seconds in [i64::MIN, -1, 0, 1_800_000_000, i64::MAX] {
            let cursor =
                SessionCursor { created_at: Timestamp::from_unix_seconds(seconds), id: SessionId::from_u128(7) };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", ".", "1", "1.", "x.00000000000000000000000000000007", "1.7", "1.%00"] {
            assert_eq!(text.parse::<SessionCursor>(), Err(ParseSessionCursorError), "{text}");
        }
    }
}

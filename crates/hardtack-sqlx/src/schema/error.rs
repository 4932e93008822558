//! Errors that occur when converting between rows and sessions.

/// A stored row that is not valid, or a session that cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error("a stored session id is {0:?}; expected 32 lower-case hexadecimal digits")]
    Id(String),
    #[error("session {id}: {column} is {value}; expected at least 0")]
    Negative { id: String, column: &'static str, value: i64 },
    #[error("session {id}: {column} is {value}; expected at most 2^63 - 1")]
    TooLarge { id: String, column: &'static str, value: u64 },
    #[error("session {id}: the salt has {length} bytes; expected 16")]
    Salt { id: String, length: usize },
    #[error("session {id}: the subject contains a NUL character, which is not allowed")]
    Subject { id: String },
}

impl From<RowError> for sqlx::Error {
    fn from(error: RowError) -> Self {
        Self::decode(error)
    }
}

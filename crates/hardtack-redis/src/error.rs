//! The errors of this crate, for a Redis server that cannot be used, a command that failed, or a session or log entry
//! that cannot be read.

use std::fmt;
use std::time::Duration;

use hardtack::error::WithCauses;

/// Why a Redis server cannot be used.
///
/// `Display` prints what is wrong and what to do. The message does not contain the cause, which is the
/// [`source`](std::error::Error::source). `Debug` prints the message, followed by its causes.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The string is not the address of a Redis server. The error does not repeat the string, because it might contain
    /// a password.
    #[error(
        "the Redis address cannot be used ({reason}); expected redis://user:password@host:port/database or unix:///path"
    )]
    InvalidAddress {
        /// What is wrong with the address.
        reason: String,
    },
    /// The text is not a valid store name.
    #[error("the store name {0:?} is not valid; expected 1 to 64 ASCII letters, digits, '-', '_', '.' or ':'")]
    InvalidName(String),
    /// The server did not respond, or it refused the connection.
    #[error(
        "cannot use the Redis server at {address}; check that the server is running and reachable, and that the server \
         accepts the user and the password"
    )]
    Unreachable {
        /// The server's address, without the password.
        address: String,
        /// The error that the first command returned.
        source: CommandError,
    },
    /// The server is too old for the Lua scripts that the store runs.
    #[error("the Redis server at {address} is version {version}; expected Redis 6.2 or newer, or Valkey")]
    TooOld {
        /// The server's address, without the password.
        address: String,
        /// The server's version.
        version: String,
    },
    /// The server is a node of a Redis Cluster.
    #[error(
        "the Redis server at {address} is a node of a Redis Cluster, which is not supported; \
         expected a single primary, with or without replicas"
    )]
    Cluster {
        /// The server's address, without the password.
        address: String,
    },
}

impl OpenError {
    pub(crate) fn invalid_address(error: &redis::RedisError) -> Self {
        Self::InvalidAddress { reason: error.to_string() }
    }
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&WithCauses(self), f)
    }
}

/// A command that failed. `Debug` prints the message and its causes.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Redis or the connection failed.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// Redis did not respond in time.
    #[error("Redis did not respond within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
}

impl fmt::Debug for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&WithCauses(self), f)
    }
}

/// A row or a log entry that this version of the program cannot read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(
        "session {id}: the row is not in format version 1; \
         a newer version of the program may have written it"
    )]
    Version { id: String },
    #[error("session {id}: {field} is not valid")]
    Field { id: String, field: &'static str },
    #[error("entry {sequence} of the revocation log is not valid; a newer version of the program may have written it")]
    LogEntry { sequence: String },
    #[error("session {id}: the JSON at the end of the row is not valid")]
    Details { id: String, source: serde_json::Error },
}

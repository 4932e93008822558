//! What can go wrong before the first session, and inside a row.

use std::time::Duration;

/// A Redis that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an address of a Redis.
    #[error("this is no Redis address ({0}); expected redis://user:password@host:port/database or unix:///path")]
    Address(#[source] redis::RedisError),
    /// Not a name for a store.
    #[error("a store cannot be called {0:?}; expected up to 64 letters, digits, '-', '_', '.' and ':'")]
    Name(String),
    /// It did not answer, or refused.
    #[error(
        "cannot use the Redis at {address}: {source}; it must be running and reachable, \
         and the user and password must be right"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        source: AskError,
    },
    /// It lacks what the scripts need.
    #[error("the Redis at {address} is version {version}; expected 6.2 or newer, or Valkey")]
    TooOld {
        /// Where.
        address: String,
        /// What it says it is.
        version: String,
    },
    /// It is one of many.
    #[error(
        "the Redis at {address} is a node of a Redis Cluster, which is not supported; \
         expected a single primary, with or without replicas"
    )]
    Cluster {
        /// Where.
        address: String,
    },
}

/// A question without an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Redis, or the connection to it, failed.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
}

/// A row that no version of this program has written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error("session {id}: the row is not of version 1; a newer program may have written it")]
    Version { id: String },
    #[error("session {id}: {field} is not what was written")]
    Field { id: String, field: &'static str },
    #[error("session {id}: {source}")]
    Rest { id: String, source: serde_json::Error },
}

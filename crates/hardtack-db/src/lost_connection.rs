//! Connections to PostgreSQL that were lost while they were in the pool.
//!
//! If PostgreSQL restarts, or an administrator terminates its sessions, all connections in the pool are lost. The pool
//! tests a connection before it is used only if the connection has been idle for a while. Work that has no effect if
//! its connection is lost is therefore started again on another connection.

use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// Takes a connection from the pool.
pub(crate) async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    pool.acquire().await.map_err(|error| match error {
        sqlx::Error::PoolTimedOut => {
            no_connection(pool.options().get_acquire_timeout(), pool.options().get_max_connections())
        }
        error => error,
    })
}

/// Returns the error for a connection to PostgreSQL that was not available within `limit`. `connections` is the maximum
/// number of connections of each process.
pub fn no_connection(limit: Duration, connections: u32) -> sqlx::Error {
    let seconds = limit.as_secs();
    let text = format!(
        "no connection to PostgreSQL was available within {seconds} s; check that PostgreSQL is running, can be \
         reached, and is not overloaded, and that its max_connections allows {connections} connections for each \
         server process"
    );
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Limits how often work is started again because its connection was lost.
pub(crate) struct Attempts {
    left: u32,
}

impl Attempts {
    pub(crate) fn new(pool: &PgPool) -> Self {
        // Each connection in the pool can be lost.
        Self { left: pool.options().get_max_connections() }
    }

    /// Returns whether to start again on another connection, because the last attempt lost its connection. Call this
    /// method only if the work has no effect if its connection is lost, for example because it only reads.
    pub(crate) fn is_another_needed<T>(&mut self, result: &Result<T, sqlx::Error>) -> bool {
        let again = self.left > 0 && result.as_ref().is_err_and(is_lost);
        self.left = self.left.saturating_sub(1);
        again
    }
}

/// Returns whether the error says that the connection was lost. Returns `false` if the server does not respond.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        // The server has shut down or crashed, or an administrator has terminated the connection.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

//! A time limit for statements on PostgreSQL. Migrations run without a time limit.
//!
//! A PostgreSQL server can vanish without closing its connections. Without a time limit, a statement would then wait
//! for about 15 minutes, until TCP gives up.

use std::io;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

/// The time limit for a statement. If PostgreSQL takes longer, the connection is closed.
const LIMIT: Duration = Duration::from_secs(5);

/// Waits for a response. If none arrives within [`LIMIT`], returns an error.
pub(crate) async fn limited<T>(response: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(LIMIT, response).await.unwrap_or_else(|_| {
        let text = format!("PostgreSQL has not responded for {} s", LIMIT.as_secs());
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text)))
    })
}

/// If the server has not responded in time, closes the connection instead of returning it to the pool.
pub(crate) fn close_if_timed_out<T>(connection: &mut PoolConnection<Postgres>, result: &Result<T, sqlx::Error>) {
    if matches!(result, Err(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut) {
        connection.close_on_drop();
    }
}

//! How long a request waits for the counters.

use std::time::Duration;

use hardtack::BackendError;

/// How long to wait for the database. After this time, the throttle counts in memory.
const LIMIT: Duration = Duration::from_secs(1);

/// Waits at most [`LIMIT`] for the work to finish.
///
/// After this time, the function returns an error, but the work continues in its own task. If the database does not
/// respond, the task closes the connection. If this function dropped the transaction instead, a broken connection would
/// return to the pool.
pub(super) async fn within_limit<T: Send + 'static>(
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, BackendError> {
    match tokio::time::timeout(LIMIT, tokio::spawn(work)).await {
        Ok(Ok(result)) => result.map_err(BackendError::new),
        Ok(Err(panicked)) => Err(BackendError::new(panicked)),
        Err(_) => Err(BackendError::new(format!("the database has not responded for {} s", LIMIT.as_secs()))),
    }
}

//! Limits how long a request waits for the throttle's counters.

use std::time::Duration;

use hardtack::BackendError;

/// Waits at most `limit` for the work to finish.
///
/// After `limit` has passed, the function returns an error, but the work continues in its own task. If the database
/// does not respond, the task eventually closes the connection. If the transaction were dropped instead, a broken
/// connection would return to the pool.
pub(super) async fn within_limit<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, BackendError> {
    match tokio::time::timeout(limit, tokio::spawn(work)).await {
        Ok(Ok(result)) => result.map_err(BackendError::new),
        Ok(Err(panicked)) => Err(BackendError::new(panicked)),
        Err(_) => Err(BackendError::new(format!("the database has not responded for {} s", limit.as_secs_f64()))),
    }
}

//! Limits how long a change to an account waits for the session store.

use std::time::Duration;

use hardtack::BackendError;

/// The longest time to wait for the session store to reply. Users must be able to make changes even if the session
/// store fails.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the session store, but only for a limited time.
pub(super) async fn within_patience<T>(work: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result,
        Err(_) => Err(BackendError::new(format!("no reply within {} s", PATIENCE.as_secs()))),
    }
}

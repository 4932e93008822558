//! Starts an authenticator's background work in the Tokio runtime that handles the requests.

use hardtack::Authenticator;
use tokio::runtime::Handle;

/// Starts an authenticator's background work, unless it is already running.
#[inline]
pub(crate) fn ensure_running(authenticator: &Authenticator) {
    if authenticator.needs_background_work() {
        start(authenticator);
    }
}

/// Starts nothing if there is no tokio runtime. In that case, Hardtack checks each request against the store.
#[cold]
fn start(authenticator: &Authenticator) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(authenticator.background_work(tokio::time::sleep));
    }
}

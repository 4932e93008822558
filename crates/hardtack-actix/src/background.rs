//! Starts the background work of an authenticator on the runtime that handles a request.

use hardtack::Authenticator;
use tokio::runtime::Handle;

/// Starts the background work of an authenticator, unless this work is already running.
#[inline]
pub(crate) fn ensure_running(authenticator: &Authenticator) {
    if authenticator.needs_background_work() {
        start(authenticator);
    }
}

/// If there is no tokio runtime, starts nothing. Hardtack then checks each request against the store.
#[cold]
fn start(authenticator: &Authenticator) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(authenticator.background_work(tokio::time::sleep));
    }
}

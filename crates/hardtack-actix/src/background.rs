//! Starts the background work of an authenticator, in the runtime of a request.

use hardtack::Authenticator;
use tokio::runtime::Handle;

/// Starts the background work of an authenticator, unless this work is already running.
#[inline]
pub(crate) fn ensure_running(authenticator: &Authenticator) {
    if authenticator.needs_background_work() {
        start(authenticator);
    }
}

/// Starts nothing if there is no tokio runtime. Each request is then checked against the store.
#[cold]
fn start(authenticator: &Authenticator) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(authenticator.background_work(tokio::time::sleep));
    }
}

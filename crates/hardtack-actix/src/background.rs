//! Starts an authenticator's background work. The work runs on the async runtime that is handling the current request.

use hardtack::Authenticator;
use tokio::runtime::Handle;

/// Starts an authenticator's background work, unless this work is already running.
#[inline]
pub(crate) fn ensure_running(authenticator: &Authenticator) {
    if authenticator.needs_background_work() {
        start(authenticator);
    }
}

/// Starts nothing if there is no Tokio runtime. Hardtack then checks each request against the store.
#[cold]
fn start(authenticator: &Authenticator) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(authenticator.background_work(tokio::time::sleep));
    }
}

//! The signals that stop a server.

use std::io;

/// Receives the signals that stop a server: Ctrl-C and, on Unix, SIGTERM. On Unix, a signal that arrives after the call
/// to [`StopSignal::listen`] is never lost.
#[derive(Debug)]
pub struct StopSignal {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// Starts receiving the signals that stop a server. From then on, these signals no longer end the process.
    ///
    /// # Errors
    /// Returns an error if the operating system does not let the process receive signals.
    ///
    /// # Panics
    /// Panics if called outside a tokio runtime, or if the runtime's I/O driver is not enabled.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Starts receiving Ctrl-C.
    ///
    /// # Errors
    /// Never, on this platform.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next Ctrl-C.
    #[cfg(not(unix))]
    pub async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // This process cannot handle Ctrl-C. When the user presses Ctrl-C, the operating system ends the process,
            // so this method waits until then.
            std::future::pending::<()>().await;
        }
    }
}

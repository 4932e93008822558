//! The framework under test, and a running server.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use hardtack::Authenticator;
use tokio::task::JoinHandle;

/// A framework with its adapter for Hardtack.
pub trait Adapter {
    /// Serves the suite's [application](crate::application) on a free port of 127.0.0.1.
    ///
    /// With an authenticator, wrap the whole application in the adapter's layer. With `None`, serve the application
    /// without a layer, as if the developer had forgotten it.
    ///
    /// The server runs on a task or thread of its own until the returned [`Serving`] is dropped. Every case starts a
    /// server of its own, so starting one must be quick.
    fn serve(&self, authenticator: Option<Authenticator>) -> impl Future<Output = Serving>;
}

/// A running server, which stops when this is dropped.
#[must_use = "the server stops when this is dropped"]
pub struct Serving {
    address: SocketAddr,
    _guard: Box<dyn Any>,
}

impl Serving {
    /// Creates the handle of a server at `address` that stops when `guard` is dropped.
    pub fn new(address: SocketAddr, guard: impl Any) -> Self {
        Self { address, _guard: Box::new(guard) }
    }

    /// Creates the handle of a server at `address` that runs on `task` and stops when the task is aborted.
    pub fn task<T: 'static>(address: SocketAddr, task: JoinHandle<T>) -> Self {
        struct AbortOnDrop<T>(JoinHandle<T>);

        impl<T> Drop for AbortOnDrop<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }

        Self::new(address, AbortOnDrop(task))
    }

    /// Returns the address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

//! The framework under test, and a running server.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use hardtack::Authenticator;
use tokio::task::JoinHandle;

/// A web framework together with Hardtack's adapter for it.
pub trait Adapter {
    /// Serves the suite's [application](crate::application) on a free port of 127.0.0.1.
    ///
    /// If `authenticator` is `Some`, wrap the whole application in the adapter's layer. If it is `None`, serve the
    /// application without the layer, as if the developer had forgotten it.
    ///
    /// The server must run on its own task or thread until the returned [`Serving`] is dropped. The server must start
    /// quickly, because each test case starts its own.
    fn serve(&self, authenticator: Option<Authenticator>) -> impl Future<Output = Serving>;
}

/// A handle for a running server. The server stops when the handle is dropped.
#[must_use = "the server stops when the `Serving` is dropped"]
pub struct Serving {
    address: SocketAddr,
    _guard: Box<dyn Any>,
}

impl Serving {
    /// Creates a handle for a server that listens on `address`. Dropping the handle also drops `guard`, and dropping
    /// `guard` must stop the server.
    pub fn new(address: SocketAddr, guard: impl Any) -> Self {
        Self { address, _guard: Box::new(guard) }
    }

    /// Creates a handle for a server that listens on `address` and runs in `task`. Dropping the handle aborts the task.
    /// The server must stop when its task is aborted.
    pub fn task<T: 'static>(address: SocketAddr, task: JoinHandle<T>) -> Self {
        struct AbortOnDrop<T>(JoinHandle<T>);

        impl<T> Drop for AbortOnDrop<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }

        Self::new(address, AbortOnDrop(task))
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

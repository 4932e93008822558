//! The HTTP conformance suite: what every adapter of Hardtack owes, asked over real sockets.
//!
//! The suite owns the authenticator, its clock and its store; a framework owns an [`application`] written once,
//! and an [`Adapter`] that serves it. [`run`] then sends a table of requests, as browsers, programs and
//! htmx do, and compares status, `Location`, `Set-Cookie`, body and the handler's runs with what they
//! have to be. No case can be left out.
//!
//! ```no_run
//! use hardtack::Authenticator;
//! use hardtack_conformance::suite::{self, Adapter, Serving};
//!
//! struct MyFramework;
//!
//! impl Adapter for MyFramework {
//!     async fn serve(&self, authenticator: Option<Authenticator>) -> Serving {
//!         let (listener, address) = hardtack_conformance::server::bind().await;
//!         let server = tokio::spawn(async move { /* serve the application with `authenticator` on `listener` */ });
//! #       drop((listener, authenticator));
//!         Serving::task(address, server)
//!     }
//! }
//!
//! # async fn conformance() {
//! suite::run(&MyFramework).await;
//! # }
//! ```

pub mod application;

mod bodies;
mod caching;
mod case;
mod csrf;
mod http2;
mod keys;
mod locations;
mod log_ins;
mod logged_in;
mod methods;
mod modes;
mod names;
mod next;
mod origins;
mod races;
mod redirecting;
mod refreshing;
mod replies;
mod set_cookie;
mod site;
mod stateless;
mod states;
mod store;
mod streams;
mod tokens;
mod told;
mod unlayered;
mod users;
mod wire;

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use hardtack::Authenticator;

use case::Case;

/// A framework with its Hardtack adapter.
pub trait Adapter {
    /// Serves the [`application`] on a free port of 127.0.0.1 with this authenticator, on a task or a thread of
    /// its own, until the answer is dropped. Without an authenticator, the same application without any layer: the
    /// developer forgot it.
    fn serve(&self, authenticator: Option<Authenticator>) -> impl Future<Output = Serving>;
}

/// A running server.
pub struct Serving {
    address: SocketAddr,
    _guard: Box<dyn Any>,
}

impl Serving {
    /// A server that stops when `guard` is dropped.
    pub fn new(address: SocketAddr, guard: impl Any) -> Self {
        Self { address, _guard: Box::new(guard) }
    }

    /// A server on a task that ends when it is aborted.
    pub fn task<T: 'static>(address: SocketAddr, task: tokio::task::JoinHandle<T>) -> Self {
        struct Abort<T>(tokio::task::JoinHandle<T>);

        impl<T> Drop for Abort<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }

        Self::new(address, Abort(task))
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Runs every case, each against a server of its own, and prints how many there were.
///
/// # Panics
/// When any of them failed: with the name of each, what was expected and what came.
pub async fn run(adapter: &impl Adapter) {
    let cases = cases();
    let mut names: Vec<_> = cases.iter().map(|case| case.name().to_owned()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "every case has a name of its own");

    let mut failed = Vec::new();
    for case in cases {
        let name = case.name().to_owned();
        let findings = case.outcome(adapter).await;
        if !findings.is_empty() {
            failed.push(format!("{name}\n{}", findings.join("\n")));
        }
    }
    println!("{count} cases of the HTTP conformance suite, {} failed", failed.len());
    assert!(failed.is_empty(), "{} of {count} cases failed:\n\n{}\n", failed.len(), failed.join("\n\n"));
}

/// The table, in the order of `docs/another-framework.md`.
fn cases() -> Vec<Case> {
    let themes = [
        unlayered::cases,
        tokens::cases,
        keys::cases,
        names::cases,
        users::cases,
        replies::cases,
        set_cookie::cases,
        caching::cases,
        csrf::cases,
        origins::cases,
        log_ins::cases,
        logged_in::cases,
        next::cases,
        methods::cases,
        refreshing::cases,
        races::cases,
        redirecting::cases,
        modes::cases,
        stateless::cases,
        store::cases,
        bodies::cases,
        streams::cases,
        http2::cases,
        locations::cases,
    ];
    themes.into_iter().flat_map(|theme| theme()).collect()
}

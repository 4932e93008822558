//! The HTTP conformance suite for the web framework adapters of [Hardtack](hardtack).
//!
//! An adapter translates between a framework and Hardtack's core. This suite checks that the adapter does so correctly.
//!
//! The suite serves a small application through the adapter. It sends the application more than a thousand requests
//! over real sockets, and imitates browsers, API clients, htmx and attackers. For each response, the suite compares the
//! status, `Location`, `Set-Cookie`, the body and the number of handler runs with the expected values. `hardtack-axum`
//! and `hardtack-actix` pass the same cases. No case can be skipped.
//!
//! # Run it
//!
//! Write the [application] in your framework, implement [`Adapter`], and call [`run`] in a test. The [guide for adapter
//! authors][guide] lists the application's routes and what an adapter must do.
//!
//! ```no_run
//! use hardtack::Authenticator;
//! use hardtack_conformance::{Adapter, Serving};
//! use tokio::net::TcpListener;
//!
//! struct MyFramework;
//!
//! impl Adapter for MyFramework {
//!     async fn serve(&self, authenticator: Option<Authenticator>) -> Serving {
//!         let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
//!         let address = listener.local_addr().unwrap();
//!         let server = tokio::spawn(async move {
//!             // Serve the application on `listener`, with the adapter's layer around it if there is an
//!             // authenticator.
//! #           drop((listener, authenticator));
//!         });
//!         Serving::task(address, server)
//!     }
//! }
//!
//! # mod test { use super::MyFramework;
//! #[tokio::test(flavor = "multi_thread")]
//! async fn conformance() {
//!     hardtack_conformance::run(&MyFramework).await;
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! # Read the result
//!
//! If a run fails, its message lists every case that failed. For each difference, the message names the line in this
//! crate's source and shows the expected and the actual response:
//!
//! ```text
//! next: keeps the full path of a nested router
//!   GET (next.rs:100)
//!     expected: "303 → /login?next=%2Fnested%2Finner%3Fa%3Db"
//!          got: "303 → /login?next=%2Finner%3Fa%3Db"
//! ```
//!
//! Each response is shown on one line: the status, the redirect target or the problem document's code, and the token
//! cookies that the response sets (`+access`, `+refresh`) or deletes (`-access`, `-refresh`).
//!
//! # Modules
//!
//! - [`application`]: the types that the suite's application needs in every framework.
//! - [`client`]: the suite's HTTP client, which has a cookie jar like a browser's. You can use it in your own tests.
//!
//! The suite does not test the core itself. A bug in the core makes the same cases fail with every adapter.
//! [`hardtack::testing::store_conformance`] is the corresponding suite for session stores.
//!
//! [guide]: https://docs.rs/hardtack/latest/hardtack/guide/adapters/

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic with a message is how a test fails"
)]

mod adapter;
pub mod application;
mod cases;
pub mod client;
mod harness;
mod response;
mod run;

pub use adapter::{Adapter, Serving};
pub use client::{Client, Request, Response};
pub use hardtack::testing::{CookieJar, StoredCookie};
pub use run::run;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

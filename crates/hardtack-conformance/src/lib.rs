//! The HTTP conformance suite for adapters of [Hardtack](hardtack) to web frameworks.
//!
//! An adapter translates between a framework and Hardtack's core, and this suite checks that it does so correctly. It
//! serves a small application through the adapter, sends over a thousand requests to it over real sockets, as browsers,
//! programs, htmx and attackers do, and compares the status, `Location`, `Set-Cookie`, body and number of handler runs
//! with the expected ones. `hardtack-axum` and `hardtack-actix` pass the same cases. No case can be skipped.
//!
//! # Run it
//!
//! Write the [application] once in your framework, implement [`Adapter`], and call [`run`] in a test. The [guide for
//! authors of adapters][guide] lists the routes of the application and what an adapter must do.
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
//! The message of a failed run lists every case that failed, with the line in this crate's source, and the expected
//! and the actual response in one line each:
//!
//! ```text
//! next: keeps the full path of a nested router
//!   GET (next.rs:100)
//!     expected: "303 → /login?next=%2Fnested%2Finner%3Fa%3Db"
//!          got: "303 → /login?next=%2Finner%3Fa%3Db"
//! ```
//!
//! The line of a response contains the status; then the redirect's target or the code of the problem document; then the
//! token cookies that the response sets (`+access`, `+refresh`) or deletes (`-access`, `-refresh`).
//!
//! # Modules
//!
//! - [`application`]: the types that the suite's application needs in every framework;
//! - [`client`]: the HTTP client of the suite, with the cookie jar of a browser, for tests of your own;
//! - [`jar`]: that cookie jar.
//!
//! The suite does not test the core itself: a bug in the core fails the same cases for every adapter.
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
mod cookie_date;
mod harness;
pub mod jar;
mod response;
mod run;

pub use adapter::{Adapter, Serving};
pub use client::{Client, Request, Response};
pub use jar::{CookieJar, StoredCookie};
pub use run::run;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

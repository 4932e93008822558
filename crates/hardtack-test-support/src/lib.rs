//! Test support for Hardtack's own crates. This crate is not published.
//!
//! The crate is for black-box tests, which access a server only over the network, like a browser or an API client. It
//! contains:
//!
//! - [`client`], from `hardtack-conformance`: HTTP requests with a cookie jar like a browser's;
//! - [`html`]: the forms in a page, for clients without a browser;
//! - [`browser`]: headless Chromium, with JavaScript on or off, light or dark;
//! - [`device_binding`]: a site behind TLS, its events, and browsers that can bind sessions to their device;
//! - [`http2`]: an HTTP/2 client that acknowledges nothing;
//! - [`process`]: a server program that a test starts, watches and stops;
//! - [`random_values`]: removes tokens and ids from a text in which a test looks for short words;
//! - [`realms`]: a test that visits a shop and its back office, which are two realms;
//! - [`server`]: a listener on a free port, and a small HTTP server that stands in for an upstream or a website;
//! - [`services`]: private PostgreSQL and Redis servers and Flask applications, which end when the test does;
//! - [`small_disk`]: a file system that a test fills and frees;
//! - [`on_every_store!`]: a macro that runs the same tests on several stores;
//! - [`streams`]: tests that visit the example `streams`;
//! - [`tls`]: a TLS proxy in front of a server, with a certificate that a browser can be told to trust;
//! - [`tutorial`]: tests that visit the tutorial's site;
//! - [`wait`]: functions that wait for a condition.
//!
//! Most functions panic if they are misused or if the network fails, so that the test fails with a message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic with a message is how a test fails"
)]

pub mod browser;
pub mod device_binding;
#[cfg(doctest)]
mod doctests;
pub mod html;
pub mod http2;
pub mod process;
pub mod random_values;
pub mod realms;
pub mod server;
pub mod services;
pub mod small_disk;
pub mod stores;
pub mod streams;
pub mod tls;
pub mod tutorial;
pub mod wait;

pub use browser::{Browser, BrowserError, BrowserOptions};
pub use hardtack::testing::TestDevice;
pub use hardtack_conformance::{Client, CookieJar, Request, Response, StoredCookie, client};
pub use html::HtmlForms;
pub use process::{Process, Program, StartError};

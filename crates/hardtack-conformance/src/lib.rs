//! Test support for Hardtack: what black-box tests over real sockets need, so that a test sees a server
//! only as a browser would, and the suite that holds every framework's adapter to the same answers.
//!
//! - [`Client`]: HTTP/1.1 requests with a browser's cookie jar, redirects and forms;
//! - [`Program`] and [`Process`]: a server binary, started, watched and stopped;
//! - [`Browser`]: headless Chromium, with JavaScript on or off, light or dark;
//! - [`services`]: private servers of other makers, such as PostgreSQL;
//! - [`server`]: a listener on a free port, and a tiny server to stand behind or before another;
//! - [`services`]: private databases and applications in Python, which end with the test;
//! - [`suite`]: the HTTP conformance suite;
//! - [`tutorial`]: what a visitor does on the tutorial's site.
//!
//! Helpers panic when they are misused or when the network fails: in a test that is the report.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a panic with a message is how a test fails"
)]

pub mod browser;
pub mod client;
mod cookie_date;
pub mod html;
pub mod jar;
pub mod process;
pub mod server;
pub mod services;
pub mod stores;
pub mod suite;
pub mod tutorial;

pub use browser::{Browser, BrowserError, BrowserOptions};
pub use client::{Client, Request, Response};
pub use jar::{CookieJar, StoredCookie};
pub use process::{Process, Program, StartError};

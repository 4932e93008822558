//! Tests of the test support itself.

#![allow(clippy::unwrap_used, reason = "a test")]

mod browser;
mod client;
mod flask;

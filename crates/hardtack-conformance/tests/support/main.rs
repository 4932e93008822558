//! The test support itself, held to what it promises.

#![allow(clippy::unwrap_used, reason = "a test")]

mod browser;
mod client;
mod flask;

//! The adapter over real sockets: what a browser, a program and htmx send, and what they get back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bodies;
mod changes;
mod conformance;
mod csrf;
mod current_user;
mod extractors;
mod http2;
mod layers;
mod optional;
mod refreshing;
mod site;
mod tutorial;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod tutorial_example;

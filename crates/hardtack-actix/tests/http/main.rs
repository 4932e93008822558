//! The adapter over real sockets: what a browser, a program and htmx send, and what they get back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bodies;
mod conformance;
mod current_user;
mod layers;
mod optional;
mod responses;
mod site;
mod tutorial;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod tutorial_example;

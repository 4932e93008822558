//! The adapter over real sockets: what a browser, a program and htmx send, and what they get back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![allow(clippy::duplicate_mod, reason = "both examples have the same people")]

mod ajax;
mod allocations;
mod bodies;
mod browser;
mod conformance;
mod current_user;
mod flask;
mod layers;
mod log;
mod responses;
mod site;
mod tutorial;
mod verify;

#[path = "../../examples/ajax.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod ajax_example;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod tutorial_example;

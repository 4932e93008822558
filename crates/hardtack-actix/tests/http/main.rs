//! Tests the adapter over real sockets, with requests of browsers, API clients and htmx.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod background;
mod bodies;
mod composition;
mod conformance;
mod cross_origin;
mod current_user;
mod examples;
mod first_day;
mod layers;
mod optional;
mod prefix;
mod quickstart;
mod ready_routes;
mod realms;
mod responses;
mod site;
mod streams;
mod testing;
mod tutorial;

#[path = "../../examples/streams.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod streams_example;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod tutorial_example;

//! Tests the adapter over real sockets, with requests of browsers, API clients and htmx.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![allow(clippy::duplicate_mod, reason = "both examples have the same users")]

mod ajax;
mod allocations;
mod background;
mod bodies;
mod browser;
mod composition;
mod conformance;
mod cross_origin;
mod current_user;
mod device_binding;
mod examples;
mod first_day;
mod flask;
mod layers;
mod log;
mod oauth;
mod prefix;
mod quickstart;
mod ready_routes;
mod realms;
mod responses;
mod serve;
mod site;
mod streams;
mod testing;
mod traces;
mod tutorial;
mod verify;

#[path = "../../examples/ajax.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod ajax_example;

#[path = "../../examples/oauth.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod oauth_example;
#[path = "../../examples/quickstart.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod quickstart_example;

#[path = "../../examples/streams.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod streams_example;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main function listens on a fixed port")]
mod tutorial_example;

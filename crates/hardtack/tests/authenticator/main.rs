//! The authenticator's behaviour through its public door: requests in, replies and cookies out. A test is
//! named after the row of the security requirements that it shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod application;
mod change_claims;
mod config;
mod cookies;
mod csrf;
mod cut_off;
mod events;
mod failures;
mod flask;
mod following;
mod interleavings;
mod jwt_options;
mod lifetimes;
mod locations;
mod log_in;
mod log_out;
mod model;
mod password_change;
mod refresh_redirect;
mod refresh_transparent;
mod remember;
mod replaced;
mod sliding;
mod stateless;
mod store_failure;
mod support;
mod threads;
mod token_cache;

// Modules of the core that are compiled here once more take it from the root.
use hardtack::{clock, session};

//! The authenticator's behaviour through its public door: requests in, replies and cookies out. A test is
//! named after the row of the security requirements that it shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod callbacks;
mod cancelled_requests;
mod change_claims;
mod config;
mod cookies;
mod csrf;
mod events;
mod flask_compat;
mod interleavings;
mod jwt_options;
mod lifetimes;
mod log_in;
mod log_out;
mod loom;
mod model;
mod password_change;
mod persistent_cookies;
mod refresh_redirect;
mod refresh_sliding;
mod refresh_transparent;
mod refusals;
mod replaced_sessions;
mod revocation_log;
mod stateless;
mod store_failure;
mod support;
mod token_cache;
mod token_sources;

// Modules of the core that are compiled here once more take it from the root.
use hardtack::{clock, session};

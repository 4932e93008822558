//! Tests of the authenticator through its public API: a request goes in, a response and cookies come out. A test whose
//! name begins with `sNN` tests row SNN of the security requirements in `docs/security.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod added_claims;
mod background;
mod callbacks;
mod cancelled_requests;
mod change_claims;
mod clocks;
mod config;
mod cookies;
mod csrf;
mod device;
mod device_arrivals;
mod device_binding;
mod device_model;
mod device_reauthentication;
mod device_refresh;
mod device_step_up;
mod ended_sessions;
mod events;
mod explain;
mod external;
mod flask_compat;
mod forbidden;
mod foreign_cookies;
mod interleavings;
mod jwt_options;
mod lifetimes;
mod limits;
mod log_in;
mod log_out;
mod loom;
mod model;
mod password_change;
mod persistent_cookies;
mod public_pages;
mod realm;
mod reauthentication;
mod refresh_redirect;
mod refresh_sliding;
mod refresh_transparent;
mod refusals;
mod replaced_sessions;
mod revocation_log;
mod stateless;
mod store_failure;
mod streams;
mod support;
mod token_cache;
mod token_sources;
mod undelivered;
mod virtual_time;
mod wrong_base_url;

// `loom.rs` compiles some modules of the core a second time, and they import these two with `crate::`.
use hardtack::{clock, session};

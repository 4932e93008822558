//! Guides, each on one topic. This module contains only documentation.

#[doc = include_str!("../guide/own_routes.md")]
pub mod own_routes {}

#[doc = include_str!("../guide/own_pages.md")]
pub mod own_pages {}

#[doc = include_str!("../guide/email.md")]
pub mod email {}

#[doc = include_str!("../guide/names_and_passwords.md")]
pub mod names_and_passwords {}

#[doc = include_str!("../guide/json_api.md")]
pub mod json_api {}

#[doc = include_str!("../guide/operation.md")]
pub mod operation {}

//! The crates that Hardtack is compared with, each used as its documentation recommends.

pub(crate) mod actix_session;
pub(crate) mod axum_login;
pub(crate) mod by_hand;
pub(crate) mod claims;
pub(crate) mod flask;
pub(crate) mod jwt_authorizer;

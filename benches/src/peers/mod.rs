//! Other people's crates, each as its own documentation has it used.

pub(crate) mod actix_session;
pub(crate) mod axum_login;
pub(crate) mod by_hand;
pub(crate) mod claims;
pub(crate) mod flask;
pub(crate) mod jwt_authorizer;

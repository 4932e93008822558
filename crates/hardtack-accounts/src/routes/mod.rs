//! The handlers: a file for each route or group of routes.

pub(crate) mod account;
pub(crate) mod activity;
mod activity_rows;
pub(crate) mod assets;
pub(crate) mod confirm_email;
mod credentials;
pub(crate) mod device_binding;
pub(crate) mod fallback;
pub(crate) mod forgot_password;
mod fresh;
pub(crate) mod health;
pub(crate) mod home;
mod kept_form;
mod link_page;
mod link_used;
pub(crate) mod login;
pub(crate) mod logout;
mod new_address;
pub(crate) mod openapi;
mod own_session;
pub(crate) mod reauthenticate;
pub(crate) mod refresh;
pub(crate) mod reset_password;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod signup;
pub(crate) mod undo_email;

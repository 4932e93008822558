//! The routes: a file for each place that a form or a program talks to.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod answer;
pub(crate) mod assets;
mod draft;
pub(crate) mod email;
pub(crate) mod forgot;
pub(crate) mod health;
pub(crate) mod home;
mod kept;
pub(crate) mod login;
pub(crate) mod logout;
mod mail_link;
pub(crate) mod missing;
pub(crate) mod openapi;
pub(crate) mod reauthenticate;
pub(crate) mod refresh;
pub(crate) mod reset;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod signup;
mod visitor;

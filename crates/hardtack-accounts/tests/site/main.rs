//! The ready site over real sockets: people with forms, programs with JSON, and those who mean harm.
//! A test that shows a security requirement names its row: `s27_…`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod activity;
mod browser;
mod cookies;
mod csrf;
mod forged;
mod headers;
mod input;
mod leaks;
mod mail;
mod next;
mod openapi;
mod outage;
mod passwords;
mod people;
mod postgres;
mod programs;
mod refresh;
mod remember;
mod roles;
mod rotation;
mod rush;
mod sessions;
mod support;
mod wired;

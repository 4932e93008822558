//! The site over real sockets: browsers with forms, API clients with JSON, and attackers. The name of a test that
//! proves a security requirement starts with the number of its row: `s27_…`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod activity;
mod browser;
mod cookies;
mod csrf;
mod embedded;
mod ended_sessions;
mod false_claims;
mod faults;
mod faulty_site;
mod forged;
mod forms;
mod guess_times;
mod guessing;
mod headers;
mod input;
mod json_api;
mod json_tokens;
mod leaks;
mod letters;
mod mail;
mod mail_limits;
mod mail_queue;
mod mail_strangers;
mod name_upgrades;
mod names;
mod names_at_once;
mod new_passwords;
mod next;
mod openapi;
mod outage;
mod own_transaction;
mod password_sent_twice;
mod passwords;
mod people;
mod postgres;
mod public_pages;
mod recording_site;
mod refresh;
mod remember;
mod restart;
mod roles;
mod rotation;
mod rush;
mod self_service;
mod sessions;
mod stale_forms;
mod support;

#[path = "../../examples/accounts.rs"]
#[allow(dead_code, reason = "the tests do not call main")]
mod accounts_example;

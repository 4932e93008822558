//! Tests of the `hardtack` binary: its command line, and its servers over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod account_rules;
mod configuration;
mod connections;
mod crashes;
mod database;
mod device_binding;
mod different_keys;
mod differing_stores;
mod expiry;
mod explain;
mod files;
mod full_disk;
mod guessing;
mod keys;
mod keys_of_servers;
mod limits;
mod load;
mod logs;
mod lost_replies;
mod lost_sessions;
mod mail;
mod mail_server;
mod open_files;
mod operator;
mod outages;
mod racing;
mod redis;
mod refusals;
mod returning_stores;
mod settings_table;
mod sharing;
mod sites;
mod smtp;
mod starting;
mod stopping;
mod store_checks;
mod stores;
mod support;
mod tables;
mod undeletable_keys;
mod unloadable_keys;
mod unwritable_database;
mod unwritable_output;
mod users;

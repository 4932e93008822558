//! Sessions on SQLite and PostgreSQL: the conformance suite, and tests with real files, servers and several processes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod claims_in_transaction;
mod clocks;
mod ended_in_transaction;
mod in_transaction;
mod many_sessions;
mod migrations;
mod parallel;
mod postgres;
mod sqlite;
mod test_database;
mod text;
mod throttle;

use hardtack::clock::Timestamp;
use hardtack::session::Session;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn session(subject: &str) -> Session {
    hardtack::testing::session(subject, NOW)
}

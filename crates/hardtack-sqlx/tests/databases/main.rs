//! Sessions on SQLite and PostgreSQL: the conformance suite, and what only files, servers and several
//! processes can show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod migrations;
mod parallel;
mod place;
mod postgres;
mod sqlite;
mod text;

use hardtack::clock::Timestamp;
use hardtack::session::Session;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn session(subject: &str) -> Session {
    hardtack::testing::session(subject, NOW)
}

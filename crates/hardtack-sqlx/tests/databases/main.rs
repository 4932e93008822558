//! Sessions on SQLite and PostgreSQL: the conformance suite, and tests with real files, servers and several processes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod migrations;
mod parallel;
mod postgres;
mod sqlite;
mod test_database;
mod text;

use hardtack::session::SessionRules;
use hardtack::{Session, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn session(subject: &str) -> Session {
    Session::begin(subject, NOW, &SessionRules::default())
}

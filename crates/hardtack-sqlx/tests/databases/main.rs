//! Sessions on SQLite and PostgreSQL: the conformance suite, and what only files, servers and several
//! processes can show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod migrations;
mod parallel;
mod place;
mod postgres;
mod sqlite;
mod text;

use hardtack::session::SessionRules;
use hardtack::{Session, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn session(subject: &str) -> Session {
    Session::begin(subject, NOW, &SessionRules::default())
}

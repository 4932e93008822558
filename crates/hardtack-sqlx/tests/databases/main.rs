//! Sessions on SQLite: the conformance suite, and what only a file and several processes can show.
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod durability;
mod migrations;
mod opening;
mod parallel;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use hardtack::session::SessionRules;
use hardtack::testing::store_conformance;
use hardtack::{Session, Timestamp};
use hardtack_sqlx::SqliteSessions;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn session(subject: &str) -> Session {
    Session::begin(subject, NOW, &SessionRules::default())
}

async fn open(path: &Path) -> SqliteSessions {
    SqliteSessions::open(path).await.unwrap()
}

#[tokio::test]
async fn a_file_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let stores = AtomicUsize::new(0);
    let fresh = || open_numbered(directory.path(), stores.fetch_add(1, Ordering::Relaxed));
    store_conformance(fresh).await;
}

async fn open_numbered(directory: &Path, number: usize) -> SqliteSessions {
    open(&directory.join(format!("{number}.db"))).await
}

#[tokio::test]
async fn memory_conforms() {
    store_conformance(async || SqliteSessions::open_in_memory().await.unwrap()).await;
}

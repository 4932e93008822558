//! Tests that need an SQLite file.

mod durability;
mod opening;
mod trouble;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use hardtack::testing::store_conformance;
use hardtack_sqlx::SqliteSessions;

use crate::{NOW, session};

async fn open(path: &Path) -> SqliteSessions {
    SqliteSessions::open(path).await.unwrap()
}

#[tokio::test]
async fn sessions_in_a_file_conform() {
    let directory = tempfile::tempdir().unwrap();
    let stores = AtomicUsize::new(0);
    let fresh = || open_numbered(directory.path(), stores.fetch_add(1, Ordering::Relaxed));
    store_conformance(fresh).await;
}

async fn open_numbered(directory: &Path, number: usize) -> SqliteSessions {
    open(&directory.join(format!("{number}.db"))).await
}

#[tokio::test]
async fn sessions_in_memory_conform() {
    store_conformance(async || SqliteSessions::open_in_memory().await.unwrap()).await;
}

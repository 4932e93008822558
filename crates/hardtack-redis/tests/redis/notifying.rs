//! Who is told of revocations, and when.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hardtack::MemorySessions;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_redis::NotifyingSessions;
use hardtack_test_support::services::redis::RedisServer;

use crate::{NOBODY, NOW, open, open_twice, session};

/// How long news may take on a busy machine.
const SOON: Duration = Duration::from_secs(5);

async fn is_told(store: &impl SessionStore) {
    tokio::time::timeout(SOON, store.revoked_elsewhere()).await.expect("told soon").unwrap();
}

/// Nothing is left to be told.
async fn is_not_told(store: &impl SessionStore) {
    let told = tokio::time::timeout(Duration::from_millis(200), store.revoked_elsewhere()).await;
    assert!(told.is_err(), "told for no reason");
}

/// Reads up to the present; the first connection tells once.
async fn settle(store: &impl SessionStore) {
    is_told(store).await;
    is_not_told(store).await;
}

async fn tells(here: &impl SessionStore, there: &impl SessionStore) {
    settle(there).await;
    let [row, next] = [session("alice"), session("alice")];
    here.create(&row, NOBODY).await.unwrap();
    is_not_told(there).await;
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_told(there).await;
    is_not_told(there).await;
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_not_told(there).await;

    here.create(&next, NOBODY).await.unwrap();
    here.create(&session("alice"), RevokeTarget::Sessions(&[next.id])).await.unwrap();
    is_told(there).await;

    assert_eq!(here.outdate("alice", Some("{}"), NOW).await.unwrap().len(), 1);
    is_told(there).await;
    is_not_told(there).await;
    assert_eq!(here.outdate("nobody", None, NOW).await.unwrap(), []);
    is_not_told(there).await;

    // Told while nobody waited: the next one to wait hears of it.
    here.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    is_told(there).await;
    is_not_told(there).await;
}

#[tokio::test]
async fn a_revocation_on_redis_wakes_the_others() {
    let [here, there] = open_twice().await;
    tells(&here, &there).await;
}

#[tokio::test]
async fn a_revocation_in_another_store_wakes_the_others() {
    let server = RedisServer::shared();
    let (rows, name) = (MemorySessions::new(), server.name());
    let store = || NotifyingSessions::named(rows.clone(), server.url(), &name).unwrap();
    let (here, there) = (store(), store());
    tells(&here, &there).await;
    assert_eq!(there.store().list("alice", NOW).await.unwrap(), []);
}

#[tokio::test]
async fn every_clone_is_told() {
    let [here, there] = open_twice().await;
    let clone = there.clone();
    settle(&there).await;
    settle(&clone).await;
    let row = session("alice");
    here.create(&row, NOBODY).await.unwrap();
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_told(&there).await;
    is_told(&clone).await;
}

#[tokio::test]
async fn a_connection_made_anew_tells_once() {
    let server = RedisServer::start();
    let store = open(&server).await;
    settle(&store).await;
    server.kill();
    server.start_again();
    is_told(&store).await;
    is_not_told(&store).await;
    let other = open(&server).await;
    let row = session("alice");
    other.create(&row, NOBODY).await.unwrap();
    other.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_told(&store).await;
}

#[tokio::test]
async fn no_log_out_waits_for_word_of_it() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = RedisServer::start();
    let rows = MemorySessions::new();
    let store = || NotifyingSessions::new(rows.clone(), server.url()).unwrap();
    let (here, there) = (store(), store());
    settle(&there).await;
    server.pause();
    let started = Instant::now();
    for _ in 0..3 {
        let row = session("alice");
        here.create(&row, NOBODY).await.unwrap();
        assert_eq!(here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap(), [row.id]);
    }
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    server.kill();
    // Long enough for several tries.
    let warned = async || {
        while !logged.text().contains("other processes are not told") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), warned()).await.expect("it is logged");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.start_again();
    is_told(&there).await;
    let text = logged.text();
    assert_eq!(text.matches("other processes are not told").count(), 1, "{text}");
    assert_eq!(text.matches("no word of revocations").count(), 1, "{text}");
    assert!(!text.contains(server.url().split('@').next().unwrap()), "{text}");
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

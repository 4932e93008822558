//! Which processes are notified of revocations, and when.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hardtack::MemorySessions;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_redis::NotifyingSessions;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;

use crate::{NO_SESSIONS, NOW, open, open_twice, session};

async fn is_notified(store: &impl SessionStore) {
    wait::within_reason("a notification", store.revoked_elsewhere()).await.unwrap();
}

async fn is_not_notified(store: &impl SessionStore) {
    let notified = tokio::time::timeout(Duration::from_millis(200), store.revoked_elsewhere()).await;
    assert!(notified.is_err(), "notified for no reason");
}

/// Waits for the notification that a new connection causes.
async fn connect(store: &impl SessionStore) {
    is_notified(store).await;
    is_not_notified(store).await;
}

async fn notifies(here: &impl SessionStore, there: &impl SessionStore) {
    connect(there).await;
    let [row, next] = [session("alice"), session("alice")];
    here.create(&row, NO_SESSIONS).await.unwrap();
    is_not_notified(there).await;
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_notified(there).await;
    is_not_notified(there).await;
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_not_notified(there).await;

    here.create(&next, NO_SESSIONS).await.unwrap();
    here.create(&session("alice"), RevokeTarget::Sessions(&[next.id])).await.unwrap();
    is_notified(there).await;

    assert_eq!(here.outdate("alice", Some("{}"), NOW).await.unwrap().len(), 1);
    is_notified(there).await;
    is_not_notified(there).await;
    assert_eq!(here.outdate("unknown", None, NOW).await.unwrap(), []);
    is_not_notified(there).await;

    // Notified while not waiting: the next call returns at once.
    here.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    is_notified(there).await;
    is_not_notified(there).await;
}

#[tokio::test]
async fn a_revocation_in_redis_notifies_other_processes() {
    let [here, there] = open_twice().await;
    notifies(&here, &there).await;
}

#[tokio::test]
async fn a_revocation_in_another_store_notifies_other_processes() {
    let server = RedisServer::shared();
    let (rows, name) = (MemorySessions::new(), server.name());
    let store = || NotifyingSessions::named(rows.clone(), server.url(), &name).unwrap();
    let (here, there) = (store(), store());
    notifies(&here, &there).await;
    assert_eq!(there.store().list("alice", NOW).await.unwrap(), []);
}

#[tokio::test]
async fn every_clone_is_notified() {
    let [here, there] = open_twice().await;
    let clone = there.clone();
    connect(&there).await;
    connect(&clone).await;
    let row = session("alice");
    here.create(&row, NO_SESSIONS).await.unwrap();
    here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_notified(&there).await;
    is_notified(&clone).await;
}

#[tokio::test]
async fn a_new_connection_notifies_once() {
    let server = RedisServer::start();
    let store = open(&server).await;
    connect(&store).await;
    server.kill();
    server.start_again();
    is_notified(&store).await;
    is_not_notified(&store).await;
    let other = open(&server).await;
    let row = session("alice");
    other.create(&row, NO_SESSIONS).await.unwrap();
    other.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    is_notified(&store).await;
}

#[tokio::test]
async fn log_outs_do_not_wait_for_notifications() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = RedisServer::start();
    let rows = MemorySessions::new();
    let store = || NotifyingSessions::new(rows.clone(), server.url()).unwrap();
    let (here, there) = (store(), store());
    connect(&there).await;
    server.pause();
    let started = Instant::now();
    for _ in 0..30 {
        let row = session("alice");
        here.create(&row, NO_SESSIONS).await.unwrap();
        assert_eq!(here.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap(), [row.id]);
    }
    // If each notification waited for Redis, the notifications would take a minute.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    server.kill();
    let both = ["cannot notify other processes", "cannot notify this process"];
    wait::until("both are logged", async || both.iter().all(|text| logged.text().contains(text))).await;
    // Long enough for several attempts.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.start_again();
    is_notified(&there).await;
    let text = logged.text();
    assert_eq!(text.matches("cannot notify other processes").count(), 1, "{text}");
    assert_eq!(text.matches("cannot notify this process").count(), 1, "{text}");
    assert!(!text.contains(server.url().split('@').next().unwrap()), "{text}");
}

/// Collects the log output.
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

//! A Redis that stops, hangs and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hardtack::SessionId;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_redis::RedisSessions;
use hardtack_test_support::services::redis::RedisServer;
use tokio::task::JoinSet;

use crate::{NO_SESSIONS, NOW, next, open, session};

/// The maximum duration of an operation. An operation is given up after five seconds, but the machine may be busy.
const LIMIT: Duration = Duration::from_secs(30);

async fn all_fail(store: &RedisSessions) {
    let row = session("bob");
    let started = Instant::now();
    let (create, find, rotate, confirm, revoke, list, log, prune) = tokio::join!(
        store.create(&row, NO_SESSIONS),
        store.find(row.id),
        store.rotate(row.id, 1, next(1)),
        store.confirm(row.id, 1),
        store.revoke(RevokeTarget::AllOf("bob"), NOW),
        store.list("bob", NOW),
        store.revocations(0, 1),
        store.prune(NOW, 1),
    );
    assert!(create.is_err() && find.is_err() && rotate.is_err() && confirm.is_err(), "an error, never an empty result");
    assert!(revoke.is_err() && list.is_err() && log.is_err() && prune.is_err(), "an error, never an empty result");
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
}

#[tokio::test]
async fn s41_a_store_that_is_gone_fails_soon_and_recovers() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await.unwrap();
    for end in [RedisServer::stop, RedisServer::kill] {
        end(&server);
        all_fail(&store).await;
        server.start_again();
        assert_eq!(store.find(row.id).await.unwrap(), Some(row.clone()));
        store.create(&session("carol"), NO_SESSIONS).await.unwrap();
    }
}

#[tokio::test]
async fn s41_a_store_that_hangs_fails_soon_and_recovers() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await.unwrap();
    server.pause();
    all_fail(&store).await;
    all_fail(&store).await;
    server.resume();
    assert_eq!(store.find(row.id).await.unwrap(), Some(row.clone()));
    assert!(store.rotate(row.id, 1, next(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_idle_connection_that_broke_fails_no_operation() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await.unwrap();
    assert!(server.command("CLIENT KILL TYPE normal").starts_with(':'));
    assert_eq!(store.find(row.id).await.unwrap(), Some(row.clone()), "a read is sent again");
    // A write is not sent again, so an idle connection is pinged first. This waits for real time, since the age of a
    // connection does not depend on the clock of the sessions.
    assert!(server.command("CLIENT KILL TYPE normal").starts_with(':'));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(store.rotate(row.id, 1, next(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_reconnected() {
    let server = RedisServer::start();
    let store = open(&server).await;
    assert_eq!(server.command("REPLICAOF 127.0.0.1 1"), "+OK");
    assert!(store.create(&session("alice"), NO_SESSIONS).await.is_err());
    assert_eq!(server.command("REPLICAOF NO ONE"), "+OK");
    store.create(&session("alice"), NO_SESSIONS).await.unwrap();
}

/// The results that one visitor got.
#[derive(Default)]
struct Confirmed {
    live: Vec<(SessionId, u64)>,
    ended: Vec<SessionId>,
    failures: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn confirmed_writes_survive_every_kill() {
    let server = RedisServer::start_with(&["--appendfsync", "always"]);
    let stores = [open(&server).await, open(&server).await];
    let over = Arc::new(AtomicBool::new(false));
    let mut visitors = JoinSet::new();
    for visitor in 0..8 {
        visitors.spawn(visit(stores[visitor % 2].clone(), Arc::clone(&over)));
    }
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        tokio::task::block_in_place(|| server.kill());
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::task::block_in_place(|| server.start_again());
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    over.store(true, Ordering::SeqCst);

    let confirmed = visitors.join_all().await;
    assert!(confirmed.iter().all(|visitor| visitor.live.len() + visitor.ended.len() > 5), "there was load");
    assert!(confirmed.iter().any(|visitor| visitor.failures > 0), "and there were outages");
    for visitor in confirmed {
        for (id, generation) in visitor.live {
            let row = stores[0].find(id).await.unwrap().expect("no confirmed log-in is lost");
            assert!(row.revoked_at.is_none() && row.generation == generation, "{row:?}, confirmed {generation}");
        }
        for id in visitor.ended {
            let row = stores[0].find(id).await.unwrap().unwrap();
            assert!(row.revoked_at.is_some(), "no log-out is undone: {row:?}");
        }
    }
}

/// Logs in, refreshes and logs out every other time, and remembers what was confirmed.
async fn visit(store: RedisSessions, over: Arc<AtomicBool>) -> Confirmed {
    let mut confirmed = Confirmed::default();
    while !over.load(Ordering::SeqCst) {
        let row = session("alice");
        if store.create(&row, NO_SESSIONS).await.is_err() {
            confirmed.failures += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let generation = match store.rotate(row.id, 1, next(1)).await {
            Ok(rotated) => rotated.map_or(0, |row| row.generation),
            // The rotation may or may not have been executed.
            Err(_) => {
                confirmed.failures += 1;
                continue;
            }
        };
        if confirmed.live.len() > confirmed.ended.len() {
            match store.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await {
                Ok(ended) => confirmed.ended.extend(ended),
                Err(_) => confirmed.failures += 1,
            }
        } else {
            confirmed.live.push((row.id, generation));
        }
    }
    confirmed
}

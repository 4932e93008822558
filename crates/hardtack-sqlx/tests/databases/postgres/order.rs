//! Many writers at once: the log has no gaps, is in the order of the commits, and no writers deadlock.

use std::time::Duration;

use hardtack::SessionId;
use hardtack::session::SessionStore;
use hardtack::session::{Revocation, RevokeTarget};
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::postgres::shared;
use hardtack_test_support::wait;
use tokio::task::JoinSet;

use crate::{NOW, session};

/// Reads the log while other tasks write, as a follower does. A missing number would be a missed entry.
async fn follow(sessions: PostgresSessions, expected: usize) -> Vec<Revocation> {
    let mut log: Vec<Revocation> = Vec::new();
    while log.len() < expected {
        let position = log.last().map_or(0, |entry| entry.sequence);
        let page = sessions.revocations(position, 7).await.unwrap();
        if page.entries.is_empty() {
            assert_eq!(page.head, position, "entries are missing");
        }
        for entry in page.entries {
            assert_eq!(entry.sequence, log.last().map_or(0, |entry| entry.sequence) + 1);
            assert!(entry.sequence <= page.head);
            log.push(entry);
        }
    }
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_among_many_writers_misses_nothing() {
    let url = shared().database();
    let pools = [PostgresSessions::open(&url).await.unwrap(), PostgresSessions::open(&url).await.unwrap()];
    let reader = tokio::spawn(follow(pools[0].clone(), 200));
    let mut writers = JoinSet::new();
    for writer in 0..20 {
        let sessions = pools[writer % 2].clone();
        writers.spawn(async move {
            let mut ended = Vec::new();
            for _ in 0..10 {
                let row = session("alice");
                sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
                // A transaction that is rolled back leaves no gap.
                assert!(sessions.create(&row, RevokeTarget::Sessions(&[])).await.is_err());
                ended.extend(sessions.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap());
            }
            ended
        });
    }
    let mut ended: Vec<SessionId> = writers.join_all().await.concat();
    let log = wait::within_reason("the whole log", reader).await.unwrap();
    let mut logged: Vec<SessionId> = log.iter().map(|entry| entry.session).collect();
    ended.sort_unstable();
    logged.sort_unstable();
    assert_eq!(logged, ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_with_the_same_sessions_do_not_deadlock() {
    let url = shared().database();
    let pools = [PostgresSessions::open(&url).await.unwrap(), PostgresSessions::open(&url).await.unwrap()];
    for _ in 0..5 {
        let mut ids = Vec::new();
        for _ in 0..20 {
            let row = session("alice");
            pools[0].create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
            ids.push(row.id);
        }
        let mut racers = JoinSet::new();
        for racer in 0..16 {
            let sessions = pools[racer % 2].clone();
            let mut ids = ids.clone();
            ids.rotate_left(racer);
            if racer % 3 == 0 {
                ids.reverse();
            }
            racers.spawn(async move {
                match racer % 5 {
                    0 => sessions.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap().len(),
                    1 => sessions.revoke(RevokeTarget::AllExcept("alice", ids[0]), NOW).await.unwrap().len(),
                    2 => sessions.revoke(RevokeTarget::Sessions(&ids), NOW).await.unwrap().len(),
                    3 => {
                        sessions.outdate("alice", Some("{}"), NOW).await.unwrap();
                        0
                    }
                    _ => {
                        let later = NOW + Duration::from_secs(100 * 24 * 3600);
                        sessions.prune(later, 3).await.unwrap();
                        let rotation = hardtack::session::Rotation::new(NOW, NOW);
                        sessions.rotate(ids[3], 1, rotation).await.unwrap();
                        0
                    }
                }
            });
        }
        let ended: usize = racers.join_all().await.iter().sum();
        assert!(ended <= 20, "a session ended twice: {ended}");
        assert_eq!(pools[1].list("alice", NOW).await.unwrap(), []);
    }
}

//! Tasks on several threads with two independent connections, like two processes.

use hardtack::SessionId;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use tokio::task::JoinSet;

use crate::{NO_SESSIONS, NOW, next, open_twice, session};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_fifty_rotations_wins() {
    let stores = open_twice().await;
    let row = session("alice");
    stores[0].create(&row, NO_SESSIONS).await.unwrap();
    for generation in 1..=5 {
        let mut racers = JoinSet::new();
        for racer in 0..50 {
            let (store, id) = (stores[racer % 2].clone(), row.id);
            racers.spawn(async move { store.rotate(id, generation, next(generation)).await });
        }
        let results: Vec<_> = racers.join_all().await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<_> = results.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(winners[0].generation, generation + 1);
        assert_eq!(stores[1].find(row.id).await.unwrap().as_ref(), winners.first());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_among_many_writers_misses_no_entry() {
    let stores = open_twice().await;
    let mut position = stores[0].revocations(0, 1).await.unwrap().head;
    let mut tasks = JoinSet::new();
    for task in 0..100 {
        let store = stores[task % 2].clone();
        tasks.spawn(async move {
            let row = session("alice");
            store.create(&row, NO_SESSIONS).await.unwrap();
            assert_eq!(store.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap(), [row.id]);
            row.id
        });
    }
    let mut logged: Vec<SessionId> = Vec::new();
    while logged.len() < 100 {
        for entry in stores[0].revocations(position, 7).await.unwrap().entries {
            assert_eq!(entry.sequence, position + 1);
            position = entry.sequence;
            logged.push(entry.session);
        }
    }
    let mut ended: Vec<SessionId> = tasks.join_all().await;
    ended.sort_unstable();
    logged.sort_unstable();
    assert_eq!(logged, ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_log_outs_everywhere_end_each_session_once() {
    let stores = open_twice().await;
    for _ in 0..20 {
        stores[0].create(&session("alice"), NO_SESSIONS).await.unwrap();
    }
    let mut racers = JoinSet::new();
    for racer in 0..10 {
        let store = stores[racer % 2].clone();
        racers.spawn(async move { store.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap().len() });
    }
    assert_eq!(racers.join_all().await.iter().sum::<usize>(), 20);
    assert_eq!(stores[1].revocations(0, 1000).await.unwrap().entries.len(), 20);
}

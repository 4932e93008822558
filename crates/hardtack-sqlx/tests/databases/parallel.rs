//! Tasks on several threads with two independent pools, like two processes.

use std::time::Duration;

use hardtack::SessionId;
use hardtack::session::SessionStore;
use hardtack::session::{RevocationKind, RevokeTarget, Rotation};
use tokio::task::JoinSet;

use crate::test_database::TestDatabase;
use crate::{NOW, session};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_fifty_rotations_wins() {
    for database in TestDatabase::both() {
        let pools = [database.sessions().await, database.sessions().await];
        let row = session("alice");
        pools[0].create(&row, RevokeTarget::Sessions(&[])).await.unwrap();

        let later = NOW + Duration::from_secs(3600);
        for generation in 1..=5 {
            let mut racers = JoinSet::new();
            for racer in 0..50 {
                let (pool, id) = (pools[racer % 2].clone(), row.id);
                racers.spawn(async move { pool.rotate(id, generation, Rotation::new(NOW, later)).await });
            }
            let results: Vec<_> = racers.join_all().await.into_iter().map(Result::unwrap).collect();
            let winners: Vec<_> = results.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(winners[0].generation, generation + 1);
            assert_eq!(pools[1].find(row.id).await.unwrap().as_ref(), winners.first());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_log_in_and_log_out_is_stored() {
    for database in TestDatabase::both() {
        let pools = [database.sessions().await, database.sessions().await];

        let mut tasks = JoinSet::new();
        for task in 0..50 {
            let pool = pools[task % 2].clone();
            tasks.spawn(async move {
                let row = session("alice");
                pool.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
                assert_eq!(pool.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap(), [row.id]);
                row.id
            });
        }
        let mut ended: Vec<SessionId> = tasks.join_all().await;
        let log = pools[0].revocations(0, 1000).await.unwrap().entries;
        let mut logged: Vec<SessionId> = log.iter().map(|entry| entry.session).collect();
        ended.sort_unstable();
        logged.sort_unstable();
        assert_eq!(logged, ended);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_log_outs_everywhere_end_each_session_once() {
    for database in TestDatabase::both() {
        let pools = [database.sessions().await, database.sessions().await];
        for _ in 0..20 {
            pools[0].create(&session("alice"), RevokeTarget::Sessions(&[])).await.unwrap();
        }
        let mut racers = JoinSet::new();
        for racer in 0..10 {
            let pool = pools[racer % 2].clone();
            racers.spawn(async move { pool.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap().len() });
        }
        assert_eq!(racers.join_all().await.iter().sum::<usize>(), 20);
        assert_eq!(pools[1].revocations(0, 1000).await.unwrap().entries.len(), 20);
    }
}

/// A new generation has the claims of the last change before it, and every later change outdates it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_comes_before_a_change_or_after_it() {
    const CHANGES: u64 = 30;
    for database in TestDatabase::both() {
        let pools = [database.sessions().await, database.sessions().await];
        let mut row = session("alice");
        row.claims = Some("0".into());
        pools[0].create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        let (changing, id) = (pools[0].clone(), row.id);
        let changes = tokio::spawn(async move {
            for change in 1..=CHANGES {
                let outdated = changing.outdate("alice", Some(&change.to_string()), NOW).await.unwrap();
                assert_eq!(outdated.len(), 1);
                tokio::task::yield_now().await;
            }
        });
        let rotation = Rotation::new(NOW, NOW + Duration::from_secs(3600));
        let (mut generation, mut made) = (1, Vec::new());
        while !changes.is_finished() || generation < 20 {
            let row = pools[1].rotate(id, generation, rotation).await.unwrap().unwrap();
            generation = row.generation;
            made.push((generation, row.claims.unwrap().parse::<usize>().unwrap()));
        }
        changes.await.unwrap();
        let log = pools[1].revocations(0, 1000).await.unwrap().entries;
        assert_eq!(log.len(), CHANGES as usize);
        let outdated = log.iter().map(|entry| match entry.kind {
            RevocationKind::Outdated(generation) => generation,
            other => panic!("{other:?}"),
        });
        let outdated: Vec<u64> = outdated.collect();
        for (generation, known) in made {
            let (before, after) = outdated.split_at(known);
            assert!(before.iter().all(|outdated| *outdated < generation), "{generation} knows {known}: {outdated:?}");
            assert!(after.iter().all(|outdated| *outdated >= generation), "{generation} knows {known}: {outdated:?}");
        }
    }
}

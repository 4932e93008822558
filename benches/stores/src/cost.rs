//! The time of each operation in a small and in a large store, measured in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hardtack::clock::{Clock, SystemClock};
use hardtack::session::{RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};
use hardtack_test_support::services::PostgresServer;

use crate::Failed;
use crate::fill::{fill, session};
use crate::spread::{Samples, microseconds};
use crate::store::{KINDS, Store};

const OPERATIONS: [&str; 6] = ["log-in", "look-up", "refresh", "list", "log-out", "reading the log"];

pub(crate) async fn measure(sizes: [u64; 2], operations: usize) -> Result<(), Failed> {
    println!("## Time per operation, µs (median of {operations} sequential operations)\n");
    println!("| store | operation | {} sessions | {} sessions | ratio | bytes per session |", sizes[0], sizes[1]);
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    // The server keeps its durable settings, as in production.
    let postgres = PostgresServer::start_new();
    postgres.configure(&[("fsync", "on"), ("autovacuum", "on"), ("shared_buffers", "128MB"), ("max_wal_size", "4GB")]);
    for kind in KINDS {
        let mut stores = Vec::new();
        let mut bytes = None;
        for size in sizes {
            eprintln!("{kind}: creating {size} sessions");
            let store = Arc::new(Store::open(kind, &postgres).await?);
            let empty = store.size().await?;
            fill(&store, size, &postgres).await?;
            bytes = store.size().await?.zip(empty).map(|(full, empty)| (full - empty) / size);
            stores.push(store);
        }
        let [small, large] = side_by_side(&stores[0], &stores[1], operations).await?;
        for (operation, (small, large)) in OPERATIONS.iter().zip(small.iter().zip(&large)) {
            let (small, large) = (microseconds(small.median()), microseconds(large.median()));
            let bytes = bytes.take().map(|bytes| bytes.to_string()).unwrap_or_default();
            println!("| {kind} | {operation} | {small:.1} | {large:.1} | {:.2} | {bytes} |", large / small);
        }
    }
    println!();
    Ok(())
}

type Times = [Samples; OPERATIONS.len()];

async fn side_by_side(small: &Store, large: &Store, operations: usize) -> Result<[Times; 2], Failed> {
    let mut times: [Times; 2] = Default::default();
    for turn in 0..operations {
        let order = if turn % 2 == 0 { [(0, small), (1, large)] } else { [(1, large), (0, small)] };
        for (at, store) in order {
            for (samples, spent) in times[at].iter_mut().zip(one_life(store).await?) {
                // Leave out the first turns, which open connections and fill caches.
                if turn >= operations / 10 {
                    samples.push(spent);
                }
            }
        }
    }
    Ok(times)
}

/// Runs a session from its log-in to its end, and returns the time of each operation.
async fn one_life(store: &Store) -> Result<[Duration; OPERATIONS.len()], Failed> {
    let now = SystemClock.now();
    let row: Session = session(rand::random(), now);
    let rotation = Rotation::new(now, row.expires_at);
    let mut clock = Instant::now();
    let mut lap = || {
        let spent = clock.elapsed();
        clock = Instant::now();
        spent
    };
    lap();
    store.create(&row, RevokeTarget::Sessions(&[])).await?;
    let logged_in = lap();
    let found = store.find(row.id).await?;
    let looked_up = lap();
    let rotated = store.rotate(row.id, 1, rotation).await?;
    let refreshed = lap();
    let listed = store.list(&row.subject, now).await?;
    let list = lap();
    let ended = store.revoke(RevokeTarget::Sessions(&[row.id]), now).await?;
    let logged_out = lap();
    let head = store.revocations(u64::MAX, 1).await?.head;
    let read = lap();
    if found.is_none()
        || rotated.is_none_or(|row| row.generation != 2)
        || listed.len() != 1
        || ended != [row.id]
        || head == 0
    {
        return Err("an operation returned an unexpected result, so its time cannot be compared".into());
    }
    Ok([logged_in, looked_up, refreshed, list, logged_out, read])
}

//! How much a store grows, and its throughput with many concurrent callers.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hardtack::SessionId;
use hardtack::clock::{Clock, SystemClock};
use hardtack::session::SessionStore;
use hardtack::session::{RevokeTarget, Rotation};
use hardtack_test_support::services::PostgresServer;
use tokio::task::JoinSet;

use crate::Failed;
use crate::fill::through_the_store;
use crate::store::{KINDS, Store};

const SESSIONS: u64 = 20_000;
const LOG_OUTS: usize = 4_000;
const AT_ONCE: usize = 16;

/// The number of sessions that one transaction ends. The number is large, so that the log fills quickly.
const BATCH: usize = 500;

pub(crate) async fn measure() -> Result<(), Failed> {
    println!("## Growth: {SESSIONS} sessions, {AT_ONCE} concurrent callers\n");
    println!("| store | bytes per session | of which indexes | after one refresh each | bytes per log entry |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let postgres = PostgresServer::start_new();
    postgres.configure(&[("fsync", "on"), ("autovacuum", "on"), ("shared_buffers", "128MB"), ("max_wal_size", "4GB")]);
    let mut rates = Vec::new();
    for kind in KINDS {
        eprintln!("{kind}: creating and ending {SESSIONS} sessions");
        let store = Arc::new(Store::open(kind, &postgres).await?);
        let empty = store.weights().await?;
        let now = SystemClock.now();
        let ids = Arc::new(through_the_store(&store, SESSIONS, now).await?);
        let full = store.weights().await?;

        let rotation = Rotation::new(now, now + Duration::from_secs(3600));
        let rotate = move |store: Arc<Store>, id| async move { store.rotate(id, 1, rotation).await.map(drop) };
        let refreshes = rate(&store, &ids, SESSIONS as usize, rotate).await?;
        let refreshed = store.weights().await?;

        let end = move |store: Arc<Store>, id| async move {
            store.revoke(RevokeTarget::Sessions(&[id]), now).await.map(drop)
        };
        let log_outs = rate(&store, &ids, LOG_OUTS, end).await?;
        for batch in ids[LOG_OUTS..].chunks(BATCH) {
            store.revoke(RevokeTarget::Sessions(batch), now).await?;
        }
        let ended = store.weights().await?;
        let since = Instant::now();
        let forgotten = store.prune(now + Duration::from_secs(1), u32::MAX).await?;
        let forgetting = forgotten as f64 / since.elapsed().as_secs_f64();
        if forgotten != 2 * SESSIONS {
            return Err(format!("pruning deleted {forgotten} rows and entries; expected {}", 2 * SESSIONS).into());
        }
        rates.push((kind, [refreshes, log_outs, forgetting]));
        if full.rows == 0 {
            continue;
        }
        let indexes = full.indexes.zip(empty.indexes).map(|(full, empty)| full - empty);
        let each = |bytes: u64| (bytes / SESSIONS).to_string();
        let grown = |after: &crate::store::Weights| {
            each((after.rows + after.indexes.unwrap_or(0)).saturating_sub(empty.rows + empty.indexes.unwrap_or(0)))
        };
        println!(
            "| {kind} | {} | {} | {} | {} |",
            grown(&full),
            indexes.map(each).unwrap_or_default(),
            grown(&refreshed),
            each(ended.log.saturating_sub(empty.log))
        );
    }
    println!("\n| store | refreshes per second | log-outs per second | rows and entries pruned per second |");
    println!("| --- | ---: | ---: | ---: |");
    for (kind, [refreshes, log_outs, forgetting]) in rates {
        println!("| {kind} | {refreshes:.0} | {log_outs:.0} | {forgetting:.0} |");
    }
    println!();
    Ok(())
}

/// Returns how many calls per second many concurrent callers complete. Each call takes the next id.
async fn rate<F, Fut>(store: &Arc<Store>, ids: &Arc<Vec<SessionId>>, count: usize, work: F) -> Result<f64, Failed>
where
    F: Fn(Arc<Store>, SessionId) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), hardtack::BackendError>> + Send,
{
    let since = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (store, ids, work) = (Arc::clone(store), Arc::clone(ids), work.clone());
        workers.spawn(async move {
            for id in ids[..count].iter().skip(worker).step_by(AT_ONCE) {
                work(Arc::clone(&store), *id).await?;
            }
            Ok::<(), Failed>(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(count as f64 / since.elapsed().as_secs_f64())
}

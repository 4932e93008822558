//! Fills a store with many sessions.

use std::sync::Arc;

use hardtack::SessionId;
use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::session::RevokeTarget;
use hardtack::session::{Session, SessionStore};
use hardtack_db::Statement;
use hardtack_test_support::services::PostgresServer;
use tokio::task::JoinSet;

use crate::Failed;
use crate::store::Store;

/// The number of rows that one statement inserts. A longer statement would exceed the store's time limit.
const BATCH: u64 = 20_000;

/// Creates `count` live sessions, each of a different user.
pub(crate) async fn fill(store: &Arc<Store>, count: u64, postgres: &PostgresServer) -> Result<(), Failed> {
    let now = SystemClock.now();
    match store.database() {
        Some((database, sqlite)) => {
            for made in (0..count).step_by(BATCH as usize) {
                database.execute(rows(sqlite, made, BATCH.min(count - made), now)?).await?;
            }
            if sqlite {
                database.execute(Statement::new("ANALYZE")).await?;
            } else {
                let name = Statement::new("SELECT current_database()::text");
                let names: Vec<(String,)> = database.fetch(name).await?;
                names.iter().for_each(|(name,)| drop(postgres.psql(name, "VACUUM ANALYZE sessions")));
            }
            Ok(())
        }
        None => through_the_store(store, count, now).await.map(drop),
    }
}

/// Returns one statement that inserts many rows, because a million commits would take an hour.
fn rows(sqlite: bool, first: u64, count: u64, now: Timestamp) -> Result<Statement<'static>, Failed> {
    let sql = if sqlite {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO sessions (id, subject, generation, created_at, rotated_at, confirmed, expires_at,
             absolute_expires_at, auth_time, salt, user_agent, address)
         SELECT lower(hex(randomblob(16))), lower(hex(randomblob(16))), 1, $2, $2, 1, $2 + 86400, $2 + 2592000, $2,
             randomblob(16), 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.1' FROM n"
    } else {
        "INSERT INTO sessions (id, subject, generation, created_at, rotated_at, confirmed, expires_at,
             absolute_expires_at, auth_time, salt, user_agent, address)
         SELECT md5(random()::text || i), md5('user' || ($3::bigint + i)), 1, $2::bigint, $2, TRUE, $2 + 86400, $2 + 2592000, $2,
             decode(md5(random()::text), 'hex'),
             'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.1'
         FROM generate_series(1, $1::bigint) AS n(i)"
    };
    let statement = Statement::new(sql).bind(i64::try_from(count)?).bind(now.unix_seconds());
    Ok(if sqlite { statement } else { statement.bind(i64::try_from(first)?) })
}

/// Creates sessions as log-ins do, and returns their ids.
pub(crate) async fn through_the_store(
    store: &Arc<Store>,
    count: u64,
    now: Timestamp,
) -> Result<Vec<SessionId>, Failed> {
    const AT_ONCE: u64 = 64;
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let store = Arc::clone(store);
        workers.spawn(async move {
            let mut ids = Vec::new();
            for number in (worker..count).step_by(AT_ONCE as usize) {
                let session = session(number, now);
                store.create(&session, RevokeTarget::Sessions(&[])).await?;
                ids.push(session.id);
            }
            Ok::<_, Failed>(ids)
        });
    }
    let mut ids = Vec::new();
    while let Some(done) = workers.join_next().await {
        ids.extend(done??);
    }
    Ok(ids)
}

/// Returns a session like that of a browser.
pub(crate) fn session(number: u64, now: Timestamp) -> Session {
    let mut session = hardtack::testing::session(&format!("{number:032x}"), now);
    session.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into());
    session.address = Some("192.0.2.1".into());
    session
}

//! The statements that access the table `throttle`.
//!
//! On PostgreSQL, a statement that locks several rows always locks them in the order of their keys, to prevent
//! deadlocks.

use hardtack::throttle::{Budget, BudgetKey, Counter};
use hardtack_db::{Pool, Statement, Transaction};
use sqlx::AssertSqlSafe;

/// PostgreSQL's time in milliseconds.
const PG_NOW: &str = "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";

/// The key of the only row that is not a counter. SQLite has no server whose clock the processes could share, so each
/// process uses its own clock. In this row, the column `full_at` stores the latest time at which any process took a
/// token.
const CLOCK_KEY: &[u8] = b"";

/// How far the time in the [`CLOCK_KEY`] row may be ahead of a process's clock, in milliseconds. A time that is further
/// ahead is ignored, because it probably comes from a clock that was wrong and has since been corrected.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;

/// A row that [`read`] and [`lock`] select: the time (0 on SQLite), a counter's key, and the times at which the
/// counter's two buckets will be full. If the table contains none of the keys, [`read`] gets a single row that contains
/// only the time.
type Row = (i64, Option<Vec<u8>>, Option<i64>, Option<i64>);

/// The result of [`read`] and [`lock`]: the time, and the stored counters with their keys.
type Stored = (i64, Vec<(Vec<u8>, Counter)>);

/// Reads the budgets' counters and the time. On PostgreSQL, the time comes from the database server. On SQLite, the
/// time is the later of `now` and the time stored under [`CLOCK_KEY`]. A stored time that is more than [`MAX_AHEAD_MS`]
/// ahead of `now` is ignored.
pub(super) async fn read(pool: &Pool, budgets: &[Budget], now: i64) -> Result<Stored, sqlx::Error> {
    let time = if pool.is_postgres() { PG_NOW } else { "0" };
    let sql = format!(
        "SELECT {time}, t.key, t.full_at, t.failures_full_at
         FROM (SELECT 1) AS one LEFT JOIN throttle AS t ON t.key IN ({})",
        placeholders(budgets.len() + 1)
    );
    let rows: Vec<Row> = pool.fetch(with_keys(sql, budgets).bind(CLOCK_KEY)).await?;
    Ok(decode(rows, now, pool.is_postgres()))
}

/// Locks the budgets' counters, and then reads these counters and the time again. On PostgreSQL, the time comes from
/// the database server if at least one counter exists; otherwise, the time is `now`. On SQLite, the time is determined
/// as in [`read`].
pub(super) async fn lock(transaction: &mut Transaction, budgets: &[Budget], now: i64) -> Result<Stored, sqlx::Error> {
    let postgres = transaction.connection().is_postgres();
    if postgres {
        // A row that does not exist yet cannot be locked, but its key can.
        let locks: Vec<String> = (1..=budgets.len()).map(|at| format!("pg_advisory_xact_lock(${at})")).collect();
        let statement = Statement::new(AssertSqlSafe(format!("SELECT {}", locks.join(", "))));
        transaction.execute(budgets.iter().fold(statement, |to, budget| to.bind(lock_number(budget.key())))).await?;
    }
    let (time, lock) = if postgres { (PG_NOW, "FOR UPDATE") } else { ("0", "") };
    let sql = format!(
        "SELECT {time}, key, full_at, failures_full_at FROM throttle WHERE key IN ({}) ORDER BY key {lock}",
        placeholders(budgets.len() + 1)
    );
    let rows: Vec<Row> = transaction.fetch(with_keys(sql, budgets).bind(CLOCK_KEY)).await?;
    Ok(decode(rows, now, postgres))
}

fn decode(rows: Vec<Row>, now: i64, postgres: bool) -> Stored {
    let of_clock = rows.iter().find(|(_, key, ..)| key.as_deref() == Some(CLOCK_KEY)).and_then(|(_, _, at, _)| *at);
    // Use the later time. Otherwise, a process whose clock is slow would lower the times that another process has
    // stored, and that process would then consider the buckets full too early.
    let latest = of_clock.filter(|at| (now..=now.saturating_add(MAX_AHEAD_MS)).contains(at)).unwrap_or(now);
    let time = rows.first().map(|row| row.0).filter(|_| postgres).unwrap_or(latest);
    let counters = rows
        .into_iter()
        .filter_map(|(_, key, full_at, failures_full_at)| Some((key?, Counter::new(full_at?, failures_full_at?))));
    (time, counters.collect())
}

/// Inserts or replaces counters. On SQLite, also stores the time.
pub(super) fn write(counters: &[(Budget, Counter)], now: i64, postgres: bool) -> Statement<'static> {
    let row = |at: usize| format!("(${}, ${}, ${}, ${})", 4 * at + 1, 4 * at + 2, 4 * at + 3, 4 * at + 4);
    let rows: Vec<String> = (0..counters.len() + usize::from(!postgres)).map(row).collect();
    let sql = format!(
        "INSERT INTO throttle (key, full_at, failures_full_at, spent) VALUES {}
         ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at, failures_full_at = excluded.failures_full_at,
            spent = excluded.spent",
        rows.join(", ")
    );
    let statement = counters.iter().fold(Statement::new(AssertSqlSafe(sql)), |statement, (budget, counter)| {
        let statement = statement.bind(budget.key().as_bytes().to_vec()).bind(counter.full_at);
        statement.bind(counter.failures_full_at).bind(i64::from(counter.spent(budget, now)))
    });
    // The sweep deletes only rows whose keys are greater than the empty key, so it does not delete the clock's row,
    // whose key is empty.
    if postgres { statement } else { statement.bind(CLOCK_KEY.to_vec()).bind(now).bind(0_i64).bind(0_i64) }
}

/// Returns one token to each budget after a successful attempt. Also ends each budget's series of failures.
pub(super) async fn give_back(pool: &Pool, budgets: &[Budget]) -> Result<(), sqlx::Error> {
    let keys = budgets.len();
    let cases: Vec<String> = (1..=keys).map(|at| format!("WHEN ${at} THEN CAST(${} AS BIGINT)", keys + at)).collect();
    let sql = format!(
        "UPDATE throttle SET full_at = full_at - CASE key {} END, failures_full_at = 0 WHERE {}",
        cases.join(" "),
        locked(pool, keys)
    );
    let every = |budget: &Budget| i64::try_from(budget.rate().every().as_millis()).unwrap_or(i64::MAX);
    let statement = budgets.iter().fold(with_keys(sql, budgets), |to, budget| to.bind(every(budget)));
    pool.execute(statement).await.map(drop)
}

/// Deletes counters.
pub(super) async fn clear(pool: &Pool, keys: &[BudgetKey]) -> Result<(), sqlx::Error> {
    let sql = format!("DELETE FROM throttle WHERE {}", locked(pool, keys.len()));
    let statement = Statement::new(AssertSqlSafe(sql));
    let statement = keys.iter().fold(statement, |to, key| to.bind(key.as_bytes().to_vec()));
    pool.execute(statement).await.map(drop)
}

/// Returns a condition that selects rows by their keys. The first `keys` placeholders stand for these keys. On
/// PostgreSQL, the condition also locks these rows, in key order.
fn locked(pool: &Pool, keys: usize) -> String {
    let keys = placeholders(keys);
    if pool.is_postgres() {
        format!("key IN (SELECT key FROM throttle WHERE key IN ({keys}) ORDER BY key FOR UPDATE)")
    } else {
        format!("key IN ({keys})")
    }
}

/// `$1, $2, …`
fn placeholders(count: usize) -> String {
    (1..=count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

fn with_keys(sql: String, budgets: &[Budget]) -> Statement<'static> {
    let statement = Statement::new(AssertSqlSafe(sql));
    budgets.iter().fold(statement, |to, budget| to.bind(budget.key().as_bytes().to_vec()))
}

/// Returns the number of a key's advisory lock, which is the first half of the key. Keys are random, so two keys rarely
/// have the same lock number.
fn lock_number(key: BudgetKey) -> i64 {
    key.as_bytes().first_chunk().copied().map_or(0, i64::from_be_bytes)
}

//! The table `mail_sent`, which records the emails that were sent recently. The limits count them together with the
//! emails that wait in `mail_jobs`.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::job::{JobKind, NewJob};
use super::limits::{Counted, MailLimit, Sent, WARNINGS, WINDOW, address_key, limit};

/// How long rows are kept. Only the last hour counts.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of rows to read. No limit is higher, so further rows would not change the result.
const MAX_ROWS: i64 = 200;

/// The limits ignore a row whose time is further in the future than this. Such a row was probably written before the
/// clock was set back.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Creates the statement that inserts a row into `mail_sent` for each job that meets the condition.
///
/// The time of the row is the current time on the clock of the server that received the request: the time of the
/// request plus the age of the job. The database's clock measures the age.
macro_rules! count_as_sent {
    ($($condition:literal),+) => {
        hardtack_db::Statement::per_database(
            concat!(
                "INSERT INTO mail_sent (kind, user_id, address_key, source, at) SELECT kind, user_id, address_key, \
                 source, requested_at + unixepoch() - created_at FROM mail_jobs WHERE ",
                $($condition),+
            ),
            concat!(
                "INSERT INTO mail_sent (kind, user_id, address_key, source, at) SELECT kind, user_id, address_key, \
                 source, requested_at + EXTRACT(EPOCH FROM clock_timestamp())::BIGINT - created_at \
                 FROM mail_jobs WHERE ",
                $($condition),+
            ),
        )
    };
}
pub(super) use count_as_sent;

/// Locks the count of the emails to an address until the transaction ends. Other servers wait for the lock before they
/// count these emails.
pub(super) async fn lock_in(transaction: &mut Transaction, key: &str) -> Result<(), BackendError> {
    // On SQLite, the transaction already holds the only write lock.
    if !transaction.connection().is_postgres() {
        return Ok(());
    }
    // The number, which is arbitrary, keeps these locks apart from those of other programs.
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 5123760984412397))";
    transaction.execute(Statement::new(sql).bind(key)).await.map(drop).map_err(BackendError::new)
}

/// Returns the limit that a job would exceed. Call [`lock_in`] first.
pub(super) async fn limit_in(
    transaction: &mut Transaction,
    job: &NewJob<'_>,
    key: &str,
) -> Result<Option<MailLimit>, BackendError> {
    let (now, since, until) = (job.now.unix_seconds(), job.now - WINDOW, job.now + MAX_SKEW);
    let sql = "SELECT kind, user_id, source, at FROM mail_sent WHERE address_key = $1 AND at > $2 AND at <= $3 \
               UNION ALL SELECT kind, user_id, source, $4 FROM mail_jobs WHERE address_key = $1 LIMIT $5";
    let statement =
        Statement::new(sql).bind(key).bind(since.unix_seconds()).bind(until.unix_seconds()).bind(now).bind(MAX_ROWS);
    let rows: Vec<(String, String, String, i64)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    let counted = |(kind, user_id, source, at)| Counted { kind, user_id, source, at: Timestamp::from_unix_seconds(at) };
    let to_address: Vec<_> = rows.into_iter().map(counted).collect();
    // The emails of one kind that a user or a client has caused. Clients without an address are not counted together.
    let of_user = "SELECT at FROM mail_sent WHERE user_id = $1 AND kind = $6 AND at > $2 AND at <= $3 \
                   UNION ALL SELECT $4 FROM mail_jobs WHERE user_id = $1 AND kind = $6 LIMIT $5";
    let of_source = "SELECT at FROM mail_sent WHERE source = $1 AND kind = $6 AND at > $2 AND at <= $3 \
                     UNION ALL SELECT $4 FROM mail_jobs WHERE source = $1 AND kind = $6 LIMIT $5";
    let mut sent = Sent { to_address, ..Sent::default() };
    for (sql, key, times) in [(of_user, job.user_id, &mut sent.of_user), (of_source, job.source, &mut sent.of_source)] {
        if key.is_empty() {
            continue;
        }
        let statement = Statement::new(sql)
            .bind(key)
            .bind(since.unix_seconds())
            .bind(until.unix_seconds())
            .bind(now)
            .bind(MAX_ROWS)
            .bind(job.kind.name());
        let rows: Vec<(i64,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
        *times = rows.into_iter().map(|(at,)| Timestamp::from_unix_seconds(at)).collect();
    }
    Ok(limit(job.kind, job.user_id, job.source, sent, job.now))
}

/// Returns whether so many warnings have been sent to an address in the last hour that the next one has to wait.
pub(super) async fn has_many_warnings_in(
    transaction: &mut Transaction,
    key: &str,
    now: Timestamp,
) -> Result<bool, BackendError> {
    let sql = "SELECT kind FROM mail_sent WHERE address_key = $1 AND at > $2 AND at <= $3 LIMIT $4";
    let statement = Statement::new(sql)
        .bind(key)
        .bind((now - WINDOW).unix_seconds())
        .bind((now + MAX_SKEW).unix_seconds())
        .bind(MAX_ROWS);
    let rows: Vec<(String,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    let warnings = rows.iter().filter(|(kind,)| JobKind::named(kind).is_some_and(JobKind::is_warning)).count();
    Ok(warnings >= WARNINGS)
}

/// Returns whether such an email has been sent to the user at this address in the last day, or is queued.
pub(crate) async fn was_sent(
    database: &Pool,
    kind: JobKind,
    user_id: &str,
    address: &str,
) -> Result<bool, BackendError> {
    let sql = "SELECT at FROM mail_sent WHERE user_id = $1 AND kind = $2 AND address_key = $3 \
               UNION ALL SELECT requested_at FROM mail_jobs WHERE user_id = $1 AND kind = $2 AND address_key = $3 LIMIT 1";
    let statement = Statement::new(sql).bind(user_id).bind(kind.name()).bind(address_key(address));
    let rows: Vec<(i64,)> = database.fetch(statement).await.map_err(BackendError::new)?;
    Ok(!rows.is_empty())
}

/// Deletes up to `limit` rows that no longer count, and returns how many.
pub(crate) async fn prune(database: &Pool, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
    let sql =
        "DELETE FROM mail_sent WHERE number IN (SELECT number FROM mail_sent WHERE at <= $1 ORDER BY at LIMIT $2)";
    let statement = Statement::new(sql).bind((now - LIFETIME).unix_seconds()).bind(i64::from(limit));
    database.execute(statement).await.map_err(BackendError::new)
}

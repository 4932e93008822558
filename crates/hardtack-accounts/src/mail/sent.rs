//! The table `mail_sent`, which records recently sent emails. The limits count these emails together with the emails
//! that are queued in `mail_jobs`.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::job::{JobKind, MailJob, NewJob};
use super::limits::{Decision, Sent, WINDOW, address_key, decide, warnings};
use super::mailbox::withheld;

/// How long rows are kept. The limits count only the rows of the last hour.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of rows to read. No limit is higher, so further rows would not change the result.
const MAX_ROWS: i64 = 200;

/// Rows whose time is further in the future than this are ignored. Such rows were probably written before the clock was
/// set back.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Creates a statement that inserts a row into `mail_sent` for each job that meets the condition.
///
/// The time in the row is the time of the request plus the job's age by the database's clock. The sum is the current
/// time by the clock of the server that received the request.
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

/// Locks the email count for an address until the transaction ends. Other servers wait for the lock before they count
/// these emails.
pub(super) async fn lock_in(transaction: &mut Transaction, key: &str) -> Result<(), BackendError> {
    // On SQLite, the transaction already holds the only write lock.
    if !transaction.connection().is_postgres() {
        return Ok(());
    }
    // The number 5123760984412397 is arbitrary. It makes a collision with the advisory locks of other programs
    // unlikely.
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 5123760984412397))";
    transaction.execute(Statement::new(sql).bind(key)).await.map(drop).map_err(BackendError::new)
}

/// Decides whether a requested email is sent, withheld or refused. Call [`lock_in`] first.
pub(super) async fn decide_in(
    transaction: &mut Transaction,
    job: &NewJob<'_>,
    key: &str,
) -> Result<Decision, BackendError> {
    // Do not count jobs without a user, because they send nothing. Do not lump all clients without an address together
    // as one client.
    let to_mailbox = "SELECT source, at FROM mail_sent WHERE address_key = $1 AND kind = $2 AND at > $3 AND at <= $4 \
                      UNION ALL SELECT source, $5 FROM mail_jobs \
                      WHERE address_key = $1 AND kind = $2 AND user_id <> '' LIMIT $6";
    let of_user = "SELECT address_key, at FROM mail_sent WHERE user_id = $1 AND kind = $2 AND at > $3 AND at <= $4 \
                   UNION ALL SELECT address_key, $5 FROM mail_jobs \
                   WHERE user_id = $1 AND kind = $2 AND user_id <> '' LIMIT $6";
    let of_source = "SELECT address_key, at FROM mail_sent \
                     WHERE source = $1 AND source <> '' AND kind = $2 AND at > $3 AND at <= $4 \
                     UNION ALL SELECT address_key, $5 FROM mail_jobs \
                     WHERE source = $1 AND source <> '' AND kind = $2 AND user_id <> '' LIMIT $6";
    let to_mailbox = count_in(transaction, to_mailbox, key, job).await?;
    let of_user = count_in(transaction, of_user, job.user_id, job).await?;
    let of_source = count_in(transaction, of_source, job.source, job).await?;
    let withheld = withheld(key);
    let sent = Sent {
        to_mailbox: to_mailbox.into_iter().map(|(source, _)| source).collect(),
        of_user: of_user.iter().filter(|(own, _)| own == key || *own == withheld).map(|(_, at)| *at).collect(),
        of_user_in_all: of_user.into_iter().map(|(_, at)| at).collect(),
        of_source: of_source.into_iter().map(|(_, at)| at).collect(),
    };
    Ok(decide(job.kind, job.source, sent, job.now))
}

/// Runs `sql`, which selects the emails that were sent within the [`WINDOW`] or are queued. For each email, returns the
/// text that `sql` selects (the client or the address key) and the time when the email was sent. If the email is still
/// queued, this time is the current time.
async fn count_in(
    transaction: &mut Transaction,
    sql: &'static str,
    value: &str,
    job: &NewJob<'_>,
) -> Result<Vec<(String, Timestamp)>, BackendError> {
    let statement = Statement::new(sql)
        .bind(value)
        .bind(job.kind.name())
        .bind((job.now - WINDOW).unix_seconds())
        .bind((job.now + MAX_SKEW).unix_seconds())
        .bind(job.now.unix_seconds())
        .bind(MAX_ROWS);
    let rows: Vec<(String, i64)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    Ok(rows.into_iter().map(|(text, at)| (text, Timestamp::from_unix_seconds(at))).collect())
}

/// Returns whether the next warning of this kind has to wait because the user received the maximum number of such
/// warnings at this address in the last hour.
pub(super) async fn has_many_warnings_in(transaction: &mut Transaction, job: &MailJob) -> Result<bool, BackendError> {
    let (kind, now) = (job.kind, job.now());
    let Some(most) = warnings(kind) else { return Ok(false) };
    let sql = "SELECT at FROM mail_sent WHERE user_id = $1 AND kind = $2 AND address_key = $6 AND at > $3 AND at <= $4 \
               LIMIT $5";
    let statement = Statement::new(sql)
        .bind(&job.user_id)
        .bind(kind.name())
        .bind((now - WINDOW).unix_seconds())
        .bind((now + MAX_SKEW).unix_seconds())
        .bind(MAX_ROWS)
        .bind(address_key(kind, &job.address));
    let rows: Vec<(i64,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    Ok(rows.len() >= most)
}

/// Returns whether an email of this kind for this user at this address is queued, or was sent or withheld in the last
/// day.
pub(crate) async fn was_sent(
    database: &Pool,
    kind: JobKind,
    user_id: &str,
    address: &str,
) -> Result<bool, BackendError> {
    let sql = "SELECT at FROM mail_sent WHERE user_id = $1 AND kind = $2 AND address_key IN ($3, $4) \
               UNION ALL SELECT requested_at FROM mail_jobs \
               WHERE user_id = $1 AND kind = $2 AND address_key IN ($3, $4) LIMIT 1";
    let key = address_key(kind, address);
    let statement = Statement::new(sql).bind(user_id).bind(kind.name()).bind(&key).bind(withheld(&key));
    let rows: Vec<(i64,)> = database.fetch(statement).await.map_err(BackendError::new)?;
    Ok(!rows.is_empty())
}

/// Deletes up to `limit` rows that are too old to keep, and returns how many were deleted.
pub(crate) async fn prune(database: &Pool, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
    let sql =
        "DELETE FROM mail_sent WHERE number IN (SELECT number FROM mail_sent WHERE at <= $1 ORDER BY at LIMIT $2)";
    let statement = Statement::new(sql).bind((now - LIFETIME).unix_seconds()).bind(i64::from(limit));
    database.execute(statement).await.map_err(BackendError::new)
}

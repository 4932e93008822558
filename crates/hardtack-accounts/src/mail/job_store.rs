//! The table `mail_jobs`: emails that have to be sent because of a stored change.
//!
//! Every server works on the table. A server claims a job for a short time and renews the claim while it sends. All
//! times that decide who may claim a job are those of the database's clock.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::job::{JobKind, MailJob, Rank};
use crate::users::EmailAddress;

/// For how long a job is claimed. After a crash, another process sends the message when this time is over.
const CLAIM: Duration = Duration::from_secs(15);

/// Reads and writes the table `mail_jobs`.
#[derive(Clone, Debug)]
pub(crate) struct MailJobStore {
    database: Pool,
}

/// The SQL conditions under which a job is due. A claim dated more than a minute in the future does not count: it was
/// made before the clock was set back. Smaller differences are ordinary clock corrections.
macro_rules! due {
    ($now:literal) => {
        concat!("(", $now, " NOT BETWEEN claimed_at - 60 AND claimed_at + pause - 1)")
    };
}

macro_rules! select_due {
    ($now:literal) => {
        concat!(
            "SELECT number, attempts, kind, user_id, username, address, email_version, requested_at, ",
            $now,
            " - created_at FROM mail_jobs WHERE rank <= $1 AND ",
            due!($now),
            " ORDER BY rank, number LIMIT 1"
        )
    };
}

type JobColumns = (i64, i64, String, String, String, String, i64, i64, i64);

impl MailJobStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Adds a job in the transaction of the change that it follows. The recipient is `address`, or else the user's
    /// current address, unless that is empty. A confirmation replaces earlier ones, and is only sent to an address that
    /// is not confirmed.
    pub(crate) async fn add_in(
        transaction: &mut Transaction,
        kind: JobKind,
        user_id: &str,
        address: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        if kind == JobKind::ConfirmEmail {
            Self::withdraw_confirmations_in(transaction, user_id).await?;
        }
        let sql = "INSERT INTO mail_jobs (kind, rank, user_id, username, address, email_version, requested_at) \
                   SELECT $1, $2, id, username, COALESCE($3, email), email_version, $4 FROM users \
                   WHERE id = $5 AND COALESCE($3, email) <> '' \
                   AND ($1 <> 'confirm_email' OR email_confirmed_at IS NULL)";
        let statement = Statement::new(sql)
            .bind(kind.name())
            .bind(kind.rank() as i64)
            .bind(address.map(|address| address.as_str().to_owned()))
            .bind(now.unix_seconds())
            .bind(user_id);
        execute_in(transaction, statement).await.map(drop)
    }

    /// Removes the jobs that would send a confirmation link to a user whose links stop working.
    pub(crate) async fn withdraw_confirmations_in(
        transaction: &mut Transaction,
        user_id: &str,
    ) -> Result<(), BackendError> {
        let sql = "DELETE FROM mail_jobs WHERE user_id = $1 AND kind = 'confirm_email'";
        execute_in(transaction, Statement::new(sql).bind(user_id)).await.map(drop)
    }

    /// Removes the jobs that would send a link that undoes this change of the address or a later one.
    pub(crate) async fn withdraw_undos_in(
        transaction: &mut Transaction,
        user_id: &str,
        email_version: i64,
    ) -> Result<(), BackendError> {
        let sql = "DELETE FROM mail_jobs WHERE user_id = $1 AND kind = 'email_changed' AND email_version >= $2";
        execute_in(transaction, Statement::new(sql).bind(user_id).bind(email_version)).await.map(drop)
    }

    /// Removes all jobs of a deleted user.
    pub(crate) async fn delete_all_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        execute_in(transaction, Statement::new("DELETE FROM mail_jobs WHERE user_id = $1").bind(user_id))
            .await
            .map(drop)
    }

    /// Claims the job that is due first, among those of this rank and before. Returns `None` if no job is due.
    pub(super) async fn claim(&self, rank: Rank) -> Result<Option<MailJob>, BackendError> {
        loop {
            // The table is normally empty. A plain query finds that out without a lock for writing.
            let select = Statement::per_database(
                select_due!("unixepoch()"),
                select_due!("EXTRACT(EPOCH FROM clock_timestamp())::BIGINT"),
            );
            let rows: Vec<JobColumns> =
                self.database.fetch(select.bind(rank as i64)).await.map_err(BackendError::new)?;
            let Some(mut job) = rows.into_iter().next().map(decode).transpose()? else { return Ok(None) };
            let claim = Statement::per_database(
                "UPDATE mail_jobs SET attempts = attempts + 1, claimed_at = unixepoch(), pause = $3 \
                 WHERE number = $1 AND attempts = $2",
                "UPDATE mail_jobs SET attempts = attempts + 1, \
                 claimed_at = EXTRACT(EPOCH FROM clock_timestamp())::BIGINT, pause = $3 \
                 WHERE number = $1 AND attempts = $2",
            );
            if self.execute(claim.bind(job.number).bind(job.attempt).bind(seconds(CLAIM))).await? == 1 {
                job.attempt += 1;
                return Ok(Some(job));
            }
            // Another process has claimed it.
        }
    }

    /// Locks a claimed job, so that other transactions wait before they withdraw it. Returns `false` if the job was
    /// withdrawn, or if its claim expired and another process has claimed it.
    pub(super) async fn hold_in(transaction: &mut Transaction, job: &MailJob) -> Result<bool, BackendError> {
        let sql = "UPDATE mail_jobs SET attempts = attempts WHERE number = $1 AND attempts = $2";
        let held = execute_in(transaction, Statement::new(sql).bind(job.number).bind(job.attempt)).await?;
        Ok(held == 1)
    }

    /// Extends the claim.
    pub(super) async fn renew(&self, job: &MailJob) -> Result<(), BackendError> {
        self.release(job, CLAIM).await
    }

    /// Makes a claimed job due again after a pause.
    pub(super) async fn release(&self, job: &MailJob, pause: Duration) -> Result<(), BackendError> {
        let statement = Statement::per_database(
            "UPDATE mail_jobs SET claimed_at = unixepoch(), pause = $3 WHERE number = $1 AND attempts = $2",
            "UPDATE mail_jobs SET claimed_at = EXTRACT(EPOCH FROM clock_timestamp())::BIGINT, pause = $3 \
             WHERE number = $1 AND attempts = $2",
        );
        self.execute(statement.bind(job.number).bind(job.attempt).bind(seconds(pause))).await.map(drop)
    }

    /// Removes a job that is done.
    pub(super) async fn remove(&self, job: &MailJob) -> Result<(), BackendError> {
        self.execute(Statement::new("DELETE FROM mail_jobs WHERE number = $1").bind(job.number)).await.map(drop)
    }

    async fn execute(&self, statement: Statement<'_>) -> Result<u64, BackendError> {
        self.database.execute(statement).await.map_err(BackendError::new)
    }
}

async fn execute_in(transaction: &mut Transaction, statement: Statement<'_>) -> Result<u64, BackendError> {
    transaction.execute(statement).await.map_err(BackendError::new)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn decode(columns: JobColumns) -> Result<MailJob, BackendError> {
    let (number, attempt, kind, user_id, username, address, email_version, requested_at, age) = columns;
    let kind = JobKind::named(&kind).ok_or_else(|| BackendError::new(format!("the mail job {kind:?} is unknown")))?;
    // In whole minutes, so that a link that is created at once is valid from the time of the request.
    let age = Duration::from_secs(u64::try_from(age / 60 * 60).unwrap_or_default());
    let now = Timestamp::from_unix_seconds(requested_at) + age;
    Ok(MailJob { number, attempt, kind, user_id, username, address, email_version, now })
}

//! The table `mail_jobs`: the queue of emails to send. Each job comes from a stored change or from a request.
//!
//! All servers take jobs from the table. A server claims a job for a short time, and renews the claim while it sends
//! the email. The database's clock decides whether a job can be claimed.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::job::{Held, JobKind, MailJob, NewJob, Rank, UNTRIED_LIFETIME};
use super::limits::{Decision, address_key};
use super::mailbox::withheld;
use super::sent::{self, count_as_sent, lock_in};
use super::templates::{MORE_DEVICES, device_line, device_line_start};
use crate::users::EmailAddress;

/// How long a claim lasts. If the process that claimed a job crashes, another process sends the message after this
/// time.
const CLAIM: Duration = Duration::from_secs(15);

/// After a client has triggered a warning about a new device, it cannot trigger another one for the same user within
/// this time. Without this limit, a client that keeps no cookies would trigger a warning each time it logs in.
const SAME_CLIENT: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads and writes the table `mail_jobs`.
#[derive(Clone, Debug)]
pub(crate) struct MailJobStore {
    database: Pool,
}

/// Once a warning's list of devices has at least this many characters, no further devices are added to the list. The
/// warning then only says that there were more devices.
const MAX_DEVICES: i64 = 600;

/// The `email_version` of a warning about a changed address if the warning must not contain an undo link. Real changes
/// are numbered from 1.
const NO_UNDO: i64 = 0;
/// The number of due jobs that the first query reads. If none of these jobs can be sent now, each further query reads
/// four times as many jobs as the query before it, up to [`LONGEST_PAGE`].
const FIRST_PAGE: i64 = 200;
const LONGEST_PAGE: i64 = 10_000;

/// The maximum number of jobs in the queue that belong to no user.
const MAX_EMPTY: i64 = 256;

/// The SQL that adds a device to the warning in the queue, unless the warning already names that device.
macro_rules! append_device {
    ($position:literal) => {
        concat!(
            "UPDATE mail_jobs SET detail = CASE WHEN ",
            $position,
            "(detail, $3) > 0 OR ",
            $position,
            "(detail, $6) > 0 THEN detail WHEN LENGTH(detail) < $5 THEN detail || $4 ELSE detail || $6 END \
             WHERE user_id = $1 AND address = $2 AND kind = 'new_device'"
        )
    };
}

/// Generates code that removes a user's jobs for emails with links. If a job has been claimed, its email counts as
/// sent, because it might already be on its way.
macro_rules! withdraw {
    ($transaction:expr, $condition:literal, $($value:expr),+) => {{
        let claimed = count_as_sent!($condition, " AND attempts > 0");
        execute_in($transaction, claimed$(.bind($value))+).await?;
        let deletion = Statement::new(concat!("DELETE FROM mail_jobs WHERE ", $condition));
        execute_in($transaction, deletion$(.bind($value))+).await.map(drop)
    }};
}

/// The SQL condition under which a job is due. If `claimed_at` is more than a minute in the future, the clock has been
/// set back since the claim, so the claim is ignored. The minute allows for small corrections of the clock.
macro_rules! due {
    ($now:literal) => {
        concat!("(", $now, " NOT BETWEEN claimed_at - 60 AND claimed_at + pause - 1)")
    };
}

/// Selects jobs that are due, starting with those that have the fewest attempts. While the mail server is down, only
/// one email at a time is tried. If warnings always came first, two warnings to a mailbox that does not exist could
/// take turns forever, and no other email would be tried.
macro_rules! select_due {
    ($now:literal) => {
        concat!(
            "SELECT number, attempts, failures, kind, user_id, username, address, address_key, detail, requested_at, \
             source, ",
            $now,
            " - created_at FROM mail_jobs WHERE rank <= $1 AND ",
            due!($now),
            " ORDER BY attempts, rank, turn, number LIMIT $2 OFFSET $3"
        )
    };
}

type JobColumns = (i64, i64, i64, String, String, String, String, String, String, i64, String, i64);

impl MailJobStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Adds a job. If the email reports a change, pass the transaction that stores the change.
    ///
    /// Adds nothing if the user has no address that this email can be sent to. Most kinds of email are not queued again
    /// while the same email is still in the queue. A client that has triggered a warning about a new device within the
    /// last [`SAME_CLIENT`] does not trigger another one. Otherwise, if such a warning is already in the queue, the new
    /// device is added to that warning. Before a confirmation is queued, the user's queued confirmations for other
    /// addresses are withdrawn.
    ///
    /// If a requested email would exceed a limit, nothing is added, with one exception: a confirmation that exceeds
    /// only the mailbox's limit is withheld. It is queued and counts toward the user's limit as usual, but it is not
    /// sent. This method does not limit warnings.
    pub(crate) async fn add_in(transaction: &mut Transaction, job: NewJob<'_>) -> Result<Decision, BackendError> {
        let kind = job.kind;
        let Some(address) = recipient_in(transaction, &job).await? else {
            if kind == JobKind::ConfirmEmail {
                Self::withdraw_confirmations_in(transaction, job.user_id).await?;
            }
            return Ok(Decision::Send);
        };
        let mut key = address_key(kind, &address);
        if kind.is_warning() {
            return Self::add_warning_in(transaction, &job, &address, &key).await.map(|()| Decision::Send);
        }
        // Other servers can count the emails to this address only after this transaction commits.
        lock_in(transaction, &key).await?;
        if kind == JobKind::ConfirmEmail {
            withdraw!(transaction, "user_id = $1 AND kind = 'confirm_email' AND address <> $2", job.user_id, &address)?;
        }
        if kind == JobKind::ConfirmEmail && waits_in(transaction, &job, &address).await? {
            // Do not try to insert the job: if a server has just sent the waiting email, a second email would be queued
            // without a check against the limits.
            return Ok(Decision::Send);
        }
        let decision = sent::decide_in(transaction, &job, &key).await?;
        match decision {
            Decision::Send => {}
            Decision::Withhold if kind == JobKind::ConfirmEmail => key = withheld(&key),
            Decision::Withhold | Decision::Refuse(_) => return Ok(decision),
        }
        Self::insert_in(transaction, &job, &address, &key, job.detail).await?;
        Ok(decision)
    }

    async fn add_warning_in(
        transaction: &mut Transaction,
        job: &NewJob<'_>,
        address: &str,
        key: &str,
    ) -> Result<(), BackendError> {
        if job.kind != JobKind::NewDevice {
            return Self::insert_in(transaction, job, address, key, job.detail).await;
        }
        let recent = "SELECT at FROM mail_sent WHERE user_id = $1 AND kind = $2 AND source = $3 AND at > $4 LIMIT 1";
        let recent = Statement::new(recent)
            .bind(job.user_id)
            .bind(job.kind.name())
            .bind(job.source)
            .bind((job.now - SAME_CLIENT).unix_seconds());
        let recent: Vec<(i64,)> = transaction.fetch(recent).await.map_err(BackendError::new)?;
        if !recent.is_empty() {
            return Ok(());
        }
        let append = Statement::per_database(append_device!("INSTR"), append_device!("STRPOS"));
        let line = device_line(job.detail, job.now);
        let append =
            append.bind(job.user_id).bind(address).bind(device_line_start(job.detail)).bind(format!("\n{line}"));
        let append = append.bind(MAX_DEVICES).bind(format!("\n{MORE_DEVICES}"));
        if execute_in(transaction, append).await? > 0 {
            return Ok(());
        }
        Self::insert_in(transaction, job, address, key, &line).await
    }

    async fn insert_in(
        transaction: &mut Transaction,
        job: &NewJob<'_>,
        address: &str,
        key: &str,
        detail: &str,
    ) -> Result<(), BackendError> {
        // Warnings (rank 0) take turns by user, not by client. If one client triggers warnings to many users, each
        // user's warning is sent as soon as that user's turn comes.
        let sql = "INSERT INTO mail_jobs (kind, rank, user_id, username, address, address_key, source, detail, \
                   email_version, requested_at, turn) \
                   SELECT $1, $2, id, username, $3, $4, $5, $6, email_version, $7, (SELECT COUNT(*) FROM mail_jobs \
                   WHERE rank = $2 AND (user_id = $8 OR ($2 > 0 AND $5 <> '' AND source = $5))) \
                   FROM users WHERE id = $8 \
                   AND NOT EXISTS (SELECT 1 FROM mail_jobs WHERE user_id = $8 AND kind = $1 AND address = $3 \
                   AND ($1 NOT IN ('email_changed', 'renamed', 'reset_password')))";
        let statement = Statement::new(sql)
            .bind(job.kind.name())
            .bind(job.kind.rank() as i64)
            .bind(address)
            .bind(key)
            .bind(job.source)
            .bind(detail)
            .bind(job.now.unix_seconds())
            .bind(job.user_id);
        execute_in(transaction, statement).await.map(drop)
    }

    /// Adds a job that belongs to no user and sends nothing. Call this method when someone requests a reset link for an
    /// address that belongs to no user, or when a limit has been reached. The server then does the same work for every
    /// request, so the duration of later responses does not reveal which addresses belong to users. If the queue
    /// already contains [`MAX_EMPTY`] such jobs, for example because the mail server is down, nothing is added.
    pub(super) async fn add_empty_in(transaction: &mut Transaction, job: &NewJob<'_>) -> Result<(), BackendError> {
        let address = job.address.map_or("", EmailAddress::as_str);
        let sql = "INSERT INTO mail_jobs (kind, rank, user_id, username, address, address_key, source, detail, \
                   email_version, requested_at, turn) \
                   SELECT $1, $2, '', '', $3, $4, $5, '', 0, $6, (SELECT COUNT(*) FROM mail_jobs \
                   WHERE rank = $2 AND $5 <> '' AND source = $5) \
                   WHERE (SELECT COUNT(*) FROM mail_jobs WHERE user_id = '') < $7";
        let statement = Statement::new(sql)
            .bind(job.kind.name())
            .bind(job.kind.rank() as i64)
            .bind(address)
            .bind(address_key(job.kind, address))
            .bind(job.source)
            .bind(job.now.unix_seconds())
            .bind(MAX_EMPTY);
        execute_in(transaction, statement).await.map(drop)
    }

    /// Removes the jobs that would send reset and confirmation links to a user. Call this in the transaction that
    /// invalidates the user's links.
    pub(crate) async fn withdraw_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        withdraw!(transaction, "user_id = $1 AND kind IN ('confirm_email', 'reset_password')", user_id)
    }

    async fn withdraw_confirmations_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        withdraw!(transaction, "user_id = $1 AND kind = 'confirm_email'", user_id)
    }

    /// Removes the jobs that would send undo links for the address change with the number `email_version` or for later
    /// changes.
    pub(crate) async fn withdraw_undos_in(
        transaction: &mut Transaction,
        user_id: &str,
        email_version: i64,
    ) -> Result<(), BackendError> {
        let sql = "DELETE FROM mail_jobs WHERE user_id = $1 AND kind = 'email_changed' AND email_version >= $2";
        execute_in(transaction, Statement::new(sql).bind(user_id).bind(email_version)).await.map(drop)
    }

    /// Removes the undo links from the user's queued warnings about changed addresses. The warnings are still sent.
    /// Call this in the transaction that deletes the undo links that were already sent.
    pub(crate) async fn omit_undos_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        let sql = "UPDATE mail_jobs SET email_version = $2 WHERE user_id = $1 AND kind = 'email_changed'";
        execute_in(transaction, Statement::new(sql).bind(user_id).bind(NO_UNDO)).await.map(drop)
    }

    /// Removes all of a deleted user's jobs.
    pub(crate) async fn delete_all_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        execute_in(transaction, Statement::new("DELETE FROM mail_jobs WHERE user_id = $1").bind(user_id))
            .await
            .map(drop)
    }

    /// Deletes up to `limit` jobs that were queued at least seven days ago and that no server has tried to send. Such
    /// jobs accumulate if none of the servers that use this database sends email. Returns the number of deleted jobs.
    /// `now` is the time by the database's clock.
    pub(crate) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let sql = "DELETE FROM mail_jobs WHERE number IN \
                   (SELECT number FROM mail_jobs WHERE attempts = 0 AND created_at <= $1 ORDER BY number LIMIT $2)";
        let statement = Statement::new(sql).bind((now - UNTRIED_LIFETIME).unix_seconds()).bind(i64::from(limit));
        self.execute(statement).await
    }

    /// Claims the first due job that has this rank or a more urgent one, and that `may_claim` accepts. Returns `None`
    /// if there is no such job.
    pub(super) async fn claim(
        &self,
        rank: Rank,
        may_claim: impl Fn(&MailJob) -> bool,
    ) -> Result<Option<MailJob>, BackendError> {
        loop {
            // The table is usually empty. A plain query finds that out without taking a write lock.
            let Some(mut job) = self.first_due(rank, &may_claim).await? else { return Ok(None) };
            let claim = Statement::per_database(
                "UPDATE mail_jobs SET attempts = attempts + 1, claimed_at = unixepoch(), pause = $3 \
                 WHERE number = $1 AND attempts = $2",
                "UPDATE mail_jobs SET attempts = attempts + 1, \
                 claimed_at = EXTRACT(EPOCH FROM clock_timestamp())::BIGINT, pause = $3 \
                 WHERE number = $1 AND attempts = $2",
            );
            if self.execute(claim.bind(job.number).bind(job.claim).bind(seconds(CLAIM))).await? == 1 {
                job.claim += 1;
                return Ok(Some(job));
            }
            // Another process has claimed the job.
        }
    }

    /// Returns the first due job that has this rank or a more urgent one, and that `may_claim` accepts. Strangers can
    /// fill the queue with jobs that cannot be sent now, so this method keeps reading until it finds a job or has read
    /// all jobs.
    async fn first_due(
        &self,
        rank: Rank,
        may_claim: impl Fn(&MailJob) -> bool,
    ) -> Result<Option<MailJob>, BackendError> {
        // If other jobs are removed between two queries, this loop might skip a job. The next call finds it.
        let (mut offset, mut limit) = (0, FIRST_PAGE);
        loop {
            let select = Statement::per_database(
                select_due!("unixepoch()"),
                select_due!("EXTRACT(EPOCH FROM clock_timestamp())::BIGINT"),
            );
            let select = select.bind(rank as i64).bind(limit).bind(offset);
            let rows: Vec<JobColumns> = self.database.fetch(select).await.map_err(BackendError::new)?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
            // Skip a job whose kind this version does not know. A server running a newer version added the job and will
            // send it.
            let found = rows.into_iter().filter_map(decode).find(&may_claim);
            if found.is_some() || is_last {
                return Ok(found);
            }
            offset += limit;
            limit = (4 * limit).min(LONGEST_PAGE);
        }
    }

    /// Locks a claimed job. Until the transaction ends, other transactions cannot withdraw the job or its link. Returns
    /// `None` if the job has been withdrawn, or if the claim has expired and another process has claimed the job.
    pub(super) async fn hold_in(transaction: &mut Transaction, job: &MailJob) -> Result<Option<Held>, BackendError> {
        // Read the address change's number again, because the undo link might have been removed since the job was
        // claimed.
        let sql =
            "UPDATE mail_jobs SET attempts = attempts WHERE number = $1 AND attempts = $2 RETURNING email_version";
        let statement = Statement::new(sql).bind(job.number).bind(job.claim);
        let rows: Vec<(i64,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
        let held = |(version,)| Held { undoes: (version != NO_UNDO).then_some(version) };
        Ok(rows.into_iter().next().map(held))
    }

    /// Extends this process's claim on the job.
    pub(super) async fn renew(&self, job: &MailJob) -> Result<(), BackendError> {
        self.delay(job, CLAIM, false).await
    }

    /// Makes a claimed job due again after a pause. Call this method if a limit delays the job.
    pub(super) async fn postpone(&self, job: &MailJob, pause: Duration) -> Result<(), BackendError> {
        self.delay(job, pause, false).await
    }

    /// Records that a claimed job has failed, and makes it due again after a pause. Jobs that have failed less often
    /// are claimed first.
    pub(super) async fn fail(&self, job: &MailJob, pause: Duration) -> Result<(), BackendError> {
        self.delay(job, pause, true).await
    }

    async fn delay(&self, job: &MailJob, pause: Duration, failed: bool) -> Result<(), BackendError> {
        let statement = Statement::per_database(
            "UPDATE mail_jobs SET claimed_at = unixepoch(), pause = $3, failures = failures + $4, turn = turn + $4 \
             WHERE number = $1 AND attempts = $2",
            "UPDATE mail_jobs SET claimed_at = EXTRACT(EPOCH FROM clock_timestamp())::BIGINT, pause = $3, \
             failures = failures + $4, turn = turn + $4 WHERE number = $1 AND attempts = $2",
        );
        let statement = statement.bind(job.number).bind(job.claim).bind(seconds(pause)).bind(i64::from(failed));
        self.execute(statement).await.map(drop)
    }

    /// Removes a job that is no longer needed.
    pub(super) async fn remove(&self, job: &MailJob) -> Result<(), BackendError> {
        self.execute(removal(job)).await.map(drop)
    }

    /// Removes a job whose email has been sent, and counts the email.
    pub(super) async fn finish(&self, job: &MailJob) -> Result<(), BackendError> {
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        // If the job was withdrawn while its email was being sent, the withdrawal has already counted the email.
        execute_in(&mut transaction, count_as_sent!("number = $1").bind(job.number)).await?;
        let sql = "DELETE FROM mail_jobs WHERE number = $1 AND detail = $2";
        let deleted = execute_in(&mut transaction, Statement::new(sql).bind(job.number).bind(&job.detail)).await?;
        if deleted == 0 {
            // If a device was added to the job while the email was being sent, another email has to name that device.
            let sql = "UPDATE mail_jobs SET detail = SUBSTR(detail, LENGTH($2) + 2), failures = 0, claimed_at = 0, \
                       pause = 0 WHERE number = $1";
            execute_in(&mut transaction, Statement::new(sql).bind(job.number).bind(&job.detail)).await?;
        }
        transaction.commit().await.map_err(BackendError::new)
    }

    async fn execute(&self, statement: Statement<'_>) -> Result<u64, BackendError> {
        self.database.execute(statement).await.map_err(BackendError::new)
    }
}

/// Returns the recipient of a job, if there is one.
async fn recipient_in(transaction: &mut Transaction, job: &NewJob<'_>) -> Result<Option<String>, BackendError> {
    if let Some(address) = job.address {
        return Ok(Some(address.as_str().to_owned()));
    }
    let sql = "SELECT email FROM users WHERE id = $1 AND email <> '' AND (email_confirmed_at IS NOT NULL) = $2";
    let statement = Statement::new(sql).bind(job.user_id).bind(job.kind != JobKind::ConfirmEmail);
    let rows: Vec<(String,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    Ok(rows.into_iter().next().map(|(email,)| email))
}

/// Returns whether the same email is already in the queue.
async fn waits_in(transaction: &mut Transaction, job: &NewJob<'_>, address: &str) -> Result<bool, BackendError> {
    let sql = "SELECT number FROM mail_jobs WHERE user_id = $1 AND kind = $2 AND address = $3";
    let statement = Statement::new(sql).bind(job.user_id).bind(job.kind.name()).bind(address);
    let rows: Vec<(i64,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    Ok(!rows.is_empty())
}

fn removal(job: &MailJob) -> Statement<'static> {
    Statement::new("DELETE FROM mail_jobs WHERE number = $1").bind(job.number)
}

async fn execute_in(transaction: &mut Transaction, statement: Statement<'_>) -> Result<u64, BackendError> {
    transaction.execute(statement).await.map_err(BackendError::new)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn decode(columns: JobColumns) -> Option<MailJob> {
    let (number, claim, failures, kind, user_id, username, address, address_key, detail, requested_at, source, age) =
        columns;
    let kind = JobKind::named(&kind)?;
    let age = Duration::from_secs(u64::try_from(age).unwrap_or_default());
    let requested_at = Timestamp::from_unix_seconds(requested_at);
    Some(MailJob {
        number,
        claim,
        failures,
        kind,
        user_id,
        username,
        address,
        address_key,
        detail,
        source,
        age,
        requested_at,
    })
}

//! The table `activity`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::{ActivityKind, RequestInfo};

/// The maximum number of rows for each user, not counting failed log-ins.
const MAX_ROWS: i64 = 100;

/// The maximum number of failed log-ins that are stored for each user. An attacker can cause any number of failed
/// log-ins. This separate limit keeps failed log-ins from pushing out other rows.
pub(crate) const MAX_FAILED_LOG_INS: u32 = 200;

/// The user id of dummy entries. No user has this id, so no page shows these entries. `Recorder::record_for` explains why
/// they are needed.
pub(super) const NO_USER: &str = "";

/// How many batches are stored before the entries beyond the limits are deleted. The time that this takes depends on how
/// many entries a user has. If it were part of each batch, the next response would reveal whether a name exists.
const BATCHES_PER_TRIM: u32 = 32;

/// An activity that is about to be stored.
#[derive(Debug)]
pub(super) struct NewActivity {
    pub(super) user: String,
    pub(super) kind: ActivityKind,
    pub(super) session: Option<String>,
    pub(super) request: RequestInfo,
}

/// A stored activity.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) kind: ActivityKind,
    pub(crate) session: Option<String>,
    pub(crate) request: RequestInfo,
}

/// Reads and writes the table `activity`.
#[derive(Clone, Debug)]
pub(crate) struct ActivityStore {
    database: Pool,
    untrimmed: Arc<Mutex<Untrimmed>>,
}

/// What was stored since the last time that entries beyond the limits were deleted.
#[derive(Debug, Default)]
struct Untrimmed {
    batches: u32,
    users: BTreeSet<String>,
}

impl ActivityStore {
    pub(crate) fn new(database: Pool) -> Self {
        // The first batch trims, because the previous process may have ended before it trimmed.
        let untrimmed = Untrimmed { batches: BATCHES_PER_TRIM, ..Untrimmed::default() };
        Self { database, untrimmed: Arc::new(Mutex::new(untrimmed)) }
    }

    /// Stores entries. After every [`BATCHES_PER_TRIM`] calls, deletes the oldest entries of the users in these calls, so
    /// that each of them keeps at most [`MAX_FAILED_LOG_INS`] failed log-ins and [`MAX_ROWS`] other entries.
    pub(super) async fn add(&self, entries: &[NewActivity]) -> Result<(), sqlx::Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin().await?;
        for NewActivity { user, kind, session, request } in entries {
            let sql = "INSERT INTO activity (user_id, kind, at, session, address, user_agent) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let statement = Statement::new(sql)
                .bind(user)
                .bind(kind.name())
                .bind(request.at.unix_seconds())
                .bind(text(session))
                .bind(text(&request.address))
                .bind(text(&request.user_agent));
            transaction.execute(statement).await?;
        }
        for user in &self.due(entries) {
            let failures = "DELETE FROM activity WHERE user_id = $1 AND kind = 'login_failed' AND id <= (SELECT id FROM \
                            activity WHERE user_id = $1 AND kind = 'login_failed' ORDER BY id DESC LIMIT 1 OFFSET $2)";
            let others = "DELETE FROM activity WHERE user_id = $1 AND kind <> 'login_failed' AND id <= (SELECT id FROM \
                          activity WHERE user_id = $1 AND kind <> 'login_failed' ORDER BY id DESC LIMIT 1 OFFSET $2)";
            transaction.execute(Statement::new(failures).bind(user).bind(i64::from(MAX_FAILED_LOG_INS))).await?;
            transaction.execute(Statement::new(others).bind(user).bind(MAX_ROWS)).await?;
        }
        transaction.commit().await
    }

    /// Returns the users whose oldest entries must be deleted now.
    fn due(&self, entries: &[NewActivity]) -> BTreeSet<String> {
        let mut untrimmed = self.untrimmed.lock().unwrap_or_else(PoisonError::into_inner);
        untrimmed.users.extend(entries.iter().map(|entry| entry.user.clone()));
        untrimmed.batches += 1;
        match untrimmed.batches < BATCHES_PER_TRIM {
            true => BTreeSet::new(),
            false => std::mem::take(&mut *untrimmed).users,
        }
    }

    /// Returns a user's latest activities, newest first: up to `failed` failed log-ins, and up to `others` activities
    /// of other kinds.
    pub(crate) async fn latest(&self, user: &str, failed: u32, others: u32) -> Result<Vec<Activity>, BackendError> {
        type Row = (String, i64, Option<String>, Option<String>, Option<String>);
        let sql = "SELECT kind, at, session, address, user_agent FROM activity WHERE id IN ( \
                   SELECT id FROM (SELECT id FROM activity WHERE user_id = $1 AND kind = 'login_failed' \
                   ORDER BY id DESC LIMIT $2) AS failed UNION ALL \
                   SELECT id FROM (SELECT id FROM activity WHERE user_id = $1 AND kind <> 'login_failed' \
                   ORDER BY id DESC LIMIT $3) AS others) ORDER BY id DESC";
        let rows: Vec<Row> = self
            .database
            .fetch(Statement::new(sql).bind(user).bind(i64::from(failed)).bind(i64::from(others)))
            .await
            .map_err(BackendError::new)?;
        let read = |(kind, at, session, address, user_agent): Row| {
            let request = RequestInfo { at: Timestamp::from_unix_seconds(at), address, user_agent };
            Some(Activity { kind: ActivityKind::from_name(&kind)?, session, request })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Deletes the activity of a user who is being deleted.
    pub(crate) async fn delete_in(transaction: &mut Transaction, user: &str) -> Result<(), BackendError> {
        let statement = Statement::new("DELETE FROM activity WHERE user_id = $1").bind(user);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Returns the time of the database's own clock.
    pub(crate) async fn time(&self) -> Result<Timestamp, BackendError> {
        self.database.unix_time().await.map(Timestamp::from_unix_seconds).map_err(BackendError::new)
    }

    /// Deletes up to `limit` rows that are older than `cutoff`, and returns how many were deleted.
    pub(crate) async fn prune(&self, cutoff: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let sql = "DELETE FROM activity WHERE id IN (SELECT id FROM activity WHERE at < $1 ORDER BY at LIMIT $2)";
        let statement = Statement::new(sql).bind(cutoff.unix_seconds()).bind(i64::from(limit));
        self.database.execute(statement).await.map_err(BackendError::new)
    }
}

fn text(value: &Option<String>) -> Option<Cow<'_, str>> {
    value.as_deref().map(Cow::Borrowed)
}

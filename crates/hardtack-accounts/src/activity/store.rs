//! What happened, in a database.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hardtack::Timestamp;
use hardtack::session::StoreError;
use hardtack_db::{Pool, Statement};

use super::{Kind, Source};

/// How many rows a user keeps. Failed log-ins, which strangers cause, have a bound of their own and push
/// nothing else out.
const KEPT: i64 = 100;
const KEPT_FAILURES: i64 = 20;

/// Something about to be written.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) user: String,
    pub(super) kind: Kind,
    pub(super) session: Option<String>,
    pub(super) source: Source,
}

/// Something that was.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) kind: Kind,
    pub(crate) session: Option<String>,
    pub(crate) source: Source,
}

/// The table of what happened.
#[derive(Clone, Debug)]
pub(crate) struct ActivityStore {
    database: Pool,
}

impl ActivityStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Writes entries, and forgets the oldest of each user who has too many.
    pub(super) async fn add(&self, entries: &[Entry]) -> Result<(), sqlx::Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin().await?;
        for Entry { user, kind, session, source } in entries {
            let sql = "INSERT INTO activity (user_id, kind, at, session, address, user_agent) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let statement = Statement::new(sql)
                .bind(user)
                .bind(kind.name())
                .bind(source.at.unix_seconds())
                .bind(text(session))
                .bind(text(&source.address))
                .bind(text(&source.user_agent));
            transaction.execute(statement).await?;
        }
        for user in entries.iter().map(|entry| entry.user.as_str()).collect::<BTreeSet<_>>() {
            let failures = "DELETE FROM activity WHERE user_id = $1 AND kind = 'login_failed' AND id <= (SELECT id FROM \
                            activity WHERE user_id = $1 AND kind = 'login_failed' ORDER BY id DESC LIMIT 1 OFFSET $2)";
            let others = "DELETE FROM activity WHERE user_id = $1 AND kind <> 'login_failed' AND id <= (SELECT id FROM \
                          activity WHERE user_id = $1 AND kind <> 'login_failed' ORDER BY id DESC LIMIT 1 OFFSET $2)";
            transaction.execute(Statement::new(failures).bind(user).bind(KEPT_FAILURES)).await?;
            transaction.execute(Statement::new(others).bind(user).bind(KEPT)).await?;
        }
        transaction.commit().await
    }

    /// The last of a user, the newest first.
    pub(crate) async fn latest(&self, user: &str, limit: u32) -> Result<Vec<Activity>, StoreError> {
        type Row = (String, i64, Option<String>, Option<String>, Option<String>);
        let sql = "SELECT kind, at, session, address, user_agent FROM activity WHERE user_id = $1 \
                   ORDER BY id DESC LIMIT $2";
        let rows: Vec<Row> = self
            .database
            .fetch(Statement::new(sql).bind(user).bind(i64::from(limit)))
            .await
            .map_err(StoreError::new)?;
        let read = |(kind, at, session, address, user_agent): Row| {
            let source = Source { at: Timestamp::from_unix_seconds(at), address, user_agent };
            Some(Activity { kind: Kind::named(&kind)?, session, source })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Forgets up to `limit` rows of before `cutoff`; answers how many.
    pub(crate) async fn prune(&self, cutoff: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM activity WHERE id IN (SELECT id FROM activity WHERE at < $1 ORDER BY at LIMIT $2)";
        let statement = Statement::new(sql).bind(cutoff.unix_seconds()).bind(i64::from(limit));
        self.database.execute(statement).await.map_err(StoreError::new)
    }
}

fn text(value: &Option<String>) -> Option<Cow<'_, str>> {
    value.as_deref().map(Cow::Borrowed)
}

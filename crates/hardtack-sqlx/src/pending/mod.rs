//! Records which sessions must end, for applications that keep users and sessions in different stores.

mod in_transaction;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hardtack::BackendError;
use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack::session::{PendingRevocation, PendingRevocations, SessionLookup};
use hardtack_db::{MigrateError, Pool, Statement};

use crate::database::Database;
use crate::schema::{self, PENDING_ENDS, RowError};

/// Records in the users' database which sessions must end. This type is for applications that keep their users in a
/// database and their sessions in another store, such as Redis.
///
/// Each record is an *intention* to end a user's sessions. It is written in the same transaction as the change that
/// requires it. For example, a new password and the intention to end the old sessions are committed together, even
/// though the sessions are in another store.
///
/// Register a clone of this value with the authenticator. Until then, the methods that write an intention return an
/// error. Processes that follow the revocation log carry out the intentions within seconds, even if the process that
/// wrote an intention has crashed. While the session store is down, these processes refuse the sessions that must end.
///
/// If processes with different session stores share this database, call [`set_store_id`](Self::set_store_id) in each
/// process. A process then carries out only the intentions for its own store and those without a store id.
///
/// `P` is the type that this value was created from: an sqlx pool or a [`Database`]. Clones share the connections.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn run<S: hardtack::session::SessionStore>(
/// #     keys: hardtack::KeySet, pool: sqlx::SqlitePool, redis: S, id: &str, hash: &str,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use hardtack::Authenticator;
/// use hardtack_sqlx::PendingEnds;
///
/// let pending = PendingEnds::from_pool(pool.clone());
/// pending.migrate().await?;
/// let auth = Authenticator::builder(keys).sessions(redis).pending_revocations(pending.clone()).build()?;
///
/// let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
/// sqlx::query("UPDATE users SET hash = $1 WHERE id = $2").bind(hash).bind(id).execute(&mut *tx).await?;
/// let ended = pending.end_all_in(&mut tx, id).await?;
/// tx.commit().await?;
/// auth.finish_ending(ended).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PendingEnds<P> {
    handle: P,
    pool: Pool,
    /// Whether this value has been registered with an authenticator, or [`PendingEnds::carried_out_by_servers`] has
    /// been called. Shared by all clones.
    carried_out: Arc<AtomicBool>,
    /// The id of the session store. Shared by all clones.
    store_id: Arc<Mutex<Option<String>>>,
    /// The session store of the authenticator that this value is registered with. Shared by all clones.
    sessions: Arc<Mutex<Option<SessionLookup>>>,
}

/// How old an intention must be, in seconds, before other processes carry it out. The process that wrote the intention
/// carries it out at once.
const DELAY: i64 = 2;

/// How long an intention for a different session store is kept.
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

impl<P: Clone + Into<Database>> PendingEnds<P> {
    /// Creates a `PendingEnds` that stores its intentions in a database that is already open. Before you use it, call
    /// [`Self::migrate`].
    pub fn from_pool(pool: P) -> Self {
        Self {
            pool: pool.clone().into().into(),
            handle: pool,
            carried_out: Arc::default(),
            store_id: Arc::default(),
            sessions: Arc::default(),
        }
    }

    /// Allows this value to write intentions even though it is not registered with an authenticator in this process.
    /// Use this method in programs such as an administration tool. The application's servers must register a
    /// `PendingEnds` that uses the same database, because they carry out the intentions. Until one of them does, the
    /// sessions continue.
    pub fn carried_out_by_servers(self) -> Self {
        self.carried_out.store(true, Ordering::Relaxed);
        self
    }

    /// Sets the id of the session store for this value and its clones. From then on, new intentions contain this id,
    /// and intentions with a different id are not carried out. For Redis, get the id from
    /// `hardtack_redis::RedisSessions::create_identity`. `None`, the default, means that new intentions contain no id,
    /// and that intentions with any id are not carried out.
    ///
    /// The ids protect against a process that was started with the wrong session store by mistake. Without ids, such a
    /// process would find no matching sessions in its store and would then remove intentions that the other processes
    /// have not carried out yet.
    pub fn set_store_id(&self, id: Option<&str>) {
        *self.store_id.lock().unwrap_or_else(PoisonError::into_inner) = id.map(str::to_owned);
    }

    /// Reassigns all intentions for the session store with the id `from` to the store with the id `to`, and returns
    /// their number. Call this method if a store has lost its data and was therefore given a new id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn move_to_store(&self, from: &str, to: &str) -> Result<u64, BackendError> {
        let statement = Statement::new("UPDATE pending_ends SET store = $2 WHERE store = $1").bind(from).bind(to);
        self.pool.execute(statement).await.map_err(BackendError::new)
    }

    /// Deletes up to `limit` intentions, and returns how many it deleted. It deletes only intentions that belong to
    /// other session stores and are at least 400 days old. `now` is the current time according to the database's clock.
    ///
    /// If an application replaces its session store, for example after a trial or a loss of data, no process carries
    /// out the intentions for the old store. Browsers keep cookies for at most 400 days (RFC 6265bis). Once an
    /// intention is 400 days old, no browser can still use the session that it would end, so the intention is no longer
    /// needed.
    ///
    /// You do not have to call this method yourself if you register the `PendingEnds` with
    /// [`also_prune`](hardtack::AuthenticatorBuilder::also_prune).
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let sql = "DELETE FROM pending_ends WHERE number IN (SELECT number FROM pending_ends
            WHERE created_at <= $1 AND store IS NOT NULL AND store <> $2 ORDER BY number LIMIT $3)";
        // If this value has no store id, compare with the empty string. No store has an empty id, so every intention
        // that has a store id then counts as belonging to a different store.
        let own = self.store_id().unwrap_or_default();
        let statement = Statement::new(sql).bind((now - LIFETIME).unix_seconds()).bind(own).bind(i64::from(limit));
        self.pool.execute(statement).await.map_err(BackendError::new)
    }

    /// Returns the pool that this value was created from.
    pub fn pool(&self) -> &P {
        &self.handle
    }

    /// Creates or upgrades the table `pending_ends`. Returns how many migrations were applied.
    ///
    /// # Errors
    /// Returns an error if the table is newer than this program, or if the database failed.
    pub async fn migrate(&self) -> Result<usize, MigrateError> {
        self.pool.migrate(PENDING_ENDS).await
    }
}

impl Database {
    /// Returns a [`PendingEnds`] that keeps its intentions in this database. Before you use it, call
    /// [`PendingEnds::migrate`].
    pub fn pending_ends(&self) -> PendingEnds<Self> {
        PendingEnds::from_pool(self.clone())
    }
}

impl<P: Clone + Into<Database> + Send + Sync + 'static> PendingRevocations for PendingEnds<P> {
    async fn due(&self, limit: u32) -> Result<Vec<PendingRevocation>, BackendError> {
        // Both times come from the database's clock, so a row's time can only be ahead of the current time if that
        // clock has been set back. A row that is more than `DELAY` seconds ahead is therefore due as well.
        let statement = Statement::per_database(
            "SELECT number, subject, kept FROM pending_ends
             WHERE created_at NOT BETWEEN unixepoch() - $1 + 1 AND unixepoch() + $1
                AND (store IS NULL OR store = $3) ORDER BY number LIMIT $2",
            "SELECT number, subject, kept FROM pending_ends
             WHERE created_at NOT BETWEEN EXTRACT(EPOCH FROM clock_timestamp())::BIGINT - $1 + 1
                AND EXTRACT(EPOCH FROM clock_timestamp())::BIGINT + $1
                AND (store IS NULL OR store = $3) ORDER BY number LIMIT $2",
        );
        self.fetch(statement.bind(DELAY).bind(i64::from(limit)).bind(self.store_id())).await
    }

    async fn find(&self, subject: &str) -> Result<Vec<PendingRevocation>, BackendError> {
        if !schema::is_storable(subject) {
            return Ok(Vec::new());
        }
        let sql = "SELECT number, subject, kept FROM pending_ends
            WHERE subject = $1 AND (store IS NULL OR store = $2) ORDER BY number";
        self.fetch(Statement::new(sql).bind(subject).bind(self.store_id())).await
    }

    async fn remove(&self, number: u64) -> Result<(), BackendError> {
        let Ok(number) = i64::try_from(number) else { return Ok(()) };
        let statement = Statement::new("DELETE FROM pending_ends WHERE number = $1").bind(number);
        self.pool.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    fn registered(&self) {
        self.carried_out.store(true, Ordering::Relaxed);
    }

    fn attached(&self, sessions: SessionLookup) {
        *self.sessions.lock().unwrap_or_else(PoisonError::into_inner) = Some(sessions);
    }
}

impl<P: Clone + Into<Database> + Send + Sync + 'static> Prune for PendingEnds<P> {
    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        let time = self.pool.unix_time().await.map_err(BackendError::new)?;
        Ok(Some(Timestamp::from_unix_seconds(time)))
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        Self::prune(self, now, limit).await
    }
}

impl<P> PendingEnds<P> {
    fn store_id(&self) -> Option<String> {
        self.store_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self, statement: Statement<'_>) -> Result<Vec<PendingRevocation>, BackendError> {
        let rows: Vec<PendingRow> = self.pool.fetch(statement).await.map_err(BackendError::new)?;
        rows.into_iter().map(decode).collect::<Result<_, _>>().map_err(BackendError::new)
    }
}

/// The intention's number, the subject, and the session that continues, if any.
type PendingRow = (i64, String, Option<String>);

fn decode((number, subject, kept): PendingRow) -> Result<PendingRevocation, RowError> {
    let number = schema::to_unsigned("pending_ends", "number", number)?;
    let kept = kept.as_deref().map(schema::decode_id).transpose()?;
    Ok(PendingRevocation::new(number, subject, kept))
}

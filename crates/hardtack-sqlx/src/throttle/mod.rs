//! Attempt counters that several servers share.

mod limit;
mod statements;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use hardtack::BackendError;
use hardtack::throttle::{Budget, BudgetKey, Counter, Now, ThrottleStore, Verdict, take_all};
use hardtack_db::{MigrateError, Pool};

use self::limit::within_limit;
use self::sweep::Sweep;
use crate::database::Database;
use crate::schema::THROTTLE;
use crate::sessions::Sessions;

/// A [`ThrottleStore`] that uses a database table named `throttle`. Clones share their database connections.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn run(keys: hardtack::KeySet) -> Result<(), Box<dyn std::error::Error>> {
/// use hardtack::throttle::Throttle;
/// use hardtack_sqlx::SqliteSessions;
///
/// let sessions = SqliteSessions::open("app.db").await?;
/// let throttle = Throttle::builder(&keys).store(sessions.throttle()).build();
/// # Ok(())
/// # }
/// ```
///
/// - To refuse an attempt, the store only reads from the database. The exception is a stored time that is too far in
///   the future: the store then corrects it.
/// - If the database does not respond within one second (or the time set with [`with_timeout`](Self::with_timeout)),
///   the operation fails, and the [`Throttle`](hardtack::throttle::Throttle) counts in memory.
/// - On PostgreSQL, the store uses the database server's clock. On SQLite, it uses the throttle's clock. If two
///   processes share an SQLite file and their clocks differ by up to ten minutes, the store uses the later time.
///   Buckets may then refill late, by up to the difference between the clocks, but clients get no additional attempts.
///   If the clocks differ by more than ten minutes, clients that alternate between the processes get additional
///   attempts.
/// - After every 64th allowed attempt, the store deletes some of the counters whose buckets are full. If the table
///   exceeds its maximum number of counters ([`with_capacity`](Self::with_capacity)), the store also deletes counters
///   that have counted only a few attempts.
#[derive(Clone, Debug)]
pub struct SqlThrottleStore {
    pool: Pool,
    sweep: Arc<Sweep>,
    timeout: Duration,
}

impl SqlThrottleStore {
    /// The default maximum number of counters in the table. The maximum is only approximate. To set a different
    /// maximum, call [`with_capacity`](Self::with_capacity). A million counters take about 100 MB.
    pub const DEFAULT_CAPACITY: u32 = 1_000_000;

    /// How long an operation waits for the database by default. To set a different limit, call
    /// [`with_timeout`](Self::with_timeout).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

    /// Creates a store that keeps its counters in a database that is already open. Call [`Self::migrate`] before the
    /// first use.
    pub fn from_pool(pool: impl Into<Database>) -> Self {
        let sweep = Arc::new(Sweep::new(Self::DEFAULT_CAPACITY));
        Self { pool: pool.into().into(), sweep, timeout: Self::DEFAULT_TIMEOUT }
    }

    /// Sets the approximate maximum number of counters in the table.
    #[must_use]
    pub fn with_capacity(self, capacity: u32) -> Self {
        Self { sweep: Arc::new(Sweep::new(capacity)), ..self }
    }

    /// Sets how long an operation waits for the database. After this time, the operation fails, and the
    /// [`Throttle`](hardtack::throttle::Throttle) counts in memory.
    ///
    /// If the database is sometimes slow, set a longer timeout: while a server counts in memory, attackers get more
    /// attempts. However, if the database hangs, each operation delays its request by the whole timeout. On PostgreSQL,
    /// a timeout of more than a few seconds rarely makes a difference, because the connections have their own time
    /// limits.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Creates or upgrades the table `throttle`, and returns how many migrations were applied. [`Sessions::migrate`]
    /// creates and upgrades this table as well.
    ///
    /// # Errors
    /// Returns an error if the table is newer than this program, or if the database failed.
    pub async fn migrate(&self) -> Result<usize, MigrateError> {
        self.pool.migrate(THROTTLE).await
    }

    /// Takes one token from each budget in one transaction. Returns whether the tokens were taken and, if not, how long
    /// to wait.
    async fn take_tokens(&self, budgets: &[Budget], now: i64) -> Result<Verdict, sqlx::Error> {
        // During a flood of attempts, most attempts are refused. First read the counters without a lock, so that most
        // refusals neither wait nor write.
        let (now, stored) = statements::read(&self.pool, budgets, now).await?;
        let (verdict, changed) = decide(budgets, &stored, now);
        if verdict != Verdict::Taken && changed.is_empty() {
            return Ok(verdict);
        }
        let mut transaction = self.pool.begin().await?;
        let (now, stored) = statements::lock(&mut transaction, budgets, now).await?;
        let (verdict, changed) = decide(budgets, &stored, now);
        if !changed.is_empty() {
            let postgres = transaction.connection().is_postgres();
            transaction.execute(statements::write(&changed, now, postgres)).await?;
        }
        transaction.commit().await?;
        if self.sweep.is_due() {
            let this = self.clone();
            tokio::spawn(async move { this.sweep.run(&this.pool, now).await });
        }
        Ok(verdict)
    }
}

/// Returns whether the attempt is allowed, and which counters have to be stored.
fn decide(budgets: &[Budget], stored: &[(Vec<u8>, Counter)], now: i64) -> (Verdict, Vec<(Budget, Counter)>) {
    let find = |budget: &Budget| stored.iter().find(|(key, _)| key == budget.key().as_bytes());
    let before = |budget: &Budget| find(budget).map_or_else(Counter::default, |(_, counter)| *counter);
    let mut counters: Vec<_> = budgets.iter().map(|budget| (*budget, before(budget))).collect();
    let verdict = take_all(&mut counters, now);
    counters.retain(|(budget, counter)| *counter != before(budget));
    (verdict, counters)
}

impl ThrottleStore for SqlThrottleStore {
    async fn take(&self, budgets: &[Budget], now: Now) -> Result<Verdict, BackendError> {
        if budgets.is_empty() {
            return Ok(Verdict::Taken);
        }
        let (this, budgets) = (self.clone(), budgets.to_vec());
        within_limit(self.timeout, async move { this.take_tokens(&budgets, now.unix_ms).await }).await
    }

    async fn give_back(&self, budgets: &[Budget], _: Now) -> Result<(), BackendError> {
        if budgets.is_empty() {
            return Ok(());
        }
        let (pool, budgets) = (self.pool.clone(), budgets.to_vec());
        within_limit(self.timeout, async move { statements::give_back(&pool, &budgets).await }).await
    }

    async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        if keys.is_empty() {
            return Ok(());
        }
        let (pool, keys) = (self.pool.clone(), keys.to_vec());
        within_limit(self.timeout, async move { statements::clear(&pool, &keys).await }).await
    }
}

impl Database {
    /// Returns a [`ThrottleStore`] that keeps its counters in this database. Call [`SqlThrottleStore::migrate`] before
    /// its first use.
    pub fn throttle(&self) -> SqlThrottleStore {
        SqlThrottleStore::from_pool(self.clone())
    }
}

impl<P: Clone + Into<Database>> Sessions<P> {
    /// Returns a [`ThrottleStore`] that keeps its counters in the same database as the sessions. [`Self::migrate`]
    /// creates its table.
    pub fn throttle(&self) -> SqlThrottleStore {
        SqlThrottleStore::from_pool(self.pool().clone())
    }
}

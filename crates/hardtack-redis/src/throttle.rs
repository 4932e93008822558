//! Counters of attempts in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hardtack::BackendError;
use hardtack::throttle::{Budget, BudgetKey, Now, Rate, ThrottleStore, Verdict};
use redis::IntoConnectionInfo;

use crate::connection::{Connection, Retry};
use crate::error::{CommandError, OpenError};
use crate::scripts::{THROTTLE_GIVE_BACK, THROTTLE_TAKE};
use crate::sessions::RedisSessions;

/// A [`ThrottleStore`] in Redis or Valkey. Clones share a connection.
///
/// ```no_run
/// # async fn run(keys: hardtack::KeySet) -> Result<(), Box<dyn std::error::Error>> {
/// use hardtack::throttle::Throttle;
/// use hardtack_redis::RedisSessions;
///
/// let sessions = RedisSessions::open("redis://127.0.0.1/").await?;
/// let throttle = Throttle::builder(&keys).store(sessions.throttle()).build();
/// # Ok(())
/// # }
/// ```
///
/// - The store uses the Redis server's clock.
/// - If Redis does not respond within a second ([`with_timeout`](Self::with_timeout)), the operation fails, and the
///   [`Throttle`](hardtack::throttle::Throttle) counts in memory.
/// - The counters are stored in one hash, `{hardtack}:throttle`. When the store adds a counter, it deletes some of the
///   counters that are no longer needed because the full number of attempts is available again. If there are already
///   [`Self::DEFAULT_CAPACITY`] counters, each new counter replaces one that has counted only a few attempts.
#[derive(Clone)]
pub struct RedisThrottleStore {
    connection: Arc<Connection>,
    prefix: Arc<str>,
    capacity: u32,
    timeout: Duration,
}

impl fmt::Debug for RedisThrottleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisThrottleStore")
            .field("address", &self.connection.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisThrottleStore {
    /// The default maximum number of counters in a store. To change the maximum, call
    /// [`with_capacity`](Self::with_capacity). A million counters take up about 100 MB.
    pub const DEFAULT_CAPACITY: u32 = 1_000_000;

    /// How long an operation waits for Redis, unless [`with_timeout`](Self::with_timeout) sets a different time.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

    /// Connects to a Redis server. Call this function if the application keeps its sessions in a different store. See
    /// [`RedisSessions::open`].
    ///
    /// # Errors
    /// The errors of [`RedisSessions::open`].
    pub async fn open(address: impl IntoConnectionInfo) -> Result<Self, OpenError> {
        Ok(RedisSessions::open(address).await?.throttle())
    }

    /// Like [`Self::open`], but the counters are stored under a key that begins with `name` in braces. See
    /// [`RedisSessions::open_named`].
    ///
    /// # Errors
    /// The errors of [`RedisSessions::open_named`].
    pub async fn open_named(address: impl IntoConnectionInfo, name: &str) -> Result<Self, OpenError> {
        Ok(RedisSessions::open_named(address, name).await?.throttle())
    }

    /// Sets the maximum number of counters.
    #[must_use]
    pub fn with_capacity(self, capacity: u32) -> Self {
        Self { capacity: capacity.max(1), ..self }
    }

    /// Sets how long an operation waits for Redis. After this time, the operation fails, and the
    /// [`Throttle`](hardtack::throttle::Throttle) counts in memory.
    ///
    /// If Redis is sometimes slow, set a longer timeout, because attackers get more attempts while a server counts in
    /// memory. The drawback is that, if Redis hangs, each operation delays its request by the whole timeout. A timeout
    /// longer than two seconds rarely makes a difference, because the connection itself waits at most two seconds for
    /// each response.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

impl RedisSessions {
    /// Returns a store that counts attempts and uses the same connection as the sessions.
    pub fn throttle(&self) -> RedisThrottleStore {
        RedisThrottleStore {
            connection: Arc::clone(&self.connection),
            prefix: Arc::clone(&self.prefix),
            capacity: RedisThrottleStore::DEFAULT_CAPACITY,
            timeout: RedisThrottleStore::DEFAULT_TIMEOUT,
        }
    }
}

impl ThrottleStore for RedisThrottleStore {
    async fn take(&self, budgets: &[Budget], _: Now) -> Result<Verdict, BackendError> {
        if budgets.is_empty() {
            return Ok(Verdict::Taken);
        }
        let mut arguments = vec![self.capacity.to_string().into_bytes()];
        for budget in budgets {
            arguments.push(budget.key().as_bytes().to_vec());
            for rate in [Some(budget.rate()), budget.failures()] {
                arguments.extend([rate.map_or(0, every), rate.map_or(0, fill)].map(|ms| ms.to_string().into_bytes()));
            }
        }
        let this = self.clone();
        let (wait, in_a_row): (u64, u64) =
            within_limit(
                self.timeout,
                async move { THROTTLE_TAKE.run(&this.connection, &this.prefix, arguments).await },
            )
            .await?;
        Ok(match wait {
            0 => Verdict::Taken,
            _ => Verdict::Refused { wait: Duration::from_millis(wait), failures_in_a_row: in_a_row == 1 },
        })
    }

    async fn give_back(&self, budgets: &[Budget], _: Now) -> Result<(), BackendError> {
        let arguments: Vec<Vec<u8>> = budgets
            .iter()
            .flat_map(|budget| [budget.key().as_bytes().to_vec(), every(budget.rate()).to_string().into_bytes()])
            .collect();
        let this = self.clone();
        within_limit(
            self.timeout,
            async move { THROTTLE_GIVE_BACK.run(&this.connection, &this.prefix, arguments).await },
        )
        .await
    }

    async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut delete = redis::cmd("HDEL");
        delete.arg(format!("{}:throttle", self.prefix));
        for key in keys {
            delete.arg(key.as_bytes());
        }
        let this = self.clone();
        within_limit(self.timeout, async move { this.connection.query(&delete, Retry::Safe).await }).await
    }
}

fn every(rate: Rate) -> u128 {
    rate.every().as_millis()
}

fn fill(rate: Rate) -> u128 {
    rate.time_to_fill().as_millis()
}

/// Runs a command in its own task and waits at most `limit` for the result. If there is no result in time, this
/// function returns an error, but the task continues. If the server still does not respond, the task drops the shared
/// connection, and the next command opens a new one.
async fn within_limit<T: Send + 'static>(
    limit: Duration,
    command: impl Future<Output = Result<T, CommandError>> + Send + 'static,
) -> Result<T, BackendError> {
    match tokio::time::timeout(limit, tokio::spawn(command)).await {
        Ok(Ok(result)) => result.map_err(BackendError::new),
        Ok(Err(panicked)) => Err(BackendError::new(panicked)),
        Err(_) => Err(BackendError::new(CommandError::TimedOut(limit))),
    }
}

//! The connection to Redis that all callers share. If the connection breaks, the next caller reconnects.
//!
//! The `redis` crate's own `ConnectionManager` is not used: it keeps a connection even if the server no longer responds
//! or has become a replica.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::CommandError;

/// The time limit for connecting to Redis.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The time limit for a response from Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time limit for a command, including any wait while another caller connects.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long after a response a connection is assumed to work. After that, the connection is pinged before it is used
/// for a command that must not be sent twice.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Whether a command can be sent again after its connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Executing the command twice has the same effect as executing it once.
    Safe,
    /// The command must not be executed twice, and Redis might have executed it already.
    Unsafe,
}

pub(crate) struct Connection {
    client: Client,
    config: AsyncConnectionConfig,
    state: Mutex<State>,
    created: Instant,
    /// When Redis last responded, in milliseconds after `created`.
    responded: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// The number of the current connection, which distinguishes a broken connection from the one that replaced it.
    number: u64,
    /// The start time and the error of the last failed attempt to connect.
    failure: Option<(Instant, RedisError)>,
}

impl Connection {
    /// Creates a `Connection`, which connects to Redis when the first command is sent.
    pub(crate) fn new(client: Client) -> Self {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        Self { client, config, state: Mutex::default(), created: Instant::now(), responded: AtomicU64::new(0) }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the server's address, without the password.
    pub(crate) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Sends a command and returns its result. Fails after [`DEADLINE`].
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd, retry: Retry) -> Result<T, CommandError> {
        match timeout(DEADLINE, self.query_without_deadline(command, retry)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(CommandError::TimedOut(DEADLINE)),
        }
    }

    async fn query_without_deadline<T: FromRedisValue>(&self, command: &Cmd, retry: Retry) -> RedisResult<T> {
        // An idle connection might be broken, so ping before a command that must not be sent twice.
        let trusted_until = self.responded.load(Ordering::Relaxed) + TRUSTED_FOR.as_millis() as u64;
        if retry == Retry::Unsafe && self.age() > trusted_until {
            match self.query_once::<()>(&redis::cmd("PING")).await {
                Err(error) if !error.is_connection_dropped() => return Err(error),
                // If the connection turned out to be broken, `query_once` has already removed it, and the command below
                // reconnects.
                _ => {}
            }
        }
        match self.query_once(command).await {
            Err(error) if retry == Retry::Safe && error.is_connection_dropped() => self.query_once(command).await,
            result => result,
        }
    }

    async fn query_once<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (number, mut connection) = self.connect().await?;
        let result = command.query_async(&mut connection).await;
        if result.is_ok() {
            self.responded.store(self.age(), Ordering::Relaxed);
        }
        if result.as_ref().is_err_and(is_broken) {
            let mut state = self.state.lock().await;
            if state.number == number {
                state.connection = None;
            }
        }
        result
    }

    /// Returns the number of milliseconds since this `Connection` was created.
    fn age(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the connection and its number. Connects first if there is no connection.
    async fn connect(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((state.number, connection.clone()));
        }
        // While one caller connects, the others wait. If the attempt fails, they all return the same error instead of
        // trying to connect one after the other.
        if let Some((began, error)) = &state.failure
            && *began >= arrived
        {
            return Err(error.clone());
        }
        let began = Instant::now();
        match self.client.get_multiplexed_async_connection_with_config(&self.config).await {
            Ok(connection) => {
                state.number += 1;
                state.connection = Some(connection.clone());
                Ok((state.number, connection))
            }
            Err(error) => {
                state.failure = Some((began, error.clone()));
                Err(error)
            }
        }
    }
}

/// Returns whether the connection must be replaced after this error, because the connection is broken, or because the
/// server does not respond or has become a replica.
fn is_broken(error: &RedisError) -> bool {
    let is_replica =
        [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown].map(ErrorKind::Server).contains(&error.kind());
    error.is_io_error() || error.is_unrecoverable_error() || is_replica
}

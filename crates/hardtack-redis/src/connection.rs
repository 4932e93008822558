//! The connection to Redis: shared by all callers, made anew when it breaks.
//!
//! Not the `redis` crate's own `ConnectionManager`: that one goes on with a connection that does not answer
//! any more, and with a primary that has become a replica.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::AskError;

/// How long a connection may take to be made.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// How long all of it may take, waiting for another caller's attempt to connect included.
const DEADLINE: Duration = Duration::from_secs(5);

/// For how long a connection that has answered is taken to be whole.
const FRESH: Duration = Duration::from_secs(1);

/// Whether a command may be sent once more after its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It changes nothing, or nothing more.
    Yes,
    /// It may have been done already.
    No,
}

pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    state: Mutex<State>,
    born: Instant,
    /// When Redis last answered, in milliseconds after `born`.
    answered: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// How many connections there were: tells a broken one from its successor.
    number: u64,
    /// The last attempt that failed, and when it began.
    failure: Option<(Instant, RedisError)>,
}

impl Link {
    /// Connects when it is first used.
    pub(crate) fn new(client: Client) -> Self {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
        Self { client, config, state: Mutex::default(), born: Instant::now(), answered: AtomicU64::new(0) }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Where it connects to; without the password.
    pub(crate) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd, again: Again) -> Result<T, AskError> {
        match timeout(DEADLINE, self.ask_patiently(command, again)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(AskError::Late(DEADLINE)),
        }
    }

    async fn ask_patiently<T: FromRedisValue>(&self, command: &Cmd, again: Again) -> RedisResult<T> {
        // A connection may have broken while nobody looked. Whoever may not ask twice asks that first.
        if again == Again::No && self.age() > self.answered.load(Ordering::Relaxed) + FRESH.as_millis() as u64 {
            match self.ask_once::<()>(&redis::cmd("PING")).await {
                Err(error) if !error.is_connection_dropped() => return Err(error),
                // If it was broken, it is gone now, and the command itself connects anew.
                _ => {}
            }
        }
        match self.ask_once(command).await {
            Err(error) if again == Again::Yes && error.is_connection_dropped() => self.ask_once(command).await,
            answer => answer,
        }
    }

    async fn ask_once<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (number, mut connection) = self.connection().await?;
        let answer = command.query_async(&mut connection).await;
        if answer.is_ok() {
            self.answered.store(self.age(), Ordering::Relaxed);
        }
        if answer.as_ref().is_err_and(is_broken) {
            let mut state = self.state.lock().await;
            if state.number == number {
                state.connection = None;
            }
        }
        answer
    }

    /// How old this link is, in milliseconds.
    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((state.number, connection.clone()));
        }
        // Those that waited for an attempt share its failure, or each would wait for one of its own.
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

/// Whether another connection could do better: this one is broken, silent, or leads to a replica.
fn is_broken(error: &RedisError) -> bool {
    let replica =
        [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown].map(ErrorKind::Server).contains(&error.kind());
    error.is_io_error() || error.is_unrecoverable_error() || replica
}

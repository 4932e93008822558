//! Waiting for a stream to grow.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hardtack::BackendError;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamRangeReply, StreamReadReply};
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::link::CONNECT;

/// How long Redis is asked to wait before it answers that there is nothing new. A connection that is
/// silent for longer is dead.
const BLOCK: Duration = Duration::from_secs(5);

/// How long after a failure the next connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows a stream on a connection of its own, in a task that begins with the first [`Self::grown`] and
/// ends with the last clone.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    /// What this clone has heard: each owner of a store is told by itself.
    heard: Mutex<watch::Receiver<()>>,
}

struct Shared {
    client: Client,
    stream: String,
    news: Arc<watch::Sender<()>>,
    task: OnceLock<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Clone for Follower {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), heard: Mutex::new(self.shared.news.subscribe()) }
    }
}

impl Follower {
    pub(crate) fn new(client: Client, stream: String) -> Self {
        let (news, heard) = watch::channel(());
        let shared = Shared { client, stream, news: Arc::new(news), task: OnceLock::new() };
        Self { shared: Arc::new(shared), heard: Mutex::new(heard) }
    }

    /// Answers when the stream may have grown since the last answer: an entry was added, or the connection
    /// was made (anew). Dropped before it answers, it misses nothing.
    pub(crate) async fn grown(&self) -> Result<(), BackendError> {
        let shared = &self.shared;
        shared.task.get_or_init(|| {
            tokio::spawn(follow(shared.client.clone(), shared.stream.clone(), Arc::clone(&shared.news)))
        });
        self.heard.lock().await.changed().await.map_err(BackendError::new)
    }
}

async fn follow(client: Client, stream: String, news: Arc<watch::Sender<()>>) {
    let mut silent = false;
    loop {
        let Err(error) = listen(&client, &stream, &news, &mut silent).await;
        if !silent {
            tracing::warn!(%error, "no word of revocations from Redis until it is back; the log is polled");
            silent = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(client: &Client, stream: &str, news: &watch::Sender<()>, silent: &mut bool) -> RedisResult<Infallible> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(BLOCK + CONNECT));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    // The end first, then the answer, then what comes behind that end: nothing falls in between.
    let mut end = end(&mut connection, stream).await?;
    if std::mem::take(silent) {
        tracing::info!("Redis tells of revocations again");
    }
    news.send_replace(());
    loop {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(1000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        let grown: Option<StreamReadReply> =
            read.arg("STREAMS").arg(stream).arg(&end).query_async(&mut connection).await?;
        let last = grown.and_then(|mut reply| reply.keys.pop()?.ids.pop());
        if let Some(last) = last {
            end = last.id;
            news.send_replace(());
        }
    }
}

/// The id of a stream's last entry.
async fn end(connection: &mut MultiplexedConnection, stream: &str) -> RedisResult<String> {
    let mut read = redis::cmd("XREVRANGE");
    let last: StreamRangeReply = read.arg(stream).arg("+").arg("-").arg("COUNT").arg(1).query_async(connection).await?;
    Ok(last.ids.into_iter().next().map_or_else(|| "0-0".to_owned(), |entry| entry.id))
}

//! Waits for new entries in a stream.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hardtack::BackendError;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamRangeReply, StreamReadReply};
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::connection::CONNECT_TIMEOUT;

/// How long `XREAD` waits for a new entry before it returns an empty response. If the response is more than
/// [`CONNECT_TIMEOUT`] late, the connection is considered broken.
const BLOCK: Duration = Duration::from_secs(5);

/// How long to wait after a failure before connecting again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Listens to a stream on its own connection, in a background task. The task starts on the first call to [`Self::wait`]
/// and ends when the last clone is dropped.
pub(crate) struct StreamListener {
    shared: Arc<Shared>,
    /// Receives notifications from the background task. Each clone has its own receiver, so each clone is notified.
    receiver: Mutex<watch::Receiver<()>>,
}

struct Shared {
    client: Client,
    stream: String,
    sender: Arc<watch::Sender<()>>,
    task: OnceLock<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Clone for StreamListener {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), receiver: Mutex::new(self.shared.sender.subscribe()) }
    }
}

impl StreamListener {
    pub(crate) fn new(client: Client, stream: String) -> Self {
        let (sender, receiver) = watch::channel(());
        let shared = Shared { client, stream, sender: Arc::new(sender), task: OnceLock::new() };
        Self { shared: Arc::new(shared), receiver: Mutex::new(receiver) }
    }

    /// Waits for a new entry in the stream. Returns at once if an entry has been added since the previous call
    /// returned. Also returns after each reconnection, because entries might have been added in the meantime.
    ///
    /// Cancel safe: if the future is dropped before it completes, the next call reports the same entries.
    pub(crate) async fn wait(&self) -> Result<(), BackendError> {
        let shared = &self.shared;
        shared.task.get_or_init(|| {
            tokio::spawn(listen_forever(shared.client.clone(), shared.stream.clone(), Arc::clone(&shared.sender)))
        });
        self.receiver.lock().await.changed().await.map_err(BackendError::new)
    }
}

async fn listen_forever(client: Client, stream: String, sender: Arc<watch::Sender<()>>) {
    let mut warned = false;
    loop {
        let Err(error) = listen(&client, &stream, &sender, &mut warned).await;
        if !warned {
            tracing::warn!(
                event = "news_failed",
                %error,
                "Redis cannot notify this process of revocations; this process polls the revocation log until Redis is \
                 back"
            );
            warned = true;
        }
        tokio::time::sleep(RECONNECT_DELAY).await;
    }
}

async fn listen(
    client: &Client,
    stream: &str,
    sender: &watch::Sender<()>,
    warned: &mut bool,
) -> RedisResult<Infallible> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(BLOCK + CONNECT_TIMEOUT));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    // Read the last id before notifying the caller, which then reads the log. If an entry is added between these two
    // reads, the caller sees it, and `XREAD` reports it as well.
    let mut last = last_id(&mut connection, stream).await?;
    if std::mem::take(warned) {
        tracing::info!(event = "news_recovered", "Redis is notifying this process of revocations again");
    }
    sender.send_replace(());
    loop {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(1000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        let grown: Option<StreamReadReply> =
            read.arg("STREAMS").arg(stream).arg(&last).query_async(&mut connection).await?;
        let entry = grown.and_then(|mut reply| reply.keys.pop()?.ids.pop());
        if let Some(entry) = entry {
            last = entry.id;
            sender.send_replace(());
        }
    }
}

/// Returns the id of a stream's last entry, or `0-0` if the stream is empty.
async fn last_id(connection: &mut MultiplexedConnection, stream: &str) -> RedisResult<String> {
    let mut read = redis::cmd("XREVRANGE");
    let last: StreamRangeReply = read.arg(stream).arg("+").arg("-").arg("COUNT").arg(1).query_async(connection).await?;
    Ok(last.ids.into_iter().next().map_or_else(|| "0-0".to_owned(), |entry| entry.id))
}

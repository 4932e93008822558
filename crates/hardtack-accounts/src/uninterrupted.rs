//! Work that must finish even if the client closes the connection.
//!
//! If the client closes the connection, the server drops the handler's future at its current `await`. For this reason,
//! a handler that changes something in several steps runs these steps in a separate task.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hardtack::BackendError;
use tokio::sync::watch;
use tracing::Instrument;

/// The longest time that [`Uninterrupted::finish`] waits.
const FINISH_TIMEOUT: Duration = Duration::from_secs(8);

/// Runs work in tasks and counts them. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Uninterrupted(Arc<watch::Sender<usize>>);

/// Counts one task until it ends, even if it panics.
struct Counted(Arc<watch::Sender<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl Default for Uninterrupted {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Uninterrupted {
    /// Runs work to completion, even if the returned future is dropped. The future returns the result of the work.
    ///
    /// # Errors
    /// The work panicked, or the runtime is shutting down.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.0.send_modify(|running| *running += 1);
        let counted = Counted(Arc::clone(&self.0));
        let work = async move {
            let _counted = counted;
            work.await
        };
        tokio::spawn(work.in_current_span()).await.map_err(BackendError::new)
    }

    /// Waits up to eight seconds for all started work to finish. Returns `false` if some of the work is still running
    /// after that.
    pub(crate) async fn finish(&self) -> bool {
        let mut running = self.0.subscribe();
        let done = running.wait_for(|running| *running == 0);
        let is_done = tokio::time::timeout(FINISH_TIMEOUT, done).await.is_ok();
        if !is_done {
            tracing::warn!(event = "work_cut_off", tasks = *self.0.borrow(), "some changes did not finish within 8 s");
        }
        is_done
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_after_its_future_is_dropped_and_is_awaited() {
        let work = Uninterrupted::default();
        let (go, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let task = {
            let (go, done) = (Arc::clone(&go), Arc::clone(&done));
            async move {
                go.notified().await;
                done.store(true, Ordering::SeqCst);
            }
        };
        {
            let mut run = std::pin::pin!(work.run(task));
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(run.as_mut().poll(cx).is_pending())).await;
            assert!(polled);
        }
        go.notify_one();
        assert!(work.finish().await);
        assert!(done.load(Ordering::SeqCst));
        assert!(work.run(async { panic!("as a test") }).await.map(|(): ()| ()).is_err());
        assert!(work.finish().await);
        assert_eq!(work.run(async { 7 }).await.ok(), Some(7));
    }
}

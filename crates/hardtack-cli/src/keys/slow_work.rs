//! Work that might never finish, such as reading from a network share that no longer responds.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Runs blocking work on a thread outside the async runtime. On shutdown, the runtime waits for its own blocked
/// threads, but not for this thread.
pub(super) struct SlowWork<T>(Option<oneshot::Receiver<T>>);

impl<T> Default for SlowWork<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> SlowWork<T> {
    /// Starts the work and waits for its result. If an earlier call's work is still running, waits for the earlier
    /// result instead. Returns `None` if there is no result within `at_most`. In that case, the next call waits for the
    /// same work.
    pub(super) async fn run(
        &mut self,
        at_most: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Option<T>> {
        let mut running = match self.0.take() {
            Some(running) => running,
            None => start(work)?,
        };
        match timeout(at_most, &mut running).await {
            Ok(Ok(result)) => Ok(Some(result)),
            Ok(Err(_)) => Err(io::Error::other("the thread has panicked")),
            Err(_) => {
                self.0 = Some(running);
                Ok(None)
            }
        }
    }
}

fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    // Sending fails if the receiver has been dropped. In that case, the result is no longer needed.
    thread::Builder::new().name("keys".to_owned()).spawn(move || drop(sender.send(work())))?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_is_blocked_is_waited_for_and_never_started_twice() {
        let (unblock, blocked) = mpsc::channel();
        let mut work = SlowWork::default();
        let short = Duration::from_millis(10);
        assert_eq!(work.run(short, move || blocked.recv().unwrap()).await.unwrap(), None);
        assert_eq!(work.run(short, || panic!("started twice")).await.unwrap(), None);
        unblock.send(7).unwrap();
        let long = Duration::from_secs(10);
        assert_eq!(work.run(long, || 8).await.unwrap(), Some(7));
        assert_eq!(work.run(long, || 9).await.unwrap(), Some(9));
    }
}

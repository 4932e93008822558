//! Reads the store's revocation log into this process's cache, to learn what other processes have revoked.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::error::{BackendError, WithCauses};
use crate::revocation::{LogReader, LogStep, Notes, SessionStatus};
use crate::session::{Revocation, RevocationKind, SessionId};

/// How many entries a page of the log has.
const LOG_PAGE: u32 = 1000;

/// How many times the log is read from its beginning because entries are missing, before reading it fails.
const READINGS: usize = 3;

/// How long to wait for one page. A connection to a server that has vanished may never return an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the clock of the process that ended a session may be behind the clock of the process that issued its
/// token. Entries are kept this much longer.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

impl Authenticator {
    /// Reads which sessions other processes have ended or whose claims they have changed. Call it once before
    /// serving. Returns the number of entries.
    ///
    /// A process that keeps serving must keep reading: see [`Self::follow_revocations`].
    ///
    /// # Errors
    /// The store failed. No entry is skipped: the next call continues where this one stopped.
    pub async fn sync_revocations(&self) -> Result<usize, BackendError> {
        if let Err(error) = self.work_off_due().await {
            tracing::error!(event = "ending_failed", error = %WithCauses(&error));
        }
        self.read_log(std::future::pending::<()>).await
    }

    /// Follows the store's revocation log for as long as the future is polled. Spawn it once in every process that
    /// shares the store.
    ///
    /// It reads the log when the store notifies it ([`SessionStore::revoked_elsewhere`]), and in any case once per
    /// second ([`SessionPolicy::poll_interval`]). If it has missed entries, or the store has lost some, it reads the
    /// log from its beginning. Failures are logged once (`sync_failed`, `sync_recovered`) and retried; after
    /// repeated failures, it waits four times as long between attempts.
    ///
    /// The core has no timer, so pass the runtime's:
    ///
    /// ```
    /// # use hardtack::Authenticator;
    /// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    /// # async fn sleep(_: std::time::Duration) {}
    /// # fn serve(auth: &Authenticator) {
    /// // tokio::spawn(auth.clone().follow_revocations(tokio::time::sleep));
    /// spawn(auth.clone().follow_revocations(sleep));
    /// # }
    /// ```
    ///
    /// Without a store there is nothing to follow, and the future ends at once.
    ///
    /// [`SessionStore::revoked_elsewhere`]: crate::session::SessionStore::revoked_elsewhere
    /// [`SessionPolicy::poll_interval`]: crate::session::SessionPolicy::poll_interval
    pub async fn follow_revocations<S>(self, sleep: impl Fn(Duration) -> S + Send + Sync)
    where
        S: Future<Output = ()> + Send,
    {
        let Some(store) = self.store() else { return };
        let mut news = store.revoked_elsewhere();
        let (mut failures, mut deaf, mut pending_failed) = (0_u32, false, false);
        loop {
            self.follow_pending(&mut pending_failed, || sleep(PATIENCE)).await;
            match self.read_log(|| sleep(PATIENCE)).await {
                Ok(_) => {
                    if failures > 0 {
                        tracing::info!(event = "sync_recovered");
                    }
                    failures = 0;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(event = "sync_failed", error = %WithCauses(&error));
                    }
                    failures = failures.saturating_add(1);
                }
            }
            let pause = self.settings().sessions.poll_interval * (1 << failures.min(2));
            // Keep the store's future while the timer runs, so that no notification is lost in between.
            match sooner(&mut news, sleep(pause)).await {
                None => {}
                Some(Ok(())) => {
                    deaf = false;
                    news = store.revoked_elsewhere();
                }
                Some(Err(error)) => {
                    // Polling continues. Subscribing again at once would only fail again.
                    if !deaf {
                        tracing::warn!(event = "news_failed", error = %WithCauses(&error));
                    }
                    deaf = true;
                    sleep(pause).await;
                    news = store.revoked_elsewhere();
                }
            }
        }
    }

    /// Reads the log to its head. Each page must arrive before `patience` ends.
    pub(super) async fn read_log<S: Future<Output = ()>>(
        &self,
        patience: impl Fn() -> S,
    ) -> Result<usize, BackendError> {
        let Some(store) = self.store() else { return Ok(0) };
        let log = &self.0.log;
        let mut reader = LogReader::after(log.read());
        let (mut read, mut readings) = (0, 1);
        loop {
            let asked_at = self.now();
            let mut page = store.revocations(reader.position(), LOG_PAGE);
            let page = match sooner(&mut page, patience()).await {
                Some(page) => page?,
                None => {
                    return Err(BackendError::new(
                        "the session store did not return a page of the revocation log in time",
                    ));
                }
            };
            let step = reader.take_page(&page, LOG_PAGE);
            page.entries.iter().for_each(|entry| self.learn_entry(entry, asked_at));
            read += page.entries.len();
            match step {
                LogStep::Restart => {
                    log.lost();
                    tracing::warn!(event = "log_read_again", head = page.head);
                    readings += 1;
                    if readings > READINGS {
                        return Err(BackendError::new(
                            "entries are missing from the revocation log, even after reading it from its beginning",
                        ));
                    }
                }
                LogStep::Continue if reader.may_stop() => log.reached(reader.position()),
                LogStep::Continue => {}
                LogStep::Done => {
                    log.reached(reader.position());
                    log.synced(asked_at);
                    if self.0.held.any() {
                        log.incomplete();
                    }
                    return Ok(read);
                }
            }
        }
    }

    fn learn_entry(&self, entry: &Revocation, now: Timestamp) {
        let until = entry.at + self.token_memory() + CLOCK_SKEW;
        if until > now {
            self.learn(entry.session, entry.kind, until, now);
        }
    }

    /// Returns the status of a session: from the cache, or from the store if the cache may be stale or uncertain.
    pub(crate) async fn session_status(&self, id: SessionId) -> Result<SessionStatus, BackendError> {
        let current = self.knows_all_revocations(self.now());
        let known = self.0.revocation_cache.status(id);
        match (self.store(), known) {
            (Some(store), SessionStatus::Live(notes)) if notes.uncertain || !current => {
                let row = store.find(id).await?;
                if let Some(row) = row.as_ref().filter(|row| row.revoked_at.is_none()) {
                    let outdated = notes.outdated.max(row.outdated_generation);
                    return Ok(SessionStatus::Live(Notes { outdated, ..notes }));
                }
                let (now, replaced) = (self.now(), row.is_some_and(|row| row.replaced));
                let what = if replaced { RevocationKind::Replaced } else { RevocationKind::Ended };
                self.learn(id, what, now + self.token_memory(), now);
                Ok(self.0.revocation_cache.status(id))
            }
            _ => Ok(known),
        }
    }
}

/// Waits for a future until a timer ends. The future can be polled again afterwards.
pub(super) async fn sooner<T>(
    answer: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>,
    timer: impl Future<Output = ()>,
) -> Option<T> {
    let mut timer = pin!(timer);
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}

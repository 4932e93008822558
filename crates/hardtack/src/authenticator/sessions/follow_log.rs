//! Reads the store's revocation log into this process's cache, to learn what other processes have revoked.

use std::time::Duration;

use super::finish_ending::log_failed;
use super::sooner::sooner;
use crate::authenticator::Authenticator;
use crate::authenticator::background::Job;
use crate::authenticator::background_work::WeakAuthenticator;
use crate::developer_notice;
use crate::error::{BackendError, WithCauses};
use crate::jwt::TokenKind;
use crate::revocation::{LogReader, LogStep, Notes, SessionStatus};
use crate::session::{RevocationKind, SessionId};

/// The maximum number of entries in a page of the log.
const LOG_PAGE: u32 = 1000;

/// How many times one call tries to read the log. If entries are missing, the call starts over from the beginning of
/// the log. If entries are still missing in the last attempt, the call fails.
const READINGS: usize = 3;

/// How long to wait for a page of the log, or for pending revocations to be carried out. A limit is needed because a
/// connection to a server that has vanished might never return an error.
const PATIENCE: Duration = Duration::from_secs(10);

impl Authenticator {
    /// Reads the store's revocation log, which lists the sessions that have ended or whose claims have changed. Also
    /// carries out the [pending revocations](crate::AuthenticatorBuilder::pending_revocations) that are due, and ends
    /// new sessions whose cookies could not be returned. Returns the number of log entries read.
    ///
    /// A process with an adapter does not need to call this method, because the adapter follows the log. Until the
    /// adapter has read the log, each request is checked against the store.
    ///
    /// # Errors
    /// Returns an error if the store fails, or if entries are missing from its log. Missing entries are not skipped:
    /// the next call tries to read them again.
    pub async fn sync_revocations(&self) -> Result<usize, BackendError> {
        if let Err(error) = self.work_off_due().await {
            log_failed(None, &error);
        }
        let read = self.read_log(std::future::pending::<()>).await?;
        self.end_undelivered(std::future::pending::<()>).await;
        Ok(read)
    }

    /// Follows the store's revocation log for as long as the returned future is polled. An adapter already follows the
    /// log, starting with the first request. Call this method only in a process without an adapter, or to start
    /// following the log even before the first request. If another future is already following this authenticator's
    /// log, the new future waits until the earlier one ends.
    ///
    /// The future reads the log when the store notifies it ([`SessionStore::revoked_elsewhere`]), and at least once per
    /// [`SessionPolicy::poll_interval`] (one second by default). If the future has missed entries or the store has lost
    /// some, it reads the log from the beginning. If the store fails, the future tries again after two poll intervals,
    /// and then every four poll intervals. If several attempts in a row fail, the future logs only the first failure
    /// (`sync_failed`), and later the recovery (`sync_recovered`).
    ///
    /// This crate has no timer, so pass your runtime's timer as `sleep`:
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
    /// Without a store, there is nothing to follow, so the future completes at once.
    ///
    /// [`SessionStore::revoked_elsewhere`]: crate::session::SessionStore::revoked_elsewhere
    /// [`SessionPolicy::poll_interval`]: crate::session::SessionPolicy::poll_interval
    pub async fn follow_revocations<S>(self, sleep: impl Fn(Duration) -> S + Send + Sync)
    where
        S: Future<Output = ()> + Send,
    {
        if !self.has_store() {
            return;
        }
        let claim = loop {
            match self.claim(Job::Follow) {
                Some(claim) => break claim,
                None => sleep(self.settings().sessions.poll_interval).await,
            }
        };
        self.downgrade().follow_log(&sleep).await;
        drop(claim);
    }
}

impl WeakAuthenticator {
    /// Follows the log until the authenticator is dropped.
    pub(in crate::authenticator) async fn follow_log<F, S>(&self, sleep: &F)
    where
        F: Fn(Duration) -> S + Send + Sync,
        S: Future<Output = ()> + Send,
    {
        let Some(store) = self.upgrade().and_then(|authenticator| authenticator.0.store.clone()) else { return };
        let mut news = store.revoked_elsewhere();
        let (mut failures, mut deaf, mut pending_failed) = (0_u32, false, false);
        let Some(mut read_at) = self.upgrade().map(|authenticator| authenticator.0.clock.monotonic()) else { return };
        // Hold a strong reference to the authenticator only while the log is read, so that it can be dropped between
        // two reads.
        while let Some(authenticator) = self.upgrade() {
            authenticator.log_not_logged_at(Duration::ZERO);
            authenticator.follow_pending(&mut pending_failed, || sleep(PATIENCE)).await;
            // A long time may have passed since the log was last read.
            authenticator.limit_staleness(read_at);
            let began_at = authenticator.0.clock.monotonic();
            match authenticator.read_log(|| sleep(PATIENCE)).await {
                Ok(_) => {
                    if failures > 0 {
                        tracing::info!(event = "sync_recovered");
                    }
                    failures = 0;
                    read_at = began_at;
                    authenticator.end_undelivered(|| sleep(PATIENCE)).await;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(
                            event = "sync_failed",
                            error = %WithCauses(&error),
                            "the revocation log cannot be read; check that the session store is running and can be \
                             reached"
                        );
                        developer_notice::print("store_unavailable", &WithCauses(&error));
                    }
                    failures = failures.saturating_add(1);
                    authenticator.limit_staleness(read_at);
                    if !authenticator.knows_all_revocations(authenticator.now()) {
                        authenticator.0.watchers.wake_all();
                    }
                }
            }
            let pause = authenticator.settings().sessions.poll_interval.saturating_mul(1 << failures.min(2));
            drop(authenticator);
            // If the timer ends first, keep the store's future for the next round, so that no notification is lost.
            match sooner(&mut news, sleep(pause)).await {
                None => {}
                Some(Ok(())) => {
                    if std::mem::take(&mut deaf) {
                        tracing::info!(event = "news_recovered");
                    }
                    news = store.revoked_elsewhere();
                }
                Some(Err(error)) => {
                    // The loop keeps polling the log. A new subscription would also fail at once, so wait before
                    // subscribing again.
                    if !deaf {
                        tracing::warn!(
                            event = "news_failed",
                            error = %WithCauses(&error),
                            "the session store sends no notifications, so this process learns only by polling which \
                             sessions have ended; check that the store is running and can be reached"
                        );
                    }
                    deaf = true;
                    sleep(pause).await;
                    news = store.revoked_elsewhere();
                }
            }
        }
    }
}

impl Authenticator {
    /// Marks the cache as stale if the log was last read too long ago (`SessionPolicy::max_staleness`). `read_at` is
    /// the time of the last read, measured on the monotonic clock.
    fn limit_staleness(&self, read_at: Duration) {
        let age = self.0.clock.monotonic().saturating_sub(read_at);
        if self.settings().sessions.max_staleness.is_some_and(|bound| age >= bound) {
            self.0.log.incomplete();
        }
    }

    /// Reads the revocation log into the cache, starting at the position that this process has reached. If the clock
    /// was set back, the cache might have dropped entries that are needed again. In that case, this method reads the
    /// log from its beginning. Before each page, it calls `patience`, which returns a timer. If the timer ends before
    /// the page arrives, the method fails.
    pub(super) async fn read_log<S: Future<Output = ()>>(
        &self,
        patience: impl Fn() -> S,
    ) -> Result<usize, BackendError> {
        let Some(store) = self.store() else { return Ok(0) };
        let (log, cache) = (&self.0.log, &self.0.revocation_cache);
        let forgotten = cache.forgotten_until(self.now());
        if forgotten.is_some() {
            log.lost();
            tracing::warn!(event = "clock_set_back", "the clock was set back, so the revocation log is read again");
        }
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
            let position = reader.position();
            let step = reader.take_page(&page, LOG_PAGE);
            let now = self.moment();
            // Add even entries that seem too old to matter, because this server's clock might be ahead.
            page.entries.iter().for_each(|entry| self.learn(entry.session, entry.kind, entry.at, now));
            read += page.entries.len();
            match step {
                LogStep::Restart | LogStep::WentBack => {
                    log.lost();
                    // A store that has gone back to an older state can also show a gap instead of a lower number.
                    self.store_lost_sessions();
                    if step == LogStep::WentBack {
                        tracing::error!(
                            event = "log_went_back",
                            position,
                            head = page.head,
                            "the session store has lost the newest entries of its revocation log, probably because an \
                             older copy of the store was restored; sessions that ended after the copy was made may be \
                             live again; to log everyone out, replace the signing key (with hardtack serve: set a new \
                             JWT_SECRET_KEY; if JWT_SECRET_KEY is not set, run hardtack keys rotate --discard-old)"
                        );
                    } else {
                        tracing::warn!(event = "log_read_again", head = page.head);
                    }
                    readings += 1;
                    if readings > READINGS {
                        return Err(BackendError::new(
                            "entries are missing from the revocation log, even after it was read again from its \
                             beginning",
                        ));
                    }
                }
                LogStep::Continue if reader.may_stop() => log.reached(reader.position()),
                LogStep::Continue => {}
                LogStep::Done => {
                    log.reached(reader.position());
                    let covers_all_tokens = self.covers_all_tokens(&page, now);
                    if covers_all_tokens && !self.0.held.any() {
                        log.synced(asked_at);
                    }
                    if let Some(until) = forgotten {
                        cache.remembers(until);
                    }
                    // Check again, because subjects may have been held while the log was read.
                    if !covers_all_tokens || self.0.held.any() {
                        log.incomplete();
                    }
                    if readings > 1 {
                        // The store might have lost sessions whose streams are still open.
                        self.0.watchers.wake_all();
                    }
                    return Ok(read);
                }
            }
        }
    }

    /// Returns the status of a token's session. Takes the status from the cache, unless the cache might be stale or it
    /// is not known whether a write to this session succeeded. In these cases, looks up the session in the store.
    ///
    /// The cache forgets an ended session once its access tokens have expired, but a refresh token can live longer.
    /// Therefore, if a refresh token belongs to a session that the cache does not list as ended, this method looks up
    /// the session in the store.
    pub(crate) async fn session_status(&self, id: SessionId, kind: TokenKind) -> Result<SessionStatus, BackendError> {
        let current = kind == TokenKind::Access && self.knows_all_revocations(self.now());
        let known = self.0.revocation_cache.status(id);
        match (self.store(), known) {
            (Some(store), SessionStatus::Live(notes)) if notes.uncertain || !current => {
                let row = store.find(id).await?;
                if let Some(row) = row.as_ref().filter(|row| row.revoked_at.is_none()) {
                    let outdated = notes.outdated.max(row.outdated_generation);
                    return Ok(SessionStatus::Live(Notes { outdated, ..notes }));
                }
                let (now, replaced) = (self.moment(), row.as_ref().is_some_and(|row| row.replaced));
                let what = if replaced { RevocationKind::Replaced } else { RevocationKind::Ended };
                self.learn(id, what, row.map_or(now.date, |row| row.rotated_at), now);
                Ok(self.0.revocation_cache.status(id))
            }
            _ => Ok(known),
        }
    }
}

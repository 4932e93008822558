//! Ends new sessions whose cookies have not reached a browser.
//!
//! A log-in or a password change stores a session before it returns the session's cookies. If it then fails, or if the
//! client disconnects, no browser can use the session. The same applies if the store's reply was lost, and the process
//! cannot find out whether the session is stored. Such a session would stay in the user's list of sessions until it
//! expires. The job that follows the revocation log therefore looks for these sessions and ends them.

use std::pin::Pin;

use super::sooner::sooner;
use super::undelivered_list::Unused;
use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::error::{BackendError, WithCauses};
use crate::event::{Client, EventKind};
use crate::session::{RevokeTarget, SessionId};

/// How many sessions are looked up between two readings of the revocation log.
const BATCH: usize = 50;

/// A new session whose cookies have not been delivered yet. If this value is dropped before [`Self::delivered`] is
/// called, the session ends in the background.
#[must_use = "call `delivered` when the session's cookies are returned; if this value is dropped, the session ends"]
pub(crate) struct Undelivered<'a> {
    authenticator: &'a Authenticator,
    session: Option<Unused>,
}

impl Authenticator {
    /// Call this method before storing a new session. Without a store, there is no session to end.
    pub(super) fn undelivered(&self, subject: &str, id: SessionId) -> Undelivered<'_> {
        let session = self.has_store().then(|| Unused {
            subject: subject.to_owned(),
            id,
            is_reported: false,
            lookups: 0,
            next_at: self.monotonic(),
        });
        Undelivered { authenticator: self, session }
    }

    /// Ends a session that has begun, but whose cookies cannot reach a browser, because the client has disconnected. If
    /// the store fails, the session ends in the background.
    pub(crate) async fn end_undeliverable(&self, subject: &str, id: SessionId) {
        let mut undelivered = self.undelivered(subject, id);
        undelivered.session.iter_mut().for_each(|session| session.is_reported = true);
        match self.revoke_session(subject, id).await {
            Ok(_) => undelivered.delivered(),
            Err(error) => tracing::debug!(event = "unused_session_kept", subject, error = %WithCauses(&error)),
        }
    }

    /// Looks up the sessions whose cookies have not reached a browser, and ends those that are stored. Before each
    /// look-up, calls `patience`, which returns a timer. If the timer ends first, the look-up has failed.
    pub(super) async fn end_undelivered<S: Future<Output = ()>>(&self, patience: impl Fn() -> S) {
        for _ in 0..BATCH {
            let now = self.monotonic();
            let Some(session) = self.0.undelivered.due(now) else { return };
            let mut work: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(self.end_if_stored(&session));
            let result = sooner(&mut work, patience()).await;
            let result = result.unwrap_or_else(|| Err(BackendError::new("ending an unused session took too long")));
            self.0.undelivered.looked_up(session.id, result.as_ref().ok().copied(), now);
            if let Err(error) = result {
                tracing::debug!(
                    event = "unused_session_kept", subject = session.subject, error = %WithCauses(&error)
                );
                // The store is failing, so do not ask it for the other sessions now.
                return;
            }
        }
    }

    /// Ends a session whose cookies have not reached a browser. Returns `false` if the store does not have the session
    /// (yet).
    async fn end_if_stored(&self, session: &Unused) -> Result<bool, BackendError> {
        let Unused { subject, id, is_reported, .. } = session;
        let Some(store) = self.store() else { return Ok(true) };
        let Some(row) = store.find(*id).await? else { return Ok(false) };
        if row.revoked_at.is_none() {
            let at = row.rotated_at.max(self.now());
            // Do not report that the session has ended, because no request can have begun a change in it.
            let ended = self.end_unreported(RevokeTarget::Sessions(&[*id]), at).await?;
            if *is_reported && !ended.is_empty() {
                self.emit(EventKind::Revoked, subject, Some(*id), &Client::default());
            }
            tracing::debug!(event = "unused_session_ended", subject);
        }
        Ok(true)
    }
}

impl Undelivered<'_> {
    /// Call this method when the session's cookies are returned.
    pub(super) fn delivered(mut self) {
        self.session = None;
    }

    /// Ends the session at once, because its cookies will not be returned. If the store fails, the session ends in the
    /// background.
    pub(super) async fn end(&mut self, subject: &str, id: SessionId, at: Timestamp) -> Result<(), BackendError> {
        self.authenticator.end(RevokeTarget::Sessions(&[id]), &[subject], at).await?;
        self.session = None;
        Ok(())
    }
}

impl Drop for Undelivered<'_> {
    fn drop(&mut self) {
        self.session.take().into_iter().for_each(|session| self.authenticator.0.undelivered.add(session));
    }
}

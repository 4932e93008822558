//! Lets long-lived responses, such as event streams, WebSockets and long polls, wait for a session to end.
//!
//! A waiting task does not poll the store. The process wakes the task in four cases:
//!
//! - The process ends the session that the task watches, or changes the session's claims.
//! - The process reads an entry about the session in the revocation log.
//! - The process can no longer read the revocation log.
//! - The session store fails to end sessions that must end.
//!
//! A waiting task also wakes at least once a minute to compare the current time with the token's expiry time.
//!
//! A task that waits for a session to end keeps waiting after the token expires. It reads the session's expiry time
//! from the session's row. When that time comes, it reads the row again, because requests may have extended the session
//! in the meantime.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Authenticator;
use super::background_work::either;
use crate::clock::Timestamp;
use crate::jwt::TokenKind;
use crate::revocation::SessionStatus;
use crate::session::SessionId;
use crate::token::VerifiedToken;

/// The longest sleep. A timer stops while the machine is suspended and ignores changes to the clock, so a longer sleep
/// could end too late.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The future that `Auth::ended` and `Auth::ended_session` return. The future from `Auth::ended` completes when the
/// token is no longer valid. The future from `Auth::ended_session` completes when the token's session has ended.
#[must_use = "a future does nothing unless it is polled"]
pub struct Ended(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Ended {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Waits until a token is no longer valid. Adapters offer this method as `Auth::ended`.
    ///
    /// A token becomes invalid when it expires, when the claims of its session change, or when its session ends. A
    /// session can be ended on any server, by a log-out, by a password change or by an operator.
    ///
    /// If this process has been unable to read the revocation log for longer than
    /// [`max_staleness`](crate::session::SessionPolicy::max_staleness), it asks the session store about the session
    /// instead. If the store fails as well, the future completes.
    ///
    /// The core has no timer, so pass your runtime's timer as `sleep`:
    ///
    /// ```
    /// # use hardtack::{Authenticator, VerifiedToken};
    /// # async fn sleep(_: std::time::Duration) {}
    /// # async fn stream(auth: &Authenticator, token: &VerifiedToken) {
    /// auth.ended(token, sleep).await; // tokio::time::sleep
    /// # }
    /// ```
    pub fn ended<T, F, S>(&self, token: &VerifiedToken<T>, sleep: F) -> Ended
    where
        F: Fn(Duration) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        Ended(Box::pin(Watched::new(token, self, false).until_ended(self.clone(), sleep)))
    }

    /// Waits until a token's session ends. Unlike the future that [`ended`](Self::ended) returns, this future does not
    /// complete when the token expires or the session's claims change. Adapters offer this method as
    /// `Auth::ended_session`.
    ///
    /// If the token has no session, the future never completes. Without a store, the future completes only if this
    /// process ends the session.
    pub fn ended_session<T, F, S>(&self, token: &VerifiedToken<T>, sleep: F) -> Ended
    where
        F: Fn(Duration) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        Ended(Box::pin(Watched::new(token, self, true).until_ended(self.clone(), sleep)))
    }
}

/// What a waiting task knows about the token that it watches.
struct Watched {
    subject: String,
    session: Option<SessionId>,
    /// The generation of the claims in an access token. For any other token, this field is `None`, because such a
    /// token's claims are never outdated.
    generation: Option<u64>,
    /// When the token expires. If the task waits for the session to end, this is when the task next reads the session's
    /// row.
    deadline: Option<Timestamp>,
    /// Whether the task waits until the session ends, rather than until the token is no longer valid.
    whole_session: bool,
}

impl Watched {
    fn new<T>(token: &VerifiedToken<T>, authenticator: &Authenticator, whole_session: bool) -> Self {
        let leeway = authenticator.settings().claims.exp_leeway();
        Self {
            subject: token.subject().to_owned(),
            session: token.session(),
            generation: token.claims().generation.filter(|_| token.kind() == TokenKind::Access),
            deadline: token.claims().expires_at.map(|end| end + leeway),
            whole_session,
        }
    }

    async fn until_ended<F, S>(mut self, authenticator: Authenticator, sleep: F)
    where
        F: Fn(Duration) -> S + Send + Sync,
        S: Future<Output = ()> + Send,
    {
        // Register before the first check, so that a change that happens during the check wakes the task, too.
        let watch = self.session.map(|id| authenticator.0.watchers.watch(id));
        while self.is_live(&authenticator).await {
            let left = self.deadline.map_or(LONGEST_SLEEP, |end| end.since(authenticator.now()));
            let timer = sleep(left.min(LONGEST_SLEEP));
            match &watch {
                Some(watch) => either(watch.woken(), timer).await,
                None if self.deadline.is_some() => timer.await,
                None => pending().await,
            }
        }
    }

    /// Returns whether the token is still valid or, if the task waits for the session to end, whether the session is
    /// live. Also returns `false` if the store is needed and fails, because a request with the token would be refused
    /// as well.
    async fn is_live(&mut self, authenticator: &Authenticator) -> bool {
        if authenticator.0.held.holds(&self.subject, self.session) {
            return false;
        }
        if let Some(id) = self.session {
            match authenticator.session_status(id, TokenKind::Access).await {
                Ok(SessionStatus::Live(notes)) => {
                    let outdated = self.generation.is_some_and(|generation| generation <= notes.outdated);
                    if outdated && !self.whole_session {
                        return false;
                    }
                }
                Ok(SessionStatus::Ended | SessionStatus::Replaced) | Err(_) => return false,
            }
        }
        if self.deadline.is_none_or(|end| authenticator.now() < end) {
            return true;
        }
        if !self.whole_session {
            return false;
        }
        // Other requests may have extended the session.
        self.deadline = match (authenticator.store(), self.session) {
            (Some(store), Some(id)) => match store.find(id).await {
                Ok(Some(row)) if row.is_live(authenticator.now()) => Some(row.expires_at),
                _ => return false,
            },
            _ => None,
        };
        true
    }
}

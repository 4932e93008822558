//! An authenticator's background jobs: following the store's revocation log, and pruning the store.
//!
//! The core has no runtime, so the adapter starts the background jobs when a request arrives. Between its steps, a job
//! holds only a weak reference to its authenticator. The job ends when the authenticator is dropped. If the runtime
//! shuts down while the authenticator is in use, the next request starts the job again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::background::Job;
use super::{Authenticator, Inner};

/// The exclusive right to run a job. When this value is dropped, another future can claim the job. If the job panicked,
/// no future can claim the job again.
#[derive(Debug)]
pub(super) struct Claim {
    authenticator: WeakAuthenticator,
    job: Job,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Do not start the job again, because it would probably panic again. While no job follows the log, each
            // request is checked against the store.
            tracing::error!(
                event = "background_panicked",
                job = ?self.job,
                "the background job panicked and will not be restarted"
            );
        } else if let Some(authenticator) = self.authenticator.upgrade() {
            authenticator.0.background.stopped(self.job);
        }
    }
}

/// A weak reference to an authenticator.
#[derive(Clone, Debug)]
pub(super) struct WeakAuthenticator(Weak<Inner>);

impl WeakAuthenticator {
    pub(super) fn upgrade(&self) -> Option<Authenticator> {
        self.0.upgrade().map(Authenticator)
    }
}

impl Authenticator {
    /// Returns whether an adapter has to start [`background_work`](Self::background_work). Call this method on every
    /// request: it costs one atomic load.
    #[inline]
    pub fn needs_background_work(&self) -> bool {
        self.0.background.is_due()
    }

    /// Follows the revocation log and deletes expired rows. Skips a job that is turned off or already running. Adapters
    /// spawn the future on the request's runtime.
    ///
    /// The future completes when the last clone of the authenticator is dropped, or at once if there is no job to run.
    /// If the future itself is dropped earlier, for example because its runtime shuts down,
    /// [`needs_background_work`](Self::needs_background_work) returns `true` again.
    ///
    /// The core has no timer, so pass your runtime's timer as `sleep`:
    ///
    /// ```
    /// # use hardtack::Authenticator;
    /// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    /// # async fn sleep(_: std::time::Duration) {}
    /// # fn request(auth: &Authenticator) {
    /// if auth.needs_background_work() {
    ///     // tokio::spawn(auth.background_work(tokio::time::sleep));
    ///     spawn(auth.background_work(sleep));
    /// }
    /// # }
    /// ```
    pub fn background_work<F, S>(&self, sleep: F) -> impl Future<Output = ()> + Send + use<F, S>
    where
        F: Fn(Duration) -> S + Send + Sync,
        S: Future<Output = ()> + Send,
    {
        let automatic = |job| if self.0.background.is_automatic(job) { self.claim(job) } else { None };
        let (follow, prune) = (automatic(Job::Follow), automatic(Job::Prune));
        let end = |job| Arc::clone(self.0.background.end(job));
        let (follow_end, prune_end) = (end(Job::Follow), end(Job::Prune));
        async move {
            let follow = async {
                if let Some(claim) = &follow {
                    either(follow_end.received(), claim.authenticator.follow_log(&sleep)).await;
                }
            };
            let prune = async {
                if let Some(claim) = &prune {
                    either(prune_end.received(), claim.authenticator.prune_regularly(&sleep)).await;
                }
            };
            both(follow, prune).await;
        }
    }

    /// Claims a job. Returns `None` if the job is already running.
    pub(super) fn claim(&self, job: Job) -> Option<Claim> {
        self.0.background.begin(job).then(|| Claim { authenticator: self.downgrade(), job })
    }

    pub(super) fn downgrade(&self) -> WeakAuthenticator {
        WeakAuthenticator(Arc::downgrade(&self.0))
    }
}

/// Waits until one of two futures completes.
pub(super) async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await;
}

/// Waits until two futures have completed.
async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut one_ready, mut other_ready) = (false, false);
    poll_fn(|context| {
        one_ready = one_ready || one.as_mut().poll(context).is_ready();
        other_ready = other_ready || other.as_mut().poll(context).is_ready();
        if one_ready && other_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

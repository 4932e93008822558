//! A session store in which a test can make a single call go wrong.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::session::{
    RevocationPage, RevokeTarget, Rotation, Session, SessionCursor, SessionId, SessionStore, StoreAbility,
};

/// How a call to a [`FaultySessions`] store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The store does nothing and returns an error.
    Fail,
    /// The store does nothing and never returns.
    Hang,
    /// The store carries out the call but returns an error, as if the reply had been lost.
    LoseReply,
    /// The store carries out the call but never returns.
    HangAfter,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Hang, Self::LoseReply, Self::HangAfter];
}

/// Wraps any session store and makes one of its calls go wrong. Use this wrapper to test that an application behaves
/// correctly, no matter which call of its store fails.
///
/// The first call after [`inject`](Self::inject) is call number 1. Background calls always work normally and are not
/// counted. They read the revocation log, wait for the log to change, prune rows or ask for the store's time. To make
/// all of a store's calls fail, use [`FailingSessions`](super::FailingSessions).
///
/// Clones share the store, the number of calls and the fault.
///
/// ```
/// use hardtack::testing::{Fault, FaultySessions};
/// use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey, jwt::Algorithm};
///
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultySessions::new(MemorySessions::new());
/// let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
///     .base_url("https://site.example")
///     .sessions(store.clone())
///     .build()?;
/// for fault in Fault::ALL {
///     for call in 1.. {
///         store.inject(call, fault);
///         // … the code under test, with a time limit, because a call may hang. Then check what must always hold.
///         let _ = auth.log_in("alice").await;
///         store.clear();
///         if store.calls() < call {
///             break; // there was no call with this number: all calls have been tested
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultySessions<S> {
    store: S,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: AtomicU64,
    fault: Mutex<Option<(u64, Interruption)>>,
}

#[derive(Clone, Debug)]
enum Interruption {
    Fault(Fault),
    Pause(Arc<Gate>),
}

/// A call that [`FaultySessions::pause_after`] pauses. If this value is dropped, the call continues.
#[derive(Debug)]
#[must_use = "if this value is dropped, the call is not paused"]
pub struct PausedCall(Arc<Gate>);

/// Where a paused call waits.
#[derive(Debug, Default)]
struct Gate(Mutex<GateState>);

#[derive(Debug, Default)]
struct GateState {
    is_reached: bool,
    is_open: bool,
    waiting: Vec<Waker>,
}

impl PausedCall {
    /// Waits until the store has carried out the call.
    pub async fn reached(&self) {
        poll_fn(|cx| self.0.poll(cx, |state| state.is_reached)).await;
    }

    /// Lets the call return.
    pub fn resume(self) {}
}

impl Drop for PausedCall {
    fn drop(&mut self) {
        self.0.change(|state| state.is_open = true);
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut GateState)) {
        let mut state = self.lock();
        change(&mut state);
        state.waiting.drain(..).for_each(Waker::wake);
    }

    fn poll(&self, cx: &Context<'_>, is_ready: impl FnOnce(&GateState) -> bool) -> Poll<()> {
        let mut state = self.lock();
        if is_ready(&state) {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }

    async fn pass(&self) {
        self.change(|state| state.is_reached = true);
        poll_fn(|cx| self.poll(cx, |state| state.is_open)).await;
    }
}

impl<S: SessionStore> FaultySessions<S> {
    /// The text of the errors that this store returns. It must not reach a client.
    pub const ERROR: &'static str = super::FailingSessions::ERROR;

    /// Wraps a store. Its calls work normally until [`inject`](Self::inject) is called.
    pub fn new(store: S) -> Self {
        Self { store, state: Arc::default() }
    }

    /// Returns the store without faults.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Resets the call count to zero, so that the next call is call number 1. Makes call number `call` fail in the way
    /// that `fault` describes.
    pub fn inject(&self, call: u64, fault: Fault) {
        self.interrupt(call, Interruption::Fault(fault));
    }

    /// Resets the call count to zero, so that the next call is call number 1. When the store has carried out call
    /// number `call`, that call pauses before it returns. During the pause, the test can do something else with the
    /// same session. To end the pause, call [`PausedCall::resume`].
    pub fn pause_after(&self, call: u64) -> PausedCall {
        let gate = Arc::<Gate>::default();
        self.interrupt(call, Interruption::Pause(Arc::clone(&gate)));
        PausedCall(gate)
    }

    fn interrupt(&self, call: u64, interruption: Interruption) {
        let mut next = self.state.fault.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.calls.store(0, Ordering::SeqCst);
        *next = Some((call, interruption));
    }

    /// Cancels the fault or the pause. Does not reset the call count.
    pub fn clear(&self) {
        *self.state.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns how many calls have been made since [`inject`](Self::inject) or [`pause_after`](Self::pause_after).
    pub fn calls(&self) -> u64 {
        self.state.calls.load(Ordering::SeqCst)
    }

    /// Counts a call and executes it. If [`inject`](Self::inject) selected this call, the call fails in the way that
    /// the fault describes. If the test asked for a pause after this call, waits before returning.
    async fn call<T>(&self, call: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
        let interruption = {
            let next = self.state.fault.lock().unwrap_or_else(PoisonError::into_inner);
            let number = self.state.calls.fetch_add(1, Ordering::SeqCst) + 1;
            next.as_ref().filter(|(call, _)| *call == number).map(|(_, interruption)| interruption.clone())
        };
        let fault = match interruption {
            None => return call.await,
            Some(Interruption::Pause(gate)) => {
                let result = call.await;
                gate.pass().await;
                return result;
            }
            Some(Interruption::Fault(fault)) => fault,
        };
        match fault {
            Fault::Fail => Err(BackendError::new(Self::ERROR)),
            Fault::Hang => std::future::pending().await,
            Fault::LoseReply => {
                call.await?;
                Err(BackendError::new(Self::ERROR))
            }
            Fault::HangAfter => {
                call.await?;
                std::future::pending().await
            }
        }
    }
}

impl<S: SessionStore> SessionStore for FaultySessions<S> {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        self.call(self.store.create(session, ends)).await
    }

    fn can(&self, ability: StoreAbility) -> bool {
        self.store.can(ability)
    }

    async fn create_within(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        self.call(self.store.create_within(session, ends, limit)).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.call(self.store.find(id)).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.call(self.store.rotate(id, generation, rotation)).await
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.call(self.store.bind(id, generation, key, rotation)).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.call(self.store.confirm(id, generation)).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        self.call(self.store.revoke(ends, now)).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        self.call(self.store.outdate(subject, claims, now)).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.call(self.store.list(subject, now)).await
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        self.call(self.store.list_page(subject, now, after, limit)).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.store.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.store.prune(before, limit).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.store.time().await
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        self.store.revoked_elsewhere().await
    }

    fn is_durable(&self) -> bool {
        self.store.is_durable()
    }
}

//! Requests that are cancelled, or whose store returns an error, after the store has ended sessions.

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use hardtack::BackendError;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::clock::Timestamp;
use hardtack::session::{EndedSessions, RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::testing::TestRequest;
use hardtack::{KeySet, MemorySessions, SessionId};

use crate::support::{Browser, NOW, Site, block_on, key};

// What the store returns for a write that it has executed: the result, nothing, or an error.
pub(crate) const RESULT: u8 = 0;
/// It never returns.
pub(crate) const NOTHING: u8 = 1;
const ERROR: u8 = 2;
/// It returns an error, and cannot look up sessions from then on.
pub(crate) const ERROR_AND_DOWN: u8 = 3;
/// It never returns, and has not committed the write yet.
pub(crate) const LATE: u8 = 4;

type LateWrite = Box<dyn FnOnce(&MemorySessions) + Send>;

/// A store that executes every write, but may return an error for it or never return.
#[derive(Clone, Default)]
pub(crate) struct LostResults {
    pub(crate) rows: MemorySessions,
    /// What writes return.
    pub(crate) writes: Arc<AtomicU8>,
    /// How often a session was looked up.
    pub(crate) finds: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    late: Arc<Mutex<Vec<LateWrite>>>,
}

impl LostResults {
    /// Makes all calls succeed.
    pub(crate) fn recover(&self) {
        self.writes.store(RESULT, Ordering::SeqCst);
        self.is_down.store(false, Ordering::SeqCst);
    }

    /// Commits the writes that are late.
    pub(crate) fn commit(&self) {
        self.late.lock().unwrap().drain(..).for_each(|write| write(&self.rows));
    }

    /// If writes are late, keeps this one for later and never returns.
    async fn delay(&self, write: impl FnOnce(&MemorySessions) + Send + 'static) {
        if self.writes.load(Ordering::SeqCst) == LATE {
            self.late.lock().unwrap().push(Box::new(write));
            pending().await
        }
    }

    async fn finish<T>(&self, result: Result<T, BackendError>) -> Result<T, BackendError> {
        match self.writes.load(Ordering::SeqCst) {
            NOTHING => pending().await,
            mode @ (ERROR | ERROR_AND_DOWN) => {
                self.is_down.store(mode == ERROR_AND_DOWN, Ordering::SeqCst);
                Err(BackendError::new("the connection broke"))
            }
            _ => result,
        }
    }
}

impl SessionStore for LostResults {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let late = session.clone();
        self.delay(move |rows| {
            block_on(rows.create(&late, RevokeTarget::Sessions(&[]))).unwrap();
        })
        .await;
        let result = SessionStore::create(&self.rows, session, ends).await;
        self.finish(result).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(BackendError::new("the store is down"));
        }
        self.rows.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.delay(move |rows| {
            block_on(rows.rotate(id, generation, rotation)).unwrap();
        })
        .await;
        let result = self.rows.rotate(id, generation, rotation).await;
        self.finish(result).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.rows.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let result = self.rows.revoke(ends, now).await;
        self.finish(result).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let result = self.rows.outdate(subject, claims, now).await;
        self.finish(result).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.rows.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.rows.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.rows.prune(before, limit).await
    }

    fn is_durable(&self) -> bool {
        self.rows.is_durable()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    LogOut,
    LogIn,
    Renew,
    Reauthenticate,
    RevokeAll,
}

/// Sends a request that ends the browser's session or replaces its tokens, and cancels it before it returns.
pub(crate) fn send_and_cancel(site: &Site, browser: &Browser, action: Action) {
    let request = TestRequest::new("POST", "/").fields([
        ("cookie", browser.cookies_for("/", NOW).unwrap_or_default()),
        ("x-csrf-token", browser.csrf()),
        ("content-type", "application/json".into()),
    ]);
    let state = RequestState::without_layer(site.auth.clone());
    let exchange = Exchange::new(request.head(), &state);
    let request = pin!(async {
        match action {
            Action::LogOut => drop(exchange.log_out().await),
            Action::LogIn => drop(exchange.log_in("alice").await),
            Action::Renew => drop(exchange.renew(EndedSessions::none()).await),
            Action::Reauthenticate => drop(exchange.reauthenticate("alice").await),
            Action::RevokeAll => drop(site.auth.revoke_all_sessions("alice").await),
        }
    });
    let polled = request.poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "{action:?} returned before it was cancelled");
}

pub(crate) fn site() -> (Site, LostResults) {
    let store = LostResults::default();
    (Site::over(store.clone(), KeySet::new(key()), |builder| builder), store)
}

/// The process does not read the revocation log and has no maximum staleness, so only its own write can tell it that
/// the session has ended.
#[test]
fn s28_s29_s35_what_was_cut_off_after_the_commit_is_over_at_once() {
    for action in [Action::LogOut, Action::LogIn, Action::Renew, Action::RevokeAll] {
        let (site, store) = site();
        let (held, other) = (site.browser_of("alice"), site.browser_of("alice"));
        let bystander = site.browser_of("bob");
        store.writes.store(NOTHING, Ordering::SeqCst);
        send_and_cancel(&site, &held, action);
        store.writes.store(RESULT, Ordering::SeqCst);
        for _ in 0..2 {
            let mut late = held.clone();
            assert!(site.visit(&mut late).is_refused(401, "revoked"), "{action:?}");
            let replaced = matches!(action, Action::LogIn | Action::Renew);
            assert_eq!(late.is_empty(), !replaced, "{action:?}: a browser with a new session keeps its cookies");
            assert_eq!(site.refresh(&mut held.clone()).status, 401, "{action:?}");
        }
        let alone = matches!(action, Action::LogOut | Action::LogIn);
        assert_eq!(site.visit(&mut other.clone()).status, if alone { 200 } else { 401 }, "{action:?}");
        store.finds.store(0, Ordering::SeqCst);
        assert_eq!(site.visit(&mut bystander.clone()).status, 200);
        assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
        assert_eq!(store.finds.load(Ordering::SeqCst), 0, "{action:?}: a known status is not looked up");
    }
}

/// The sessions stay live, and their tokens are outdated.
#[test]
fn s39_claims_that_were_changed_when_it_was_cut_off_hold_at_once() {
    for result in [NOTHING, ERROR] {
        let (site, store) = site();
        let (mut alice, bystander) = (site.browser_of("alice"), site.browser_of("bob"));
        let old = alice.without(&["refresh_token_cookie"]);
        store.writes.store(result, Ordering::SeqCst);
        {
            let claims = serde_json::json!({ "role": "reader" });
            let changing = pin!(site.auth.change_claims("alice", &claims));
            let polled = changing.poll(&mut Context::from_waker(Waker::noop()));
            assert!(!matches!(polled, std::task::Poll::Ready(Ok(_))));
        }
        store.writes.store(RESULT, Ordering::SeqCst);
        assert!(site.visit(&mut old.clone()).is_refused(401, "expired"));
        for _ in 0..2 {
            assert_eq!(site.visit(&mut alice).token().claim("role"), "reader");
        }
        assert_eq!(site.live_sessions("alice")[0].generation, 2);
        store.finds.store(0, Ordering::SeqCst);
        assert_eq!(site.visit(&mut bystander.clone()).status, 200);
        assert_eq!(store.finds.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn s28_s41_what_the_store_did_and_could_not_say_is_over_at_once() {
    let (site, store) = site();
    let held = site.browser_of("alice");
    store.writes.store(ERROR, Ordering::SeqCst);
    assert!(site.log_out(&mut held.clone()).is_refused(503, "store_unavailable"));
    store.writes.store(RESULT, Ordering::SeqCst);
    assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
}

/// The store did not end the session. The session stays live, and each request looks it up until its token has expired.
#[test]
fn an_uncertain_write_that_did_nothing_ends_no_session() {
    let (site, store) = site();
    let held = site.browser_of("alice");
    let id = site.live_sessions("alice")[0].id;
    // The session that is kept becomes uncertain together with the others.
    store.writes.store(NOTHING, Ordering::SeqCst);
    {
        let revoking = pin!(site.auth.revoke_other_sessions("alice", id));
        assert!(revoking.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    store.writes.store(RESULT, Ordering::SeqCst);
    store.finds.store(0, Ordering::SeqCst);
    for lookups in 1..=3 {
        assert_eq!(site.visit(&mut held.clone()).status, 200);
        assert_eq!(store.finds.load(Ordering::SeqCst), lookups);
    }
    assert_eq!(site.log_out(&mut held.clone()).status, 200);
    assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
}

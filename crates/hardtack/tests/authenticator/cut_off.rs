//! Requests that are cut off, or whose store fails, after the store has ended sessions.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Waker};

use hardtack::BackendError;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::testing::TestRequest;
use hardtack::{KeySet, MemorySessions, SessionId};

use crate::support::{Browser, NOW, Site, key};

/// What becomes of the answer to a write.
const HEARD: u8 = 0;
const NEVER: u8 = 1;
const LOST: u8 = 2;

/// Does what it is told, and may not say so.
#[derive(Clone, Default)]
struct Mute {
    rows: MemorySessions,
    answer: Arc<AtomicU8>,
    finds: Arc<AtomicUsize>,
}

impl Mute {
    async fn say<T>(&self, answer: Result<T, BackendError>) -> Result<T, BackendError> {
        match self.answer.load(Ordering::SeqCst) {
            NEVER => pending().await,
            LOST => Err(BackendError::new("the connection broke")),
            _ => answer,
        }
    }
}

impl SessionStore for Mute {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let answer = SessionStore::create(&self.rows, session, ends).await;
        self.say(answer).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.rows.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.rows.rotate(id, generation, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.rows.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let answer = self.rows.revoke(ends, now).await;
        self.say(answer).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let answer = self.rows.outdate(subject, claims, now).await;
        self.say(answer).await
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
}

#[derive(Clone, Copy, Debug)]
enum Act {
    LogOut,
    LogIn,
    Renew,
    RevokeAll,
}

/// Sends a request that ends the browser's session, and goes away before it is answered.
fn cut_off(site: &Site, browser: &Browser, act: Act) {
    let request = TestRequest::new("POST", "/").fields([
        ("cookie", browser.cookies_for("/", NOW).unwrap()),
        ("x-csrf-token", browser.csrf()),
        ("content-type", "application/json".into()),
    ]);
    let state = RequestState::without_layer(site.auth.clone());
    let exchange = Exchange::new(request.head(), &state);
    let request = pin!(async {
        match act {
            Act::LogOut => drop(exchange.log_out().await),
            Act::LogIn => drop(exchange.log_in("alice").await),
            Act::Renew => drop(exchange.renew().await),
            Act::RevokeAll => drop(site.auth.revoke_all_sessions("alice").await),
        }
    });
    let polled = request.poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "{act:?} was not cut off");
}

fn site() -> (Site, Mute) {
    let store = Mute::default();
    (Site::over(store.clone(), KeySet::new(key()), |builder| builder), store)
}

/// In a process that follows no log, and without a bound: nobody else tells it.
#[test]
fn s28_s29_s35_what_was_cut_off_after_the_commit_is_over_at_once() {
    for act in [Act::LogOut, Act::LogIn, Act::Renew, Act::RevokeAll] {
        let (site, store) = site();
        let (held, other) = (site.browser_of("alice"), site.browser_of("alice"));
        let bystander = site.browser_of("bob");
        store.answer.store(NEVER, Ordering::SeqCst);
        cut_off(&site, &held, act);
        store.answer.store(HEARD, Ordering::SeqCst);
        for _ in 0..2 {
            let mut late = held.clone();
            assert!(site.visit(&mut late).is_refused(401, "revoked"), "{act:?}");
            let replaced = matches!(act, Act::LogIn | Act::Renew);
            assert_eq!(late.is_empty(), !replaced, "{act:?}: who got another session keeps its cookies");
            assert_eq!(site.refresh(&mut held.clone()).status, 401, "{act:?}");
        }
        let alone = matches!(act, Act::LogOut | Act::LogIn);
        assert_eq!(site.visit(&mut other.clone()).status, if alone { 200 } else { 401 }, "{act:?}");
        store.finds.store(0, Ordering::SeqCst);
        assert_eq!(site.visit(&mut bystander.clone()).status, 200);
        assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
        assert_eq!(store.finds.load(Ordering::SeqCst), 0, "{act:?}: what is known is not asked for");
    }
}

/// The sessions go on, and their tokens are outdated.
#[test]
fn s39_claims_that_were_changed_when_it_was_cut_off_hold_at_once() {
    for answer in [NEVER, LOST] {
        let (site, store) = site();
        let (mut alice, bystander) = (site.browser_of("alice"), site.browser_of("bob"));
        let old = alice.without(&["refresh_token_cookie"]);
        store.answer.store(answer, Ordering::SeqCst);
        {
            let claims = serde_json::json!({ "role": "reader" });
            let changing = pin!(site.auth.change_claims("alice", &claims));
            let polled = changing.poll(&mut Context::from_waker(Waker::noop()));
            assert!(!matches!(polled, std::task::Poll::Ready(Ok(_))));
        }
        store.answer.store(HEARD, Ordering::SeqCst);
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
    store.answer.store(LOST, Ordering::SeqCst);
    assert!(site.log_out(&mut held.clone()).is_refused(503, "store_unavailable"));
    store.answer.store(HEARD, Ordering::SeqCst);
    assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
}

/// The store ended nothing: the session goes on, and costs a question a request until its token is over.
#[test]
fn a_doubt_that_is_wrong_ends_nobodys_session() {
    let (site, store) = site();
    let held = site.browser_of("alice");
    let id = site.live_sessions("alice")[0].id;
    // The one that is kept is doubted with the others.
    store.answer.store(NEVER, Ordering::SeqCst);
    {
        let revoking = pin!(site.auth.revoke_other_sessions("alice", id));
        assert!(revoking.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    store.answer.store(HEARD, Ordering::SeqCst);
    store.finds.store(0, Ordering::SeqCst);
    for asked in 1..=3 {
        assert_eq!(site.visit(&mut held.clone()).status, 200);
        assert_eq!(store.finds.load(Ordering::SeqCst), asked);
    }
    assert_eq!(site.log_out(&mut held.clone()).status, 200);
    assert!(site.visit(&mut held.clone()).is_refused(401, "revoked"));
}

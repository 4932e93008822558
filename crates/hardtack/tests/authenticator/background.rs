//! The background work of an authenticator: it learns which sessions have ended, and prunes its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack::session::{RevokeTarget, SessionPolicy, SessionStore};
use hardtack::testing::{FailingSessions, session};
use hardtack::{Authenticator, AuthenticatorBuilder, BackendError, ConfigError, KeySet, MemorySessions, Need};

use crate::support::{NOW, ORIGIN, Request, Site, block_on, key, page, seconds};
use crate::virtual_time::{VirtualTime, is_ready};

/// A process on a store, with default settings.
fn process(store: &FailingSessions, keys: &KeySet) -> Site {
    Site::over(store.clone(), keys.clone(), |builder| builder)
}

#[test]
fn s69_e02_a_restart_does_not_undo_a_log_out() {
    let (store, keys) = (FailingSessions::durable(), KeySet::new(key()));
    let before = process(&store, &keys);
    let (alice, bob) = (before.browser_of("alice"), before.browser_of("bob"));
    before.log_out(&mut alice.clone());
    drop(before);

    let after = process(&store, &keys);
    store.reset_counts();
    assert!(after.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(after.visit(&mut bob.clone()).status, 200);
    assert_eq!(store.finds(), 2, "it has not read the log, so it asks the store");
    assert_eq!(block_on(after.auth.sync_revocations()).unwrap(), 1);
    assert_eq!(after.visit(&mut bob.clone()).status, 200);
    assert_eq!(store.finds(), 2, "it has read the log");
    after.advance(5);
    assert_eq!(after.visit(&mut bob.clone()).status, 200);
    assert_eq!(store.finds(), 3, "the bound is five seconds");
}

#[test]
fn s69_e02_a_process_that_cannot_read_the_log_lets_nobody_in() {
    let (store, keys) = (FailingSessions::durable(), KeySet::new(key()));
    let before = process(&store, &keys);
    let (alice, bob) = (before.browser_of("alice"), before.browser_of("bob"));
    before.log_out(&mut alice.clone());
    let after = process(&store, &keys);
    store.fail();
    assert!(block_on(after.auth.sync_revocations()).is_err());
    for browser in [&alice, &bob] {
        for need in [Need::access(), Need::access().optional()] {
            let response = after.send(&mut browser.clone(), Request::get("/page"), page(need));
            assert!(response.is_refused(503, "store_unavailable"));
            assert!(response.cookies.is_empty());
        }
    }
    store.recover();
    assert!(after.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(after.visit(&mut bob.clone()).status, 200);
}

#[test]
fn e02_reading_no_log_has_a_loud_name() {
    let (store, keys) = (FailingSessions::durable(), KeySet::new(key()));
    let careless =
        Site::over(store.clone(), keys.clone(), |builder| builder.insecure_without_revocation_log().without_pruning());
    assert!(!careless.auth.needs_background_work());
    let alice = careless.browser_of("alice");
    process(&store, &keys).log_out(&mut alice.clone());
    assert_eq!(careless.visit(&mut alice.clone()).status, 200);

    let both = Authenticator::builder(keys)
        .base_url(ORIGIN)
        .sessions(store)
        .session_policy(SessionPolicy::default().max_staleness(seconds(7)))
        .insecure_without_revocation_log();
    let error = both.build().unwrap_err();
    assert_eq!(error, ConfigError::StalenessWithoutLog { bound: seconds(7) });
    assert!(error.to_string().contains("remove one"), "{error}");
}

#[test]
fn e02_a_slow_poll_has_a_bound_that_it_keeps() {
    let policy = SessionPolicy::default().poll_interval(seconds(60));
    let store = FailingSessions::durable();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder.session_policy(policy));
    let alice = site.browser_of("alice");
    block_on(site.auth.sync_revocations()).unwrap();
    store.reset_counts();
    site.advance(61);
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(store.finds(), 0);
    site.advance(1);
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(store.finds(), 1);
}

#[test]
fn e02_who_needs_no_work_asks_for_none() {
    let needs = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| {
        let builder = Authenticator::builder(KeySet::new(key())).base_url(ORIGIN);
        set(builder).build().unwrap().needs_background_work()
    };
    assert!(!needs(|builder| builder));
    assert!(!needs(AuthenticatorBuilder::insecure_without_revocation_log));
    assert!(needs(|builder| builder.sessions(MemorySessions::new())), "rows are pruned");
    assert!(!needs(|builder| builder.sessions(MemorySessions::new()).without_pruning()));
    assert!(needs(|builder| builder.sessions(FailingSessions::durable()).without_pruning()));
    let bounded = |builder: AuthenticatorBuilder| {
        let policy = SessionPolicy::default().max_staleness(seconds(5));
        builder.sessions(MemorySessions::new()).without_pruning().session_policy(policy)
    };
    assert!(needs(bounded), "others share these sessions, or there would be no bound");
}

#[test]
fn e02_the_log_is_followed_once_and_again_if_the_follower_is_dropped() {
    let (store, time) = (FailingSessions::durable(), VirtualTime::default());
    let site = process(&store, &KeySet::new(key()));
    let alice = site.browser_of("alice");
    store.reset_counts();
    let mut work = Box::pin(site.auth.background_work(time.sleep()));
    assert!(!site.auth.needs_background_work());
    assert!(is_ready(&mut Box::pin(site.auth.background_work(time.sleep()))), "nothing is left to do");
    let mut explicit = Box::pin(site.auth.clone().follow_revocations(time.sleep()));
    assert!(!is_ready(&mut work) && !is_ready(&mut explicit));
    assert_eq!(store.log_reads(), 1, "it reads at once");
    for reads in 2..5 {
        time.advance(seconds(1));
        assert!(!is_ready(&mut explicit) && !is_ready(&mut work));
        assert_eq!(store.log_reads(), reads);
    }
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(store.finds(), 0);

    // Its runtime ends. The application's own follower continues.
    drop(work);
    assert!(site.auth.needs_background_work());
    time.advance(seconds(1));
    assert!(!is_ready(&mut explicit));
    assert_eq!(store.log_reads(), 5);
    let mut work = Box::pin(site.auth.background_work(time.sleep()));
    assert!(!site.auth.needs_background_work());
    assert!(!is_ready(&mut work));
    assert_eq!(store.log_reads(), 5, "it only prunes");
    drop(explicit);
    assert!(site.auth.needs_background_work());
}

#[test]
fn e02_the_work_ends_with_its_authenticator() {
    let (store, time) = (FailingSessions::durable(), VirtualTime::default());
    let site = process(&store, &KeySet::new(key()));
    let mut work = Box::pin(site.auth.background_work(time.sleep()));
    assert!(!is_ready(&mut work));
    drop(site);
    assert!(is_ready(&mut work));
}

#[test]
fn e02_expired_rows_are_pruned() {
    let (store, time) = (FailingSessions::new(), VirtualTime::default());
    let site = process(&store, &KeySet::new(key()));
    let rows = store.sessions();
    let end = |count: usize| {
        let ids: Vec<_> = (0..count)
            .map(|_| {
                let row = session("mallory", NOW);
                block_on(rows.create(&row, RevokeTarget::Sessions(&[]))).unwrap();
                row.id
            })
            .collect();
        block_on(rows.revoke(RevokeTarget::Sessions(&ids), NOW)).unwrap();
        ids
    };
    let first = end(1500);
    let left =
        |ids: &[hardtack::SessionId]| ids.iter().filter(|id| block_on(rows.find(**id)).unwrap().is_some()).count();
    // Pruning compares with the lifetimes of tokens and of unused sessions.
    site.advance(10 * 24 * 60 * 60);
    let mut work = Box::pin(site.auth.background_work(time.sleep()));
    assert!(!is_ready(&mut work));
    assert_eq!(left(&first), 1500);
    time.advance(seconds(60));
    assert!(!is_ready(&mut work));
    assert_eq!(left(&first), 0);
    assert_eq!(block_on(rows.revocations(0, 10)).unwrap().entries, []);
    let second = end(1);
    time.advance(seconds(599));
    assert!(!is_ready(&mut work));
    assert_eq!(left(&second), 1);
    // A run that fails is followed by the next one.
    store.fail();
    time.advance(seconds(1));
    assert!(!is_ready(&mut work));
    store.recover();
    assert_eq!(left(&second), 1);
    time.advance(seconds(600));
    assert!(!is_ready(&mut work));
    assert_eq!(left(&second), 0);
}

/// Rows of an application: how many are left, and how many calls there were.
#[derive(Clone, Default)]
struct Rows(Arc<AtomicU64>, Arc<AtomicU64>);

impl Prune for Rows {
    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        Ok(None)
    }

    async fn prune(&self, _: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let deleted = self.0.load(Ordering::Relaxed).min(u64::from(limit));
        self.0.fetch_sub(deleted, Ordering::Relaxed);
        if deleted == 7 { Err(BackendError::new("the database is down")) } else { Ok(deleted) }
    }
}

#[test]
fn e02_expired_rows_of_the_application_are_deleted_with_those_of_the_sessions() {
    let (rows, time) = (Rows::default(), VirtualTime::default());
    let build = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| {
        let builder = Authenticator::builder(KeySet::new(key())).base_url(ORIGIN).also_prune("links", rows.clone());
        set(builder).build().unwrap()
    };
    assert!(!build(AuthenticatorBuilder::without_pruning).needs_background_work());
    // No sessions are stored, but there are rows.
    let auth = build(|builder| builder);
    assert!(auth.needs_background_work());
    rows.0.store(2500, Ordering::Relaxed);
    let mut work = Box::pin(auth.background_work(time.sleep()));
    assert!(!is_ready(&mut work));
    assert_eq!(rows.0.load(Ordering::Relaxed), 2500, "not at once: many processes may start together");
    time.advance(seconds(3599));
    assert!(!is_ready(&mut work));
    assert_eq!(rows.0.load(Ordering::Relaxed), 2500, "not within an hour, since the clock may be wrong");
    for left in [0, 0] {
        time.advance(seconds(60));
        assert!(!is_ready(&mut work));
        assert_eq!(rows.0.load(Ordering::Relaxed), left, "batch after batch");
    }
    // A failure does not end the work.
    for (found, calls) in [(7, 4), (3, 5)] {
        rows.0.store(found, Ordering::Relaxed);
        time.advance(seconds(600));
        assert!(!is_ready(&mut work));
        assert_eq!((rows.0.load(Ordering::Relaxed), rows.1.load(Ordering::Relaxed)), (0, calls));
    }
    drop(auth);
    time.advance(seconds(600));
    assert!(is_ready(&mut work), "it ends with the authenticator");
}

/// A machine starts with a clock that is ahead, which is set right or jumps while the process runs.
#[test]
fn e04_s71_rows_are_deleted_only_when_the_clock_has_run_for_an_hour_without_being_set() {
    let (store, time) = (FailingSessions::durable(), VirtualTime::default());
    let site = process(&store, &KeySet::new(key()));
    site.browser_of("alice");
    let passes = |span: u64| {
        site.advance(span);
        time.advance(seconds(span));
    };
    let rows = store.sessions();
    let lives = || !block_on(rows.list("alice", Timestamp::from_unix_seconds(0))).unwrap().is_empty();
    let ahead = seconds(40 * 24 * 60 * 60);
    site.clock.set_forward(ahead);
    let mut work = Box::pin(site.auth.background_work(time.sleep()));
    let mut runs = |span: u64| {
        passes(span);
        assert!(!is_ready(&mut work));
    };
    runs(0);
    runs(3_000);
    site.clock.set_back(ahead);
    runs(3_000);
    assert!(lives(), "pruned by the clock that was wrong at the start");
    site.clock.set_forward(ahead);
    runs(3_599);
    site.clock.set_back(ahead);
    runs(3_600);
    assert!(lives(), "pruned by the clock that jumped");
    // The clock is right, and the session expires.
    for _ in 0..60 {
        runs(3_600);
    }
    assert!(!lives());
}

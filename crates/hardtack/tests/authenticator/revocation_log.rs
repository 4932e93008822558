//! Several processes share a store and learn from its log which sessions other processes have ended.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hardtack::clock::Clock;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionPolicy;
use hardtack::session::SessionStore;
use hardtack::testing::{FailingSessions, TestClock};
use hardtack::{ConfigError, KeySet, MemorySessions, Need, SessionId};

use crate::support::{NOW, Request, Site, block_on, key, page, seconds};

const BOUND: u64 = 5;

/// Returns two processes with one store and one clock. The first one ends sessions, and the second one must
/// learn of that.
fn processes() -> (Site, Site, FailingSessions) {
    let (store, keys, clock) = (FailingSessions::new(), KeySet::new(key()), TestClock::start_at(NOW));
    let site = || {
        let set = |builder: hardtack::AuthenticatorBuilder| {
            builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND))).clock(clock.clone())
        };
        Site { clock: clock.clone(), ..Site::over(store.clone(), keys.clone(), set) }
    };
    let (here, there) = (site(), site());
    assert_eq!(block_on(here.auth.sync_revocations()).unwrap(), 0);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 0);
    (here, there, store)
}

/// A timer that expires on demand.
#[derive(Default)]
pub(crate) struct Timer {
    expiries: AtomicUsize,
    requested: Mutex<Vec<Duration>>,
}

impl Timer {
    pub(crate) async fn sleep(&self, span: Duration) {
        self.requested.lock().unwrap().push(span);
        let begun = self.expiries.load(Ordering::SeqCst);
        let expired = |_: &mut Context<'_>| match self.expiries.load(Ordering::SeqCst) > begun {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        poll_fn(expired).await;
    }

    pub(crate) fn expire(&self) {
        self.expiries.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the pauses between reads in seconds, without the time limits of single reads (10 s).
    fn pauses(&self) -> Vec<u64> {
        let requested = self.requested.lock().unwrap();
        requested.iter().map(Duration::as_secs).filter(|span| *span != 10).collect()
    }
}

/// Polls the follower once. It never finishes.
pub(crate) fn step(follower: &RefCell<Pin<&mut (dyn Future<Output = ()> + Send)>>) {
    let polled = follower.borrow_mut().as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

#[test]
fn s28_a_follower_learns_when_it_is_told_and_when_its_timer_runs_out() {
    let (here, there, store) = processes();
    let timer = Timer::default();
    let follower = pin!(there.auth.clone().follow_revocations(|span| timer.sleep(span)));
    let follower: RefCell<Pin<&mut (dyn Future<Output = ()> + Send)>> = RefCell::new(follower);
    step(&follower);
    for notified in [true, false] {
        let alice = here.browser_of("alice");
        here.log_out(&mut alice.clone());
        step(&follower);
        assert_eq!(there.visit(&mut alice.clone()).status, 200, "it has not been notified yet");
        if notified {
            store.notify();
        } else {
            timer.expire();
        }
        step(&follower);
        assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    }
    assert!(timer.pauses().iter().all(|pause| *pause == 1));
}

#[test]
fn s41_a_follower_outlives_its_store() {
    let (here, there, store) = processes();
    let timer = Timer::default();
    let follower = pin!(there.auth.clone().follow_revocations(|span| timer.sleep(span)));
    let follower: RefCell<Pin<&mut (dyn Future<Output = ()> + Send)>> = RefCell::new(follower);
    step(&follower);
    let alice = here.browser_of("alice");
    here.log_out(&mut alice.clone());
    store.fail();
    // The wait for a notification fails as well. The follower does not read again at once.
    store.notify();
    step(&follower);
    let reads = store.log_reads();
    step(&follower);
    assert_eq!(store.log_reads(), reads);
    for _ in 0..4 {
        timer.expire();
        step(&follower);
    }
    assert_eq!(timer.pauses(), [1, 1, 2, 4, 4, 4]);
    // The follower gives up a read that never returns when its time limit expires.
    store.recover();
    store.set_log_hangs(true);
    timer.expire();
    step(&follower);
    store.set_log_hangs(false);
    timer.expire();
    step(&follower);
    assert_eq!(there.visit(&mut alice.clone()).status, 200, "it has not read the log yet");
    timer.expire();
    step(&follower);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(timer.pauses().last(), Some(&1));
}

#[test]
fn s28_s41_a_process_that_is_behind_asks_the_store() {
    let (here, there, store) = processes();
    let (alice, bob) = (here.browser_of("alice"), here.browser_of("bob"));
    here.log_out(&mut alice.clone());
    let finds = || {
        let finds = store.finds();
        store.reset_counts();
        finds
    };
    finds();
    there.advance(BOUND - 1);
    assert_eq!(there.visit(&mut alice.clone()).status, 200, "within the bound");
    assert_eq!(finds(), 0);
    there.advance(1);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(there.visit(&mut bob.clone()).status, 200);
    assert_eq!(finds(), 2);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(finds(), 0, "an ended session is not looked up again");
    store.fail();
    for need in [Need::access(), Need::access().optional()] {
        let response = there.send(&mut bob.clone(), Request::get("/page"), page(need));
        assert!(response.is_refused(503, "store_unavailable"));
        assert!(response.cookies.is_empty());
    }
    assert!(block_on(there.auth.sync_revocations()).is_err());
    assert_eq!(there.visit(&mut bob.clone()).status, 503);
    store.recover();
    finds();
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    assert_eq!(there.visit(&mut bob.clone()).status, 200);
    assert_eq!(finds(), 0, "after reading the log it does not ask the store");
}

#[test]
fn a_process_asks_the_store_until_it_has_read_the_log() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
        builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
    });
    let alice = site.browser_of("alice");
    store.reset_counts();
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(store.finds(), 1);
}

/// Ends a session in the store alone, so that no process knows of it.
fn end_one(store: &MemorySessions, at: hardtack::clock::Timestamp) -> SessionId {
    let row = hardtack::testing::session("mallory", at);
    block_on(store.create(&row, RevokeTarget::Sessions(&[]))).unwrap();
    block_on(store.revoke(RevokeTarget::Sessions(&[row.id]), at)).unwrap();
    row.id
}

#[test]
fn s28_entries_that_were_missed_make_it_read_all_again() {
    let (here, there, store) = processes();
    end_one(&store.sessions(), NOW);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    // The process did not read the log for a while. The entries that were pruned in the meantime had expired, so it
    // only needs the others.
    end_one(&store.sessions(), NOW);
    let alice = here.browser_of("alice");
    here.advance(1);
    here.log_out(&mut alice.clone());
    block_on(store.sessions().prune(NOW + seconds(1), 100)).unwrap();
    store.reset_counts();
    assert_eq!(
        block_on(there.auth.sync_revocations()).unwrap(),
        2,
        "the entry is read after the gap, and again from the beginning"
    );
    assert_eq!(store.log_reads(), 2);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 0);
}

#[test]
fn s28_a_store_that_was_restored_is_read_again() {
    let (here, there, store) = processes();
    for _ in 0..3 {
        end_one(&store.sessions(), NOW);
    }
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 3);
    // The store is replaced by a backup whose sequence numbers are below the reader's position.
    let backup = MemorySessions::new();
    let restored = Site { clock: here.clock.clone(), ..Site::over(backup.clone(), KeySet::new(key()), |b| b) };
    let ended = end_one(&backup, here.clock.now());
    assert_eq!(restored.live_sessions("mallory").len(), 0);
    let lost = here.browser_of("alice");
    store.restore(&backup);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    assert!(there.visit(&mut lost.clone()).is_refused(401, "revoked"), "the backup does not contain the session");
    // This process has not read the log before, so it learns of the loss from the application.
    assert_eq!(here.visit(&mut lost.clone()).status, 200);
    here.auth.check_store_for(Duration::ZERO);
    assert_eq!(here.visit(&mut lost.clone()).status, 200, "all tokens from before the loss have expired");
    assert_eq!(here.auth.store_checks_left(), Duration::ZERO);
    here.auth.check_store_for(seconds(60));
    assert!(here.visit(&mut lost.clone()).is_refused(401, "revoked"));
    here.auth.store_lost_sessions();
    let left = here.auth.store_checks_left();
    assert!((seconds(15 * 60 + 60)..seconds(15 * 60 + 62)).contains(&left), "{left:?}");
    here.advance(100);
    assert_eq!(here.auth.store_checks_left(), left - seconds(100));
    let row = block_on(SessionStore::find(&store, ended)).unwrap().unwrap();
    assert!(row.revoked_at.is_some());
    end_one(&backup, here.clock.now());
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
}

#[test]
fn s28_sessions_that_the_store_has_lost_are_refused_at_once() {
    let (here, there, store) = processes();
    let alice = here.browser_of("alice");
    assert_eq!(there.visit(&mut alice.clone()).status, 200);
    // The store was emptied. Nothing in its log says that Alice's session is lost.
    store.restore(&MemorySessions::new());
    store.set_complete_for(Duration::ZERO);
    block_on(there.auth.sync_revocations()).unwrap();
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    // A new session has a row, which is read for each request until tokens of lost sessions have expired.
    block_on(here.auth.sync_revocations()).unwrap();
    // This process's clock decides when this period ends, because the store's clock may have been set forward.
    for (complete_for, passed, reads) in [(0, 0, 2), (3600, 15 * 60 + 59, 2), (3600, 2, 0)] {
        store.set_complete_for(seconds(complete_for));
        here.advance(passed);
        block_on(there.auth.sync_revocations()).unwrap();
        let bob = here.browser_of("bob");
        store.reset_counts();
        for _ in 0..2 {
            assert_eq!(there.visit(&mut bob.clone()).status, 200);
        }
        assert_eq!(store.finds(), reads, "the store's clock shows {complete_for} s since the loss");
    }
}

/// The store has gone back to an older state. Then entries were added to its log, so that the log shows only a gap.
#[test]
fn s28_s71_sessions_that_were_lost_before_a_gap_in_the_log_are_refused() {
    let (here, there, store) = processes();
    end_one(&store.sessions(), NOW);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    let alice = here.browser_of("alice");
    assert_eq!(there.visit(&mut alice.clone()).status, 200);
    let backup = MemorySessions::new();
    for passed in [0, 0, 1] {
        end_one(&backup, NOW + seconds(passed));
    }
    block_on(backup.prune(NOW + seconds(1), 100)).unwrap();
    store.restore(&backup);
    block_on(there.auth.sync_revocations()).unwrap();
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
}

#[test]
fn a_max_staleness_that_cannot_be_kept_is_refused() {
    let refused = |set: fn(hardtack::AuthenticatorBuilder) -> hardtack::AuthenticatorBuilder| {
        let builder = hardtack::Authenticator::builder(KeySet::new(key())).base_url("https://site.example");
        set(builder).build().unwrap_err()
    };
    let error = refused(|builder| builder.session_policy(SessionPolicy::default().max_staleness(seconds(9))));
    assert_eq!(error, ConfigError::StalenessWithoutStore);
    let error = refused(|builder| {
        builder.sessions(MemorySessions::new()).session_policy(SessionPolicy::default().max_staleness(seconds(2)))
    });
    assert_eq!(error, ConfigError::StalenessTooShort { bound: seconds(2), least: seconds(3) });
    assert!(error.to_string().contains("expected at least 3s"));
    let error = refused(|builder| builder.session_policy(SessionPolicy::default().poll_interval(Duration::ZERO)));
    assert_eq!(error, ConfigError::ZeroPollInterval);
}

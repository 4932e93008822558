//! Several processes on one store: what one ends, the others learn.

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

/// Two processes on one store and at one time: the first ends sessions, the second is to know.
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

/// A timer that runs out when the test says so.
#[derive(Default)]
struct Timer {
    rounds: AtomicUsize,
    asked: Mutex<Vec<Duration>>,
}

impl Timer {
    async fn sleep(&self, span: Duration) {
        self.asked.lock().unwrap().push(span);
        let begun = self.rounds.load(Ordering::SeqCst);
        let is_over = |_: &mut Context<'_>| match self.rounds.load(Ordering::SeqCst) > begun {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        poll_fn(is_over).await;
    }

    fn run_out(&self) {
        self.rounds.fetch_add(1, Ordering::SeqCst);
    }

    /// The pauses between readings, without the limits to one reading.
    fn pauses(&self) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(Duration::as_secs).filter(|span| *span != 10).collect()
    }
}

fn step(follower: &RefCell<Pin<&mut (dyn Future<Output = ()> + Send)>>) {
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
    for told in [true, false] {
        let alice = here.browser_of("alice");
        here.log_out(&mut alice.clone());
        step(&follower);
        assert_eq!(there.visit(&mut alice.clone()).status, 200, "nobody has told it yet");
        if told {
            store.notify();
        } else {
            timer.run_out();
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
    // Its wake-up fails as well: told of a failure, it does not ask again at once.
    store.notify();
    step(&follower);
    let reads = store.log_reads();
    step(&follower);
    assert_eq!(store.log_reads(), reads);
    for _ in 0..4 {
        timer.run_out();
        step(&follower);
    }
    assert_eq!(timer.pauses(), [1, 1, 2, 4, 4, 4]);
    // A connection that answers nothing is given up after a while.
    store.recover();
    store.set_log_hangs(true);
    timer.run_out();
    step(&follower);
    store.set_log_hangs(false);
    timer.run_out();
    step(&follower);
    assert_eq!(there.visit(&mut alice.clone()).status, 200, "it has not read since");
    timer.run_out();
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
    there.pass(BOUND - 1);
    assert_eq!(there.visit(&mut alice.clone()).status, 200, "within the bound");
    assert_eq!(finds(), 0);
    there.pass(1);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(there.visit(&mut bob.clone()).status, 200);
    assert_eq!(finds(), 2);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(finds(), 0, "what has ended stays so");
    store.fail();
    for need in [Need::access(), Need::access().optional()] {
        let answer = there.send(&mut bob.clone(), Request::get("/page"), page(need));
        assert!(answer.is_refused(503, "store_unavailable"));
        assert!(answer.cookies.is_empty());
    }
    assert!(block_on(there.auth.sync_revocations()).is_err());
    assert_eq!(there.visit(&mut bob.clone()).status, 503);
    store.recover();
    finds();
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    assert_eq!(there.visit(&mut bob.clone()).status, 200);
    assert_eq!(finds(), 0, "it has caught up");
}

#[test]
fn before_its_first_reading_a_process_asks_the_store() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
        builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
    });
    let alice = site.browser_of("alice");
    store.reset_counts();
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(store.finds(), 1);
}

/// Ends a session without anybody's knowing but the store.
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
    // A process that slept: what was pruned in the meantime has expired, what was not is read.
    end_one(&store.sessions(), NOW);
    let alice = here.browser_of("alice");
    here.pass(1);
    here.log_out(&mut alice.clone());
    block_on(store.sessions().prune(NOW + seconds(1), 100)).unwrap();
    store.reset_counts();
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 2, "once with the gap, once from the beginning");
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
    // A backup takes the place of the store, and its numbers begin again below the reader's.
    let backup = MemorySessions::new();
    let restored = Site { clock: here.clock.clone(), ..Site::over(backup.clone(), KeySet::new(key()), |b| b) };
    let ended = end_one(&backup, here.clock.now());
    assert_eq!(restored.live_sessions("mallory").len(), 0);
    store.restore(&backup);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    let row = block_on(SessionStore::find(&store, ended)).unwrap().unwrap();
    assert!(row.revoked_at.is_some());
    end_one(&backup, here.clock.now());
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
}

#[test]
fn bounds_that_cannot_be_kept_are_refused() {
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

//! Runs threads that use the revocation cache and the log position, in every order that the memory model allows.
//!
//! This module compiles the cache and the position a second time, with loom's atomics and lock, and with a map of one
//! session instead of the lock-free one (decision 19).

use std::time::Duration;

use ::loom::sync::Arc;
use ::loom::thread;
use hardtack::SessionId;

use crate::support::{NOW as DATE, seconds};

#[path = "../../src/revocation/cache.rs"]
#[allow(dead_code, reason = "only the authenticator uses the rest")]
mod cache;
#[path = "../../src/revocation/moment.rs"]
#[allow(dead_code, reason = "only the authenticator uses the rest")]
mod moment;

use cache::{LogPosition, Notes, RevocationCache, SessionStatus};
use moment::Moment;

/// Replaces `revocation::sync`.
mod sync {
    use std::fmt;
    use std::marker::PhantomData;

    use ::loom::sync::atomic::AtomicUsize;

    use super::{ID, SessionId};
    pub(super) use ::loom::sync::atomic::{AtomicI64, AtomicU64, Ordering};
    pub(super) use ::loom::sync::{Mutex, MutexGuard};

    pub(super) const MARK_WORDS: usize = 2;

    /// A map for one key that guarantees less than papaya's: each operation is one atomic step on the entry and orders
    /// no other memory access. A reader that sees an entry need not see what was written before it.
    pub(super) struct HashMap<K, V, S> {
        /// The number of the value; zero if the map is empty.
        entry: AtomicUsize,
        /// Every value that was ever inserted. loom does not explore this lock: a value is only reached by its number.
        values: std::sync::Mutex<Vec<V>>,
        marker: PhantomData<(K, S)>,
    }

    impl<K, V, S> fmt::Debug for HashMap<K, V, S> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("HashMap")
        }
    }

    impl<K, V: Copy + 'static, S> HashMap<K, V, S> {
        pub(super) fn with_hasher(_: S) -> Self {
            Self { entry: AtomicUsize::new(0), values: std::sync::Mutex::default(), marker: PhantomData }
        }

        pub(super) fn pin(&self) -> &Self {
            self
        }

        pub(super) fn len(&self) -> usize {
            self.entry.load(Ordering::Relaxed).min(1)
        }

        pub(super) fn get(&self, _: &K) -> Option<&V> {
            self.value(self.entry.load(Ordering::Relaxed))
        }

        pub(super) fn insert(&self, _: K, value: V) {
            self.entry.store(self.number(value), Ordering::Relaxed);
        }

        pub(super) fn remove(&self, _: &K) {
            self.entry.store(0, Ordering::Relaxed);
        }

        pub(super) fn update_or_insert(&self, _: K, update: impl Fn(&V) -> V, value: V) {
            let next = |old| Some(self.number(self.value(old).map_or(value, &update)));
            self.entry.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
        }

        pub(super) fn retain(&self, mut kept: impl FnMut(&SessionId, &V) -> bool) {
            let number = self.entry.load(Ordering::Relaxed);
            if self.value(number).is_some_and(|value| !kept(&ID, value)) {
                let _ = self.entry.compare_exchange(number, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
        }

        fn number(&self, value: V) -> usize {
            let mut values = self.values.lock().unwrap();
            values.push(value);
            values.len()
        }

        fn value(&self, number: usize) -> Option<&V> {
            let value = *self.values.lock().unwrap().get(number.checked_sub(1)?)?;
            Some(Box::leak(Box::new(value)))
        }
    }
}

const ID: SessionId = SessionId::from_u128(7);
const NOW: Moment = Moment { date: DATE, monotonic: Duration::ZERO };
const LATER: Moment = Moment { date: DATE, monotonic: Duration::from_secs(900) };

fn live(outdated: u64, awaited: u64) -> SessionStatus {
    SessionStatus::Live(Notes { outdated, awaited, uncertain: false })
}

/// What the threads of a process share.
#[derive(Default)]
struct Process {
    map: RevocationCache,
    log: LogPosition,
}

/// Calls `begin`, then runs `one` and `other` in threads of their own and `here` in the current thread, then calls
/// `end`. loom repeats this in every order.
fn in_every_order(begin: fn(&Process), one: fn(&Process), other: fn(&Process), here: fn(&Process), end: fn(&Process)) {
    ::loom::model(move || {
        let process = Arc::new(Process::default());
        begin(&process);
        let threads = [one, other].map(|run| {
            let process = process.clone();
            thread::spawn(move || run(&process))
        });
        here(&process);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        end(&process);
    });
}

fn nothing(_: &Process) {}

/// Reads the log, which has one entry.
fn follow(process: &Process) {
    process.map.end(ID, LATER, NOW);
    process.log.reached(1);
    process.log.synced(DATE);
}

/// Checks the session as a request does.
fn request(process: &Process) {
    if process.log.is_current(DATE, seconds(5)) {
        assert_eq!(
            process.map.status(ID),
            SessionStatus::Ended,
            "a process that counts as current accepts an ended session"
        );
    }
}

#[test]
fn s28_who_counts_as_current_knows_what_was_read() {
    in_every_order(nothing, follow, request, request, |process| {
        assert!(process.log.is_current(DATE, seconds(5)));
        assert_eq!(process.map.status(ID), SessionStatus::Ended);
    });
}

/// If a second reader continues where the first one stopped, all earlier entries are in the map.
#[test]
fn s28_what_another_reading_skips_is_in_the_map() {
    fn continue_reading(process: &Process) {
        if process.log.read() == 1 {
            assert_eq!(process.map.status(ID), SessionStatus::Ended);
        }
    }
    in_every_order(nothing, follow, continue_reading, nothing, nothing);
}

#[test]
fn s28_a_log_that_was_lost_counts_for_nothing_until_it_is_read_again() {
    fn read_before(process: &Process) {
        process.log.reached(9);
        process.log.synced(DATE - seconds(1));
    }
    fn read_again(process: &Process) {
        process.log.lost();
        follow(process);
    }
    // A thread that sees the restart sees either an unknown position or the entries that were read after it.
    fn check(process: &Process) {
        if process.log.read() < 9 {
            request(process);
        }
    }
    in_every_order(read_before, read_again, check, check, |process| {
        assert_eq!(process.log.read(), 1);
        request(process);
    });
}

#[test]
fn s28_an_end_is_final_whatever_is_noted_beside_it() {
    fn end(process: &Process) {
        process.map.end(ID, LATER, NOW);
        // The map contains the end of the session before any request gets a response.
        assert_eq!(process.map.status(ID), SessionStatus::Ended);
    }
    in_every_order(
        |process| process.map.await_confirmation(ID, 2, LATER, NOW),
        end,
        |process| process.map.confirmed(ID, 2),
        |process| process.map.await_confirmation(ID, 3, LATER, NOW),
        |process| assert_eq!(process.map.status(ID), SessionStatus::Ended),
    );
}

#[test]
fn s28_a_mark_stays_while_all_are_drawn_anew() {
    // Set one bit more than the limit, so that the writer removes expired entries and rebuilds the filter.
    fn sweep(process: &Process) {
        for id in [8, 64].map(SessionId::from_u128) {
            process.map.await_confirmation(id, 1, LATER, NOW);
        }
    }
    fn check(process: &Process) {
        assert_eq!(process.map.status(ID), SessionStatus::Ended);
    }
    in_every_order(|process| process.map.end(ID, LATER, NOW), sweep, check, nothing, check);
}

#[test]
fn s39_what_is_noted_at_once_is_all_kept() {
    // A thread that has seen the change keeps seeing it.
    fn check(process: &Process) {
        let seen = [(); 3].map(|()| match process.map.status(ID) {
            SessionStatus::Live(notes) => notes.outdated,
            ended => panic!("{ended:?}"),
        });
        assert!(seen.is_sorted(), "{seen:?}");
    }
    in_every_order(
        |process| process.map.await_confirmation(ID, 2, LATER, NOW),
        |process| process.map.outdate(ID, 2, LATER, NOW),
        |process| process.map.confirmed(ID, 2),
        check,
        |process| assert_eq!(process.map.status(ID), live(2, 0)),
    );
    in_every_order(
        |process| process.map.await_confirmation(ID, 2, LATER, NOW),
        |process| process.map.outdate(ID, 2, LATER, NOW),
        |process| process.map.await_confirmation(ID, 3, LATER, NOW),
        |process| process.map.confirmed(ID, 2),
        |process| assert_eq!(process.map.status(ID), live(2, 3)),
    );
}

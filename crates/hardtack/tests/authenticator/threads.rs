//! Every order of what threads do to the map of sessions and to the place in the log, weak memory included.
//!
//! The modules are compiled here once more with loom's atomics and lock, and with a map of one session in the
//! place of the lock-free one.

use hardtack::SessionId;
use hardtack::clock::Timestamp;
use loom::sync::Arc;
use loom::thread;

use crate::support::{NOW, seconds};

#[path = "../../src/revocation/filter.rs"]
mod filter;

#[path = "../../src/revocation/log_position.rs"]
#[allow(dead_code, reason = "the authenticator needs more of it")]
mod log_position;

#[path = "../../src/revocation/cache.rs"]
#[allow(dead_code, reason = "the authenticator needs more of it")]
mod cache;

#[path = "../../src/revocation/status.rs"]
#[allow(dead_code, reason = "the authenticator needs more of it")]
mod status;

use cache::RevocationCache;
use log_position::LogPosition;
use status::{Notes, SessionStatus};

/// What the modules take from their sibling.
mod sync {
    use std::fmt;
    use std::marker::PhantomData;

    use loom::sync::atomic::AtomicUsize;

    use super::{ID, SessionId};
    pub(super) use loom::sync::atomic::{AtomicI64, AtomicU64, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};

    pub(super) const MARK_WORDS: usize = 2;

    /// A map for one key, as papaya promises it and no more: each operation is one atomic step on the entry,
    /// and orders nothing else. A reader that sees an entry has no right to what was written before it.
    pub(super) struct HashMap<K, V, S> {
        /// The number of the value; zero where there is none.
        entry: AtomicUsize,
        /// Every value there ever was. Not under exploration: only whoever has its number gets it.
        values: std::sync::Mutex<Vec<V>>,
        of: PhantomData<(K, S)>,
    }

    impl<K, V, S> fmt::Debug for HashMap<K, V, S> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("HashMap")
        }
    }

    impl<K, V: Copy + 'static, S> HashMap<K, V, S> {
        pub(super) fn with_hasher(_: S) -> Self {
            Self { entry: AtomicUsize::new(0), values: std::sync::Mutex::default(), of: PhantomData }
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
            let next = |now| Some(self.number(self.value(now).map_or(value, &update)));
            self.entry.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
        }

        pub(super) fn retain(&self, mut kept: impl FnMut(&SessionId, &V) -> bool) {
            let now = self.entry.load(Ordering::Relaxed);
            if self.value(now).is_some_and(|value| !kept(&ID, value)) {
                let _ = self.entry.compare_exchange(now, 0, Ordering::Relaxed, Ordering::Relaxed);
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
const LATER: Timestamp = Timestamp::from_unix_seconds(1_800_000_900);

fn live(outdated: u64, awaited: u64) -> SessionStatus {
    SessionStatus::Live(Notes { outdated, awaited, uncertain: false })
}

/// What a process shares among its threads.
#[derive(Default)]
struct Process {
    map: RevocationCache,
    log: LogPosition,
}

/// Runs two threads beside this one in every order, and then looks at what is left.
fn in_every_order(begin: fn(&Process), one: fn(&Process), other: fn(&Process), here: fn(&Process), left: fn(&Process)) {
    loom::model(move || {
        let process = Arc::new(Process::default());
        begin(&process);
        let threads = [one, other].map(|run| {
            let process = process.clone();
            thread::spawn(move || run(&process))
        });
        here(&process);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        left(&process);
    });
}

fn nothing(_: &Process) {}

/// Reads one entry of the log to its end.
fn follow(process: &Process) {
    process.map.end(ID, LATER, NOW);
    process.log.reached(1);
    process.log.synced(NOW);
}

/// As a request asks.
fn request(process: &Process) {
    if process.log.is_current(NOW, seconds(5)) {
        assert_eq!(process.map.status(ID), SessionStatus::Ended, "it counts as current and lets a dead session in");
    }
}

#[test]
fn s28_who_counts_as_current_knows_what_was_read() {
    in_every_order(nothing, follow, request, request, |process| {
        assert!(process.log.is_current(NOW, seconds(5)));
        assert_eq!(process.map.status(ID), SessionStatus::Ended);
    });
}

/// A second reading takes up where the first one stopped: what is before that is in the map.
#[test]
fn s28_what_another_reading_skips_is_in_the_map() {
    fn take_up(process: &Process) {
        if process.log.read() == 1 {
            assert_eq!(process.map.status(ID), SessionStatus::Ended);
        }
    }
    in_every_order(nothing, follow, take_up, nothing, nothing);
}

#[test]
fn s28_a_log_that_was_lost_counts_for_nothing_until_it_is_read_again() {
    fn read_before(process: &Process) {
        process.log.reached(9);
        process.log.synced(NOW - seconds(1));
    }
    fn again(process: &Process) {
        process.log.lost();
        follow(process);
    }
    // Whoever sees that it begins again sees that nothing is known, or what was read since.
    fn look(process: &Process) {
        if process.log.read() < 9 {
            request(process);
        }
    }
    in_every_order(read_before, again, look, look, |process| {
        assert_eq!(process.log.read(), 1);
        request(process);
    });
}

#[test]
fn s28_an_end_is_final_whatever_is_noted_beside_it() {
    fn end(process: &Process) {
        process.map.end(ID, LATER, NOW);
        // Applied before anybody is answered.
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
    // One mark more than there may be before their writer looks for what is over.
    fn sweep(process: &Process) {
        for id in [8, 64].map(SessionId::from_u128) {
            process.map.await_confirmation(id, 1, LATER, NOW);
        }
    }
    fn look(process: &Process) {
        assert_eq!(process.map.status(ID), SessionStatus::Ended);
    }
    in_every_order(|process| process.map.end(ID, LATER, NOW), sweep, look, nothing, look);
}

#[test]
fn s39_what_is_noted_at_once_is_all_kept() {
    // A reader that has seen the change sees it from then on.
    fn look(process: &Process) {
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
        look,
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

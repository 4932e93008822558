//! Tests for the revocation cache.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::revocation::{Moment, Notes, RevocationCache, SessionStatus};
use crate::session::SessionId;

const DATE: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const NOW: Moment = Moment { date: DATE, monotonic: Duration::from_secs(7) };
const LATER: Moment = Moment { date: Timestamp::from_unix_seconds(1_800_000_001), monotonic: Duration::from_secs(8) };

fn live(outdated: u64, awaited: u64, uncertain: bool) -> SessionStatus {
    SessionStatus::Live(Notes { outdated, awaited, uncertain })
}

#[test]
fn an_ended_session_stays_ended() {
    let (map, id) = (RevocationCache::default(), SessionId::random());
    assert_eq!(map.status(id), live(0, 0, false));
    map.await_confirmation(id, 2, LATER, NOW);
    assert_eq!(map.status(id), live(0, 2, false));
    map.end(id, LATER, NOW);
    map.await_confirmation(id, 3, NOW, NOW);
    map.outdate(id, 3, NOW, NOW);
    map.mark_uncertain(id, NOW, NOW);
    map.replace(id, NOW, NOW);
    map.confirmed(id, 3);
    assert_eq!(map.status(id), SessionStatus::Ended);
}

#[test]
fn a_session_stays_uncertain_until_its_end_is_known() {
    let (map, id) = (RevocationCache::default(), SessionId::random());
    map.await_confirmation(id, 2, LATER, NOW);
    map.mark_uncertain(id, LATER, NOW);
    map.await_confirmation(id, 3, LATER, NOW);
    assert_eq!(map.status(id), live(0, 3, true));
    map.confirmed(id, 3);
    assert_eq!(map.status(id), live(0, 0, true));
    map.replace(id, LATER, NOW);
    map.mark_uncertain(id, LATER, NOW);
    assert_eq!(map.status(id), SessionStatus::Replaced);
}

#[test]
fn s39_what_is_outdated_and_what_is_awaited_are_both_kept() {
    let (map, id) = (RevocationCache::default(), SessionId::random());
    // The generation becomes outdated before a client has used it. Then the session rotates, and an older log entry
    // arrives late.
    map.await_confirmation(id, 2, LATER, NOW);
    map.outdate(id, 2, LATER, NOW);
    assert_eq!(map.status(id), live(2, 2, false));
    map.await_confirmation(id, 3, LATER, NOW);
    map.outdate(id, 1, LATER, NOW);
    assert_eq!(map.status(id), live(2, 3, false));
    map.confirmed(id, 2);
    assert_eq!(map.status(id), live(2, 3, false));
    map.confirmed(id, 3);
    assert_eq!(map.status(id), live(2, 0, false));
    map.outdate(id, 3, LATER, NOW);
    assert_eq!(map.status(id), live(3, 0, false));
    map.end(id, LATER, NOW);
    assert_eq!(map.status(id), SessionStatus::Ended);
}

#[test]
fn a_confirmed_generation_leaves_no_entry() {
    let (map, id) = (RevocationCache::default(), SessionId::random());
    map.await_confirmation(id, 2, LATER, NOW);
    map.confirmed(id, 2);
    assert_eq!(map.len(), 0);
}

#[test]
fn s28_sessions_that_share_a_mark_stay_two() {
    let map = RevocationCache::default();
    let [one, other] = [7, 7 + (1 << 100)].map(SessionId::from_u128);
    map.end(one, LATER, NOW);
    assert_eq!([map.status(one), map.status(other)], [SessionStatus::Ended, live(0, 0, false)]);
    for id in [0, u128::MAX].map(SessionId::from_u128) {
        map.end(id, LATER, NOW);
        assert_eq!(map.status(id), SessionStatus::Ended);
    }
}

#[test]
fn s28_whoever_has_ended_stays_so_when_marks_are_drawn_anew() {
    let (map, ended) = (RevocationCache::default(), SessionId::from_u128(u128::MAX));
    map.end(ended, LATER, NOW);
    // The entries are removed at once, but their bits stay set until the filter is rebuilt.
    for id in (0..100_000).map(SessionId::from_u128) {
        map.await_confirmation(id, 2, LATER, NOW);
        map.confirmed(id, 2);
        assert_eq!(map.status(ended), SessionStatus::Ended);
    }
    assert_eq!(map.len(), 1);
    assert!(map.marked() < 50_000, "{}", map.marked());
}

#[test]
fn entries_are_removed_when_their_tokens_have_expired() {
    let map = RevocationCache::default();
    for second in 0..10_000 {
        let now = NOW.after(Duration::from_secs(second));
        map.end(SessionId::random(), now.after(Duration::from_secs(10)), now);
    }
    assert!(map.len() < 2048);
}

/// Returns the moment `passed` seconds after `NOW`, according to a clock that was set forward or back by `set` seconds.
fn at(passed: u64, set: i64) -> Moment {
    let date = Timestamp::from_unix_seconds(DATE.unix_seconds() + i64::try_from(passed).unwrap() + set);
    Moment { date, monotonic: NOW.monotonic + Duration::from_secs(passed) }
}

/// Ends `count` sessions whose tokens live for 900 s, and returns the id of one of them.
fn ended(map: &RevocationCache, count: u64, now: Moment) -> SessionId {
    (0..count).for_each(|_| map.end(SessionId::random(), now.after(Duration::from_secs(900)), now));
    let id = SessionId::random();
    map.end(id, now.after(Duration::from_secs(900)), now);
    id
}

#[test]
fn s71_a_clock_that_jumps_sweeps_nothing_before_its_time() {
    for set in [3600, -3600, 2, -2] {
        let map = RevocationCache::default();
        let id = ended(&map, 1500, at(0, 0));
        // The clock is set wrong, more sessions end, and the clock is corrected.
        ended(&map, 3000, at(10, set));
        ended(&map, 3000, at(20, 0));
        assert_eq!(map.status(id), SessionStatus::Ended, "{set}");
        assert!(!map.has_forgotten(at(20, 0).date), "{set}");
        // By now, the entries have expired on both clocks.
        ended(&map, 1, at(5000, 0));
        assert!(map.len() < 1024, "{set}: {}", map.len());
        assert_eq!(map.status(id), live(0, 0, false), "{set}");
    }
}

#[test]
fn s71_what_was_learned_while_the_clock_was_ahead_outlasts_it() {
    let map = RevocationCache::default();
    let id = ended(&map, 1500, at(0, 3600));
    // The tokens were dated by the same clock, so they become valid an hour late.
    ended(&map, 3000, at(1000, 0));
    ended(&map, 3000, at(3600, 0));
    assert_eq!(map.status(id), SessionStatus::Ended);
    ended(&map, 1, at(6000, 0));
    assert_eq!(map.status(id), live(0, 0, false));
}

#[test]
fn s71_a_clock_that_goes_back_past_a_sweep_is_noticed() {
    let map = RevocationCache::default();
    let id = ended(&map, 1500, at(0, 0));
    ended(&map, 1, at(1000, 0));
    assert_eq!(map.status(id), live(0, 0, false), "it was dropped in its time");
    assert!(!map.has_forgotten(at(1000, 0).date));
    assert!(!map.has_forgotten(at(1001, -101).date), "its tokens are still expired");
    let back = at(1001, -102).date;
    assert!(map.has_forgotten(back));
    let until = map.forgotten_until(back).unwrap();
    assert_eq!(until, DATE + Duration::from_secs(900));
    map.remembers(until);
    assert!(!map.has_forgotten(back));
    // More entries were dropped while the log was being read.
    map.remembers(until);
    ended(&map, 1500, at(1002, -102));
    ended(&map, 1, at(3000, -102));
    let back = at(3001, -2000).date;
    map.remembers(until);
    assert!(map.has_forgotten(back));
}

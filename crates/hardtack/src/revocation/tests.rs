//! Tests of the revocation cache.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::revocation::{Notes, RevocationCache, SessionStatus};
use crate::session::SessionId;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_unix_seconds(1_800_000_001);

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
    // The generation is outdated while it is awaited. Then the session rotates, and an older entry arrives late.
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
        let now = NOW + Duration::from_secs(second);
        map.end(SessionId::random(), now + Duration::from_secs(10), now);
    }
    assert!(map.len() < 2048);
}

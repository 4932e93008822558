//! Tests for sessions that are bound to a device. Stores without [`StoreAbility::BindSessions`] skip these tests.

use super::subject::{NO_SESSIONS, Subject, all, at, next, same, session};
use crate::session::{RevokeTarget, Rotation, Session, SessionId, SessionStore, StoreAbility};

const KEY: &str = r#"{"alg":"ES256","crv":"P-256","kty":"EC","use":"sig","x":"a-_","y":"\"quoted\" \\ 'é'"}"#;

fn can_bind<S: SessionStore>(store: &Subject<S>) -> bool {
    store.0.can(StoreAbility::BindSessions)
}

pub(super) async fn bound_rows_are_stored_unchanged<S: SessionStore>(store: &Subject<S>) {
    if !can_bind(store) {
        return;
    }
    let row = Session { bound_key: Some(KEY.into()), bound_at: Some(at(7)), ..session("alice") };
    store.create(&row, NO_SESSIONS).await;
    let found = store.find(row.id).await.expect("create, find: must return a session that was created");
    same("create, find: must return the device's key unchanged", &found.bound_key, &row.bound_key);
    same("create, find: must return every field unchanged", found, row);
}

pub(super) async fn bind_sets_the_key_once<S: SessionStore>(store: &Subject<S>) {
    if !can_bind(store) {
        return;
    }
    let row = Session {
        confirmed: true,
        claims: Some(r#"{"bound_key":"none"}"#.into()),
        user_agent: Some(r#""bound_key":"none""#.into()),
        ..session("\"bound_key\":\"none\"")
    };
    let bystander = session("alice");
    store.create(&row, NO_SESSIONS).await;
    store.create(&bystander, NO_SESSIONS).await;
    for wrong in [0, 2, u64::MAX] {
        let bound = store.bind(row.id, wrong, KEY, next(1)).await;
        same("bind: must return `None` for another generation", bound, None);
    }
    let unknown = store.bind(SessionId::random(), 1, KEY, next(1)).await;
    same("bind: must return `None` for an unknown session", unknown, None);
    same("bind: must change nothing if it returns `None`", store.find(row.id).await, Some(row.clone()));

    let rotation = Rotation::new(at(10), at(500));
    let bound = Session {
        generation: 2,
        rotated_at: at(10),
        expires_at: at(500),
        confirmed: false,
        bound_key: Some(KEY.into()),
        bound_at: Some(at(10)),
        ..row
    };
    let rule = "bind: must set the key and its time, do what `rotate` does, keep every other field, and return the row";
    same(rule, store.bind(bound.id, 1, KEY, rotation).await, Some(bound.clone()));
    same("bind: the stored row must be the one that was returned", store.find(bound.id).await, Some(bound.clone()));
    for generation in [1, 2] {
        let again = store.bind(bound.id, generation, "another key", rotation).await;
        same("bind: must bind a session only once", again, None);
    }
    same("bind: must change nothing if it returns `None`", store.find(bound.id).await, Some(bound));
    same("bind: must not change other sessions", store.find(bystander.id).await, Some(bystander));
}

pub(super) async fn a_bound_session_is_rotated_with_a_proof_only<S: SessionStore>(store: &Subject<S>) {
    if !can_bind(store) {
        return;
    }
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    let bound = store.bind(row.id, 1, KEY, next(1)).await.expect("bind: must bind a live session");
    for auth_time in [None, Some(at(2))] {
        let unproven = Rotation { auth_time, ..next(2) };
        let rule = "rotate: must return `None` for a bound session without a proof";
        same(rule, store.rotate(row.id, 2, unproven).await, None);
    }
    same("rotate: must change nothing if it returns `None`", store.find(row.id).await, Some(bound.clone()));
    let rotated = store.rotate(row.id, 2, next(3).with_proof()).await;
    let expected = Session { generation: 3, rotated_at: at(3), expires_at: next(3).expires_at, ..bound };
    same("rotate: must rotate a bound session with a proof, and keep its key", rotated, Some(expected));
    // A session that is not bound needs no proof, but accepts one.
    let free = session("alice");
    store.create(&free, NO_SESSIONS).await;
    let rotated = store.rotate(free.id, 1, next(1).with_proof()).await;
    assert!(rotated.is_some(), "store_conformance: rotate: must rotate a session that is not bound");
    // Other writes do not change the key.
    store.confirm(row.id, 3).await;
    store.outdate("alice", Some("{}"), at(4)).await;
    store.revoke(RevokeTarget::Sessions(&[row.id]), at(5)).await;
    let ended = store.find(row.id).await.and_then(|row| row.bound_key);
    same("confirm, outdate, revoke: must keep the device's key", ended, Some(KEY.to_owned()));
    same("bind: must not bind a session that has ended", store.bind(free.id, 9, KEY, next(6)).await, None);
}

pub(super) async fn bind_stops_at_the_end_of_the_session<S: SessionStore>(store: &Subject<S>) {
    if !can_bind(store) {
        return;
    }
    let row = Session { expires_at: at(100), ..session("alice") };
    store.create(&row, NO_SESSIONS).await;
    same("bind: must return `None` from `expires_at` on", store.bind(row.id, 1, KEY, next(100)).await, None);
    store.revoke(RevokeTarget::Sessions(&[row.id]), at(5)).await;
    same("bind: must not bind a session that has ended", store.bind(row.id, 1, KEY, next(6)).await, None);
}

pub(super) async fn one_racing_binding_wins<S: SessionStore>(store: &Subject<S>) {
    if !can_bind(store) {
        return;
    }
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    let keys: Vec<String> = (0..8).map(|number| format!("key {number}")).collect();
    let bound = all(keys.iter().map(|key| store.bind(row.id, 1, key, next(1)))).await;
    let winners: Vec<_> = bound.into_iter().flatten().collect();
    same("bind: exactly one of several calls at once must bind the session", winners.len(), 1);
    same(
        "bind: the stored row must be the one that was returned",
        store.find(row.id).await,
        winners.into_iter().next(),
    );
    // If a rotation and a binding of the same generation happen at once, only one of them succeeds.
    let row = &session("alice");
    store.create(row, NO_SESSIONS).await;
    let racers = (0..8).map(|racer| async move {
        let changed = if racer % 2 == 0 {
            store.bind(row.id, 1, KEY, next(1)).await
        } else {
            store.rotate(row.id, 1, next(1)).await
        };
        changed.is_some()
    });
    let changed = all(racers).await.into_iter().filter(|changed| *changed).count();
    same("bind, rotate: exactly one of several calls at once must change the row", changed, 1);
}

//! Rotating sessions.

use std::time::Duration;

use super::subject::{NOBODY, Subject, at, next, same, session};
use crate::session::{Rotation, Session, SessionId, SessionStore};

pub(super) async fn rotate_writes_the_successor<S: SessionStore>(store: &Subject<S>) {
    let row = Session {
        confirmed: true,
        claims: Some("{}".into()),
        user_agent: Some("Firefox".into()),
        address: Some("192.0.2.1".into()),
        ..session("alice")
    };
    store.create(&row, NOBODY).await;
    let next = Rotation { now: at(10), expires_at: at(500), auth_time: None };
    let second = Session { generation: 2, rotated_at: at(10), expires_at: at(500), confirmed: false, ..row };
    let rule = "rotate: adds one, sets the times, clears `confirmed`, keeps all else (auth_time too), answers the row";
    same(rule, store.rotate(second.id, 1, next).await, Some(second.clone()));
    same("rotate: the row that was answered is kept", store.find(second.id).await, Some(second.clone()));

    let next = Rotation { now: at(20), expires_at: at(400), auth_time: Some(at(19)) };
    let third = Session { generation: 3, rotated_at: at(20), expires_at: at(400), auth_time: at(19), ..second };
    same("rotate: sets auth_time where one is given", store.rotate(third.id, 2, next).await, Some(third.clone()));

    let beyond = third.absolute_expires_at + Duration::from_secs(1);
    let next = Rotation { now: at(30), expires_at: beyond, auth_time: None };
    let rotated = store.rotate(third.id, 3, next).await.expect("a live row of this generation rotates");
    same("rotate: caps the end at the absolute one", rotated.expires_at, third.absolute_expires_at);
}

pub(super) async fn rotate_compares_the_generation<S: SessionStore>(store: &Subject<S>) {
    let row = Session { generation: 5, ..session("alice") };
    let bystander = Session { generation: 4, ..session("alice") };
    store.create(&row, NOBODY).await;
    store.create(&bystander, NOBODY).await;
    for wrong in [0, 4, 6, u64::MAX] {
        same("rotate: another generation answers none", store.rotate(row.id, wrong, next(1)).await, None);
    }
    same("rotate: an unknown session answers none", store.rotate(SessionId::random(), 5, next(1)).await, None);
    same("rotate: a miss changes nothing", store.find(row.id).await, Some(row.clone()));
    assert!(store.rotate(row.id, 5, next(1)).await.is_some(), "store_conformance: rotate: the right generation wins");
    same("rotate: a generation rotates once", store.rotate(row.id, 5, next(2)).await, None);
    same("rotate: other sessions are left alone", store.find(bystander.id).await, Some(bystander));
}

pub(super) async fn rotate_stops_at_the_end_of_the_session<S: SessionStore>(store: &Subject<S>) {
    let row = Session { expires_at: at(100), ..session("alice") };
    store.create(&row, NOBODY).await;
    for late in [100, 101] {
        same("rotate: a session is dead from the second it expires", store.rotate(row.id, 1, next(late)).await, None);
    }
    same("rotate: a miss changes nothing", store.find(row.id).await, Some(row.clone()));
    let rotated = store.rotate(row.id, 1, next(99)).await;
    assert!(rotated.is_some(), "store_conformance: rotate: a session lives until the second before it expires");
}

pub(super) async fn confirm_marks_the_newest_generation<S: SessionStore>(store: &Subject<S>) {
    let row = Session { generation: 2, ..session("alice") };
    let bystander = Session { generation: 2, ..session("alice") };
    store.create(&row, NOBODY).await;
    store.create(&bystander, NOBODY).await;
    for other in [0, 1, 3, u64::MAX] {
        store.confirm(row.id, other).await;
    }
    store.confirm(SessionId::random(), 2).await;
    same("confirm: does nothing where it is not the newest", store.find(row.id).await, Some(row.clone()));
    let confirmed = Session { confirmed: true, ..row };
    for _ in 0..2 {
        store.confirm(confirmed.id, 2).await;
        same("confirm: marks the newest, and no more", store.find(confirmed.id).await, Some(confirmed.clone()));
    }
    same("confirm: other sessions are left alone", store.find(bystander.id).await, Some(bystander));
}

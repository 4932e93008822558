//! Rotating sessions.

use std::time::Duration;

use super::subject::{NO_SESSIONS, Subject, at, next, same, session};
use crate::session::{RevocationKind, Rotation, Session, SessionId, SessionStore};

pub(super) async fn rotate_writes_the_successor<S: SessionStore>(store: &Subject<S>) {
    let row = Session {
        confirmed: true,
        claims: Some("{}".into()),
        user_agent: Some("Firefox".into()),
        address: Some("192.0.2.1".into()),
        ..session("alice")
    };
    store.create(&row, NO_SESSIONS).await;
    let next = Rotation::new(at(10), at(500));
    let second = Session { generation: 2, rotated_at: at(10), expires_at: at(500), confirmed: false, ..row };
    let rule = "rotate: must add one to the generation, set the times, clear `confirmed`, keep every other field \
                (including `auth_time`), and return the row";
    same(rule, store.rotate(second.id, 1, next).await, Some(second.clone()));
    same("rotate: the stored row must be the one that was returned", store.find(second.id).await, Some(second.clone()));

    let next = Rotation::new(at(20), at(400)).with_auth_time(at(19));
    let third = Session {
        generation: 3,
        rotated_at: at(20),
        expires_at: at(400),
        auth_time: at(19),
        outdated_generation: 2,
        ..second
    };
    let rule = "rotate: if an `auth_time` is given, must set it, and outdate the previous generation";
    same(rule, store.rotate(third.id, 2, next).await, Some(third.clone()));
    same("rotate: the stored row must be the one that was returned", store.find(third.id).await, Some(third.clone()));
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.kind, entry.at)).collect();
    let rule = "rotate: must write to the log that the previous generation is outdated if an `auth_time` is given, and \
                nothing otherwise";
    same(rule, log, vec![(third.id, RevocationKind::Outdated(2), at(20))]);
    let lost = store.rotate(third.id, 2, next).await;
    same("rotate: must return `None` for another generation", lost, None);
    same("rotate: must write nothing to the log if it returns `None`", store.log(0).await.len(), 1);

    let beyond = third.absolute_expires_at + Duration::from_secs(1);
    let next = Rotation::new(at(30), beyond);
    let rotated = store
        .rotate(third.id, 3, next)
        .await
        .expect("rotate: must return the row of a live session with this generation");
    same("rotate: must not set `expires_at` past `absolute_expires_at`", rotated.expires_at, third.absolute_expires_at);
}

pub(super) async fn rotate_compares_the_generation<S: SessionStore>(store: &Subject<S>) {
    let row = Session { generation: 5, ..session("alice") };
    let bystander = Session { generation: 4, ..session("alice") };
    store.create(&row, NO_SESSIONS).await;
    store.create(&bystander, NO_SESSIONS).await;
    for wrong in [0, 4, 6, u64::MAX] {
        same("rotate: must return `None` for another generation", store.rotate(row.id, wrong, next(1)).await, None);
    }
    same(
        "rotate: must return `None` for an unknown session",
        store.rotate(SessionId::random(), 5, next(1)).await,
        None,
    );
    same("rotate: must change nothing if it returns `None`", store.find(row.id).await, Some(row.clone()));
    let rotated = store.rotate(row.id, 5, next(1)).await;
    assert!(rotated.is_some(), "store_conformance: rotate: must rotate a session with the current generation");
    same("rotate: must rotate a generation only once", store.rotate(row.id, 5, next(2)).await, None);
    same("rotate: must not change other sessions", store.find(bystander.id).await, Some(bystander));
}

pub(super) async fn rotate_stops_at_the_end_of_the_session<S: SessionStore>(store: &Subject<S>) {
    let row = Session { expires_at: at(100), ..session("alice") };
    store.create(&row, NO_SESSIONS).await;
    for late in [100, 101] {
        let rotated = store.rotate(row.id, 1, next(late)).await;
        same("rotate: must return `None` from `expires_at` on", rotated, None);
    }
    same("rotate: must change nothing if it returns `None`", store.find(row.id).await, Some(row.clone()));
    let rotated = store.rotate(row.id, 1, next(99)).await;
    assert!(rotated.is_some(), "store_conformance: rotate: must rotate a session until the second before `expires_at`");
}

pub(super) async fn confirm_marks_the_current_generation<S: SessionStore>(store: &Subject<S>) {
    let row = Session { generation: 2, ..session("alice") };
    let bystander = Session { generation: 2, ..session("alice") };
    store.create(&row, NO_SESSIONS).await;
    store.create(&bystander, NO_SESSIONS).await;
    for other in [0, 1, 3, u64::MAX] {
        store.confirm(row.id, other).await;
    }
    store.confirm(SessionId::random(), 2).await;
    same("confirm: must change nothing for another generation", store.find(row.id).await, Some(row.clone()));
    let confirmed = Session { confirmed: true, ..row };
    for _ in 0..2 {
        store.confirm(confirmed.id, 2).await;
        same(
            "confirm: must set `confirmed` and no other field",
            store.find(confirmed.id).await,
            Some(confirmed.clone()),
        );
    }
    same("confirm: must not change other sessions", store.find(bystander.id).await, Some(bystander));
}

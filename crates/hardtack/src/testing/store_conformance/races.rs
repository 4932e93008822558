//! Concurrent calls in one task.

use std::future::Future;
use std::pin::Pin;

use super::subject::{NO_SESSIONS, RACERS, Subject, all, at, next, same, session};
use crate::session::{RevokeTarget, Session, SessionStore};

pub(super) async fn one_racing_rotation_wins<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    for generation in 1..=4 {
        let rotated = all((0..RACERS).map(|_| store.rotate(row.id, generation, next(generation)))).await;
        let winners: Vec<Session> = rotated.into_iter().flatten().collect();
        same("rotate: exactly one of several concurrent calls with one generation must win", winners.len(), 1);
        same(
            "rotate: all concurrent calls together must add only one to the generation",
            winners[0].generation,
            generation + 1,
        );
        same(
            "rotate: the stored row must be the one that was returned",
            store.find(row.id).await.as_ref(),
            winners.first(),
        );
    }
}

pub(super) async fn one_racing_creation_wins<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    let results = all((0..RACERS).map(|_| store.0.create(&row, NO_SESSIONS))).await;
    let created = results.iter().filter(|result| result.is_ok()).count();
    same("create: exactly one of several concurrent calls with one id must succeed", created, 1);
    same("create: the stored row must be the one that was given", store.find(row.id).await, Some(row));
}

pub(super) async fn one_racing_revocation_returns_a_session<S: SessionStore>(store: &Subject<S>) {
    let rows = [session("alice"), session("alice")];
    for row in &rows {
        store.create(row, NO_SESSIONS).await;
    }
    let ids = rows.each_ref().map(|row| row.id);
    let ends = [RevokeTarget::AllOf("alice"), RevokeTarget::Sessions(&ids)];
    let ended = all((0..RACERS).map(|racer| store.revoke(ends[racer % 2], at(1)))).await;
    let rule = "revoke: if several concurrent calls end a session, exactly one of them must return it";
    same(rule, ended.iter().flatten().count(), 2);
    same("revoke: concurrent calls must log each session once", store.log(0).await.len(), 2);
}

pub(super) async fn rotations_lose_against_a_revocation<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
    let rotate = |generation: usize| -> Racer<'_> {
        Box::pin(async move { drop(store.rotate(row.id, generation as u64, next(1)).await) })
    };
    let revoke =
        |at| -> Racer<'_> { Box::pin(async move { drop(store.revoke(RevokeTarget::AllOf("alice"), at).await) }) };
    all((1..RACERS).map(|racer| if racer == RACERS / 2 { revoke(at(1)) } else { rotate(racer) })).await;
    let ended = store.find(row.id).await.expect("revoke: must keep the row of an ended session");
    same("revoke: a concurrent rotation must not make the session live again", ended.revoked_at, Some(at(1)));
    let again = store.rotate(row.id, ended.generation, next(2)).await;
    same("rotate: must return `None` for an ended session", again, None);
}

//! Concurrent calls in one task.

use std::future::Future;
use std::pin::Pin;

use super::subject::{NOBODY, RACERS, Subject, all, at, next, same, session};
use crate::session::{RevokeTarget, Session, SessionStore};

pub(super) async fn one_racing_rotation_wins<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    for generation in 1..=4 {
        let answers = all((0..RACERS).map(|_| store.rotate(row.id, generation, next(generation)))).await;
        let winners: Vec<Session> = answers.into_iter().flatten().collect();
        same("rotate: of those that race with one generation exactly one wins", winners.len(), 1);
        same("rotate: a race adds one to the generation", winners[0].generation, generation + 1);
        same("rotate: the winner's row is kept", store.find(row.id).await.as_ref(), winners.first());
    }
}

pub(super) async fn one_racing_creation_wins<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    let answers = all((0..RACERS).map(|_| store.0.create(&row, NOBODY))).await;
    let created = answers.iter().filter(|answer| answer.is_ok()).count();
    same("create: of those that race with one id exactly one wins", created, 1);
    same("create: the winner's row is kept", store.find(row.id).await, Some(row));
}

pub(super) async fn a_revocation_is_answered_to_one_racer<S: SessionStore>(store: &Subject<S>) {
    let rows = [session("alice"), session("alice")];
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    let ids = rows.each_ref().map(|row| row.id);
    let ends = [RevokeTarget::AllOf("alice"), RevokeTarget::Sessions(&ids)];
    let answers = all((0..RACERS).map(|racer| store.revoke(ends[racer % 2], at(1)))).await;
    same("revoke: of those that race a session is answered to exactly one", answers.iter().flatten().count(), 2);
    same("revoke: a race logs each session once", store.log(0).await.len(), 2);
}

pub(super) async fn rotations_lose_against_a_revocation<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
    let rotate = |generation: usize| -> Racer<'_> {
        Box::pin(async move { drop(store.rotate(row.id, generation as u64, next(1)).await) })
    };
    let revoke =
        |at| -> Racer<'_> { Box::pin(async move { drop(store.revoke(RevokeTarget::AllOf("alice"), at).await) }) };
    all((1..RACERS).map(|racer| if racer == RACERS / 2 { revoke(at(1)) } else { rotate(racer) })).await;
    let ended = store.find(row.id).await.expect("revoke: an ended session keeps its row");
    same("revoke: no racing rotation undoes it", ended.revoked_at, Some(at(1)));
    let again = store.rotate(row.id, ended.generation, next(2)).await;
    same("rotate: an ended session answers none", again, None);
}

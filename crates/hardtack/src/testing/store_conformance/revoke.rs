//! Ending sessions.

use super::subject::{NOBODY, NOW, Subject, at, next, same, session, set};
use crate::session::{RevocationKind, RevokeTarget, Rotation, Session, SessionId, SessionStore};

pub(super) async fn create_ends_the_sessions_it_names<S: SessionStore>(store: &Subject<S>) {
    let [old, other, ended, kept] = ["alice", "bob", "alice", "alice"].map(session);
    for row in [&old, &other, &ended, &kept] {
        same("create: no session ends where none is named", store.create(row, NOBODY).await, set([]));
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(1)).await;
    let position = store.log(0).await.first().map_or(0, |entry| entry.sequence);

    let new = Session { created_at: at(5), rotated_at: at(5), ..session("alice") };
    let names = [old.id, other.id, old.id, ended.id, SessionId::random()];
    let answer = store.create(&new, RevokeTarget::Sessions(&names)).await;
    same("create, These: answers those that ended now, each once", answer, set([old.id, other.id]));
    same("create: the new session is live", store.find(new.id).await, Some(new));
    for row in [&old, &other] {
        let revoked = Session { revoked_at: Some(at(5)), ..row.clone() };
        same("create: the others end when the new one begins", store.find(row.id).await, Some(revoked));
    }
    same("create, These: a session that is not named lives", store.find(kept.id).await, Some(kept));
    let log: Vec<_> = store.log(position).await.iter().map(|entry| entry.at).collect();
    same("create: every session that ended now is logged once", log, vec![at(5), at(5)]);
}

pub(super) async fn create_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [first, second, other] = ["alice", "alice", "bob"].map(session);
    for row in [&first, &second, &other] {
        store.create(row, NOBODY).await;
    }
    let third = session("alice");
    let answer = store.create(&third, RevokeTarget::AllExcept("alice", first.id)).await;
    same("create, OthersOf: answers all of the subject but the kept and the new one", answer, set([second.id]));
    let fourth = session("alice");
    let answer = store.create(&fourth, RevokeTarget::AllOf("alice")).await;
    same("create, AllOf: answers all of the subject but the new one", answer, set([first.id, third.id]));
    same("create, AllOf: the new session is live", store.list("alice", NOW).await, vec![fourth]);
    same("create, AllOf: other subjects are left alone", store.list("bob", NOW).await, vec![other]);
}

pub(super) async fn the_cause_is_kept_and_logged<S: SessionStore>(store: &Subject<S>) {
    let rows = ["alice", "alice", "alice", "bob", "bob", "carol"].map(session);
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    let [own, other, kept, bobs, bobs_other, carols] = rows.each_ref().map(|row| row.id);
    let new = session("alice");
    let nobody = RevokeTarget::Replaced(&[]);
    same("create, Replacing: no session ends where none is named", store.create(&new, nobody).await, set([]));
    let answer = store.create(&session("alice"), RevokeTarget::Replaced(&[own, own, SessionId::random()])).await;
    same("create, Replacing: answers those that ended now, each once", answer, set([own]));
    store.revoke(RevokeTarget::Sessions(&[other]), at(1)).await;
    let answer = store.create(&session("bob"), RevokeTarget::Renewed("bob", bobs)).await;
    same("create, Renewing: answers all of the subject but the new one", answer, set([bobs, bobs_other]));
    let answer = store.revoke(RevokeTarget::Replaced(&[own, carols]), at(2)).await;
    same("revoke, Replacing: answers those that ended now", answer, set([carols]));
    store.revoke(RevokeTarget::AllExcept("alice", kept), at(2)).await;

    let replaced = set([own, bobs, carols]);
    for id in [own, other, bobs, bobs_other, carols, new.id] {
        let row = store.find(id).await.expect("an ended session keeps its row");
        assert!(row.revoked_at.is_some(), "store_conformance: it has ended: {row:?}");
        same("the row says whether its browser got another session", row.replaced, replaced.contains(&id));
    }
    let log = store.log(0).await;
    same("revocations: each that ended is logged once", log.len(), 7);
    for entry in log {
        let rule = "revocations: the entry says whether its browser got another session";
        let what = if replaced.contains(&entry.session) { RevocationKind::Replaced } else { RevocationKind::Ended };
        same(rule, entry.kind, what);
    }
    let row = store.find(kept).await.expect("the kept session has its row");
    assert!(row.revoked_at.is_none() && !row.replaced, "store_conformance: a live session is not replaced: {row:?}");
}

pub(super) async fn revoke_ends_and_logs_once<S: SessionStore>(store: &Subject<S>) {
    let [row, other] = [session("alice"), session("alice")];
    store.create(&row, NOBODY).await;
    store.create(&other, NOBODY).await;
    same("revoke: an empty list ends none", store.revoke(NOBODY, at(1)).await, set([]));
    let unknown = SessionId::random();
    same("revoke: an unknown id ends none", store.revoke(RevokeTarget::Sessions(&[unknown]), at(1)).await, set([]));
    same("revoke: what did not end is not logged", store.log(0).await, vec![]);

    let answer = store.revoke(RevokeTarget::Sessions(&[row.id, unknown, row.id]), at(2)).await;
    same("revoke, These: answers those that ended now, each once", answer, set([row.id]));
    same("revoke: a second time ends none", store.revoke(RevokeTarget::Sessions(&[row.id]), at(3)).await, set([]));
    let ended = Session { revoked_at: Some(at(2)), ..row };
    same("revoke: the first time stands, and nothing else changes", store.find(ended.id).await, Some(ended.clone()));
    same("revoke, These: a session that is not named lives", store.find(other.id).await, Some(other));
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.at)).collect();
    same("revoke: a session is logged once, when it ended", log, vec![(ended.id, at(2))]);
}

pub(super) async fn revoke_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [a, b, c, other] = ["alice", "alice", "alice", "bob"].map(session);
    for row in [&a, &b, &c, &other] {
        store.create(row, NOBODY).await;
    }
    same(
        "revoke, AllOf: a subject without sessions",
        store.revoke(RevokeTarget::AllOf("nobody"), at(1)).await,
        set([]),
    );
    let answer = store.revoke(RevokeTarget::AllExcept("alice", b.id), at(1)).await;
    same("revoke, OthersOf: answers all of the subject but one", answer, set([a.id, c.id]));
    same("revoke, OthersOf: the kept session lives", store.list("alice", at(1)).await, vec![b.clone()]);
    let answer = store.revoke(RevokeTarget::AllExcept("alice", other.id), at(2)).await;
    same("revoke, OthersOf: another subject's session keeps none", answer, set([b.id]));
    same(
        "revoke, AllOf: those that had ended are not answered",
        store.revoke(RevokeTarget::AllOf("alice"), at(3)).await,
        set([]),
    );
    same("revoke, AllOf: other subjects are left alone", store.find(other.id).await, Some(other.clone()));
    same(
        "revoke, AllOf: answers all of the subject",
        store.revoke(RevokeTarget::AllOf("bob"), at(4)).await,
        set([other.id]),
    );
    let logged = store.log(0).await.iter().map(|entry| entry.session).collect::<Vec<_>>();
    same("revoke: each session is logged once", logged.len(), 4);
    same("revoke: every session is logged", logged.into_iter().collect(), set([a.id, b.id, c.id, other.id]));
}

pub(super) async fn an_ended_session_never_lives_again<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    store.revoke(RevokeTarget::Sessions(&[row.id]), at(1)).await;
    let ended = Session { revoked_at: Some(at(1)), ..row.clone() };
    for generation in [0, 1, 2] {
        let again = Rotation { auth_time: Some(at(2)), ..next(2) };
        same("rotate: an ended session answers none", store.rotate(row.id, generation, again).await, None);
    }
    same("rotate: an ended session is not changed", store.find(row.id).await, Some(ended));
    store.confirm(row.id, 1).await;
    let answer = store.0.create(&row, NOBODY).await;
    assert!(answer.is_err(), "store_conformance: create: the id of an ended session is refused; answered {answer:?}");
    let revoked_at = store.find(row.id).await.and_then(|row| row.revoked_at);
    same("an ended session stays ended, whatever is done to it", revoked_at, Some(at(1)));
    same("list: an ended session is not listed", store.list("alice", at(2)).await, vec![]);
}

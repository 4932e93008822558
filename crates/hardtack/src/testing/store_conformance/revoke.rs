//! Ending sessions.

use super::subject::{NO_SESSIONS, NOW, Subject, at, next, same, session, set};
use crate::session::{RevocationKind, RevokeTarget, Rotation, Session, SessionId, SessionStore};

pub(super) async fn create_ends_the_sessions_it_names<S: SessionStore>(store: &Subject<S>) {
    let [old, other, dead, kept] = ["alice", "bob", "alice", "alice"].map(session);
    for row in [&old, &other, &dead, &kept] {
        same("create: must not end any session if none is named", store.create(row, NO_SESSIONS).await, set([]));
    }
    store.revoke(RevokeTarget::Sessions(&[dead.id]), at(1)).await;
    let position = store.log(0).await.first().map_or(0, |entry| entry.sequence);

    let new = Session { created_at: at(5), rotated_at: at(5), ..session("alice") };
    let names = [old.id, other.id, old.id, dead.id];
    let ended = store.create(&new, RevokeTarget::Sessions(&names)).await;
    same("create, Sessions: must return the sessions that ended now, each once", ended, set([old.id, other.id]));
    same("create: the new session must be live", store.find(new.id).await, Some(new));
    for row in [&old, &other] {
        let revoked = Session { revoked_at: Some(at(5)), ..row.clone() };
        same(
            "create: the sessions must end at the new session's `created_at`",
            store.find(row.id).await,
            Some(revoked),
        );
    }
    same("create, Sessions: must not end a session that is not named", store.find(kept.id).await, Some(kept));
    let log: Vec<_> = store.log(position).await.iter().map(|entry| entry.at).collect();
    same("create: must log each session that ended now once", log, vec![at(5), at(5)]);
}

pub(super) async fn create_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [first, second, other] = ["alice", "alice", "bob"].map(session);
    for row in [&first, &second, &other] {
        store.create(row, NO_SESSIONS).await;
    }
    let third = session("alice");
    let ended = store.create(&third, RevokeTarget::AllExcept("alice", first.id)).await;
    let rule = "create, AllExcept: must end all sessions of the subject except the kept one and the new one";
    same(rule, ended, set([second.id]));
    let fourth = session("alice");
    let ended = store.create(&fourth, RevokeTarget::AllOf("alice")).await;
    let rule = "create, AllOf: must end all sessions of the subject except the new one";
    same(rule, ended, set([first.id, third.id]));
    same("create, AllOf: must not end the new session", store.list("alice", NOW).await, vec![fourth]);
    same("create, AllOf: must not end sessions of other subjects", store.list("bob", NOW).await, vec![other]);
}

pub(super) async fn replaced_sessions_are_marked_and_logged<S: SessionStore>(store: &Subject<S>) {
    let rows = ["alice", "alice", "alice", "bob", "bob", "carol"].map(session);
    for row in &rows {
        store.create(row, NO_SESSIONS).await;
    }
    let [own, other, kept, bobs, bobs_other, carols] = rows.each_ref().map(|row| row.id);
    let new = session("alice");
    let ended = store.create(&new, RevokeTarget::Replaced(&[])).await;
    same("create, Replaced: must end no session if none is named", ended, set([]));
    let ended = store.create(&session("alice"), RevokeTarget::Replaced(&[own, own])).await;
    same("create, Replaced: must return the sessions that ended now, each once", ended, set([own]));
    store.revoke(RevokeTarget::Sessions(&[other]), at(1)).await;
    let ended = store.create(&session("bob"), RevokeTarget::Renewed("bob", bobs)).await;
    let rule = "create, Renewed: must end all sessions of the subject except the new one";
    same(rule, ended, set([bobs, bobs_other]));
    let unwanted = session("bob");
    let ended = store.create(&unwanted, RevokeTarget::Renewed("bob", bobs)).await;
    let rule = "create, Renewed: must change nothing if the session to replace has already ended";
    same(rule, (ended, store.find(unwanted.id).await), (set([]), None));
    let ended = store.revoke(RevokeTarget::Replaced(&[own, carols]), at(2)).await;
    same("revoke, Replaced: must return only the sessions that ended now", ended, set([carols]));
    store.revoke(RevokeTarget::AllExcept("alice", kept), at(2)).await;

    let replaced = set([own, bobs, carols]);
    for id in [own, other, bobs, bobs_other, carols, new.id] {
        let row = store.find(id).await.expect("create, revoke: must keep the row of an ended session");
        assert!(row.revoked_at.is_some(), "store_conformance: create, revoke: must set `revoked_at`: {row:?}");
        let rule = "create, revoke: must set `replaced` for exactly the sessions that Replaced and Renewed name";
        same(rule, row.replaced, replaced.contains(&id));
    }
    let log = store.log(0).await;
    same("create, revoke: must log each session that ended once", log.len(), 7);
    for entry in log {
        let rule = "revocations: the kind must be `Replaced` if the row has `replaced`, and `Ended` otherwise";
        let kind = if replaced.contains(&entry.session) { RevocationKind::Replaced } else { RevocationKind::Ended };
        same(rule, entry.kind, kind);
    }
    let row = store.find(kept).await.expect("revoke, AllExcept: must keep the row of the kept session");
    let unchanged = row.revoked_at.is_none() && !row.replaced;
    assert!(unchanged, "store_conformance: revoke, AllExcept: must not change the kept session: {row:?}");
}

pub(super) async fn revoke_ends_and_logs_once<S: SessionStore>(store: &Subject<S>) {
    let [row, other] = [session("alice"), session("alice")];
    store.create(&row, NO_SESSIONS).await;
    store.create(&other, NO_SESSIONS).await;
    same("revoke: must end no session if none is named", store.revoke(NO_SESSIONS, at(1)).await, set([]));
    let ended = store.revoke(RevokeTarget::AllOf("stranger"), at(1)).await;
    same("revoke: must end no session of a subject without sessions", ended, set([]));
    same("revoke: must not log sessions that did not end", store.log(0).await, vec![]);

    let ended = store.revoke(RevokeTarget::Sessions(&[row.id, row.id]), at(2)).await;
    same("revoke, Sessions: must return the sessions that ended now, each once", ended, set([row.id]));
    let again = store.revoke(RevokeTarget::Sessions(&[row.id]), at(3)).await;
    same("revoke: must not return a session that had ended before", again, set([]));
    let ended = Session { revoked_at: Some(at(2)), ..row };
    let rule = "revoke: must keep the first `revoked_at` and change no other field";
    same(rule, store.find(ended.id).await, Some(ended.clone()));
    same("revoke, Sessions: must not end a session that is not named", store.find(other.id).await, Some(other));
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.at)).collect();
    same("revoke: must log a session once, with the time it ended", log, vec![(ended.id, at(2))]);
}

/// A session's row can be lost, for example when an older backup is restored. The servers still accept the session's
/// access tokens until they find an entry for the session in the log.
pub(super) async fn a_named_session_without_a_row_is_logged<S: SessionStore>(store: &Subject<S>) {
    let kept = session("alice");
    store.create(&kept, NO_SESSIONS).await;
    let [one, other, renewed, held, replaced] = [(); 5].map(|()| SessionId::random());
    let ended = store.revoke(RevokeTarget::Sessions(&[one, other, one]), at(1)).await;
    same("revoke: must not return a session without a row", ended, set([]));
    let ended = store.revoke(RevokeTarget::Renewed("bob", renewed), at(2)).await;
    same("revoke, Renewed: must not return a session without a row", ended, set([]));
    let ended = store.create(&session("carol"), RevokeTarget::Replaced(&[held])).await;
    same("create, Replaced: must not return a session without a row", ended, set([]));
    let ended = store.create(&session("carol"), RevokeTarget::Renewed("dora", replaced)).await;
    same("create, Renewed: must not return a session without a row", ended, set([]));
    let logged: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.kind)).collect();
    let rule = "revoke, create: must log each session that is named but has no row, once per call";
    let (end, replacement) = (RevocationKind::Ended, RevocationKind::Replaced);
    same(rule, logged.len(), 5);
    let expected = [(one, end), (other, end), (renewed, replacement), (held, replacement), (replaced, replacement)];
    for entry in expected {
        assert!(logged.contains(&entry), "store_conformance: {rule}: {entry:?} is not in {logged:?}");
    }
    same("revoke, create: must end no other session", store.list("alice", at(3)).await, vec![kept]);
}

pub(super) async fn revoke_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [a, b, c, other] = ["alice", "alice", "alice", "bob"].map(session);
    for row in [&a, &b, &c, &other] {
        store.create(row, NO_SESSIONS).await;
    }
    let ended = store.revoke(RevokeTarget::AllOf("stranger"), at(1)).await;
    same("revoke, AllOf: must return nothing for a subject without sessions", ended, set([]));
    let ended = store.revoke(RevokeTarget::AllExcept("alice", b.id), at(1)).await;
    same("revoke, AllExcept: must end all sessions of the subject except one", ended, set([a.id, c.id]));
    same("revoke, AllExcept: must not end the kept session", store.list("alice", at(1)).await, vec![b.clone()]);
    let ended = store.revoke(RevokeTarget::AllExcept("alice", other.id), at(2)).await;
    same("revoke, AllExcept: must end all sessions if the kept session is another subject's", ended, set([b.id]));
    let ended = store.revoke(RevokeTarget::AllOf("alice"), at(3)).await;
    same("revoke, AllOf: must not return sessions that had ended before", ended, set([]));
    same("revoke, AllOf: must not end sessions of other subjects", store.find(other.id).await, Some(other.clone()));
    let ended = store.revoke(RevokeTarget::AllOf("bob"), at(4)).await;
    same("revoke, AllOf: must end all sessions of the subject", ended, set([other.id]));
    let logged = store.log(0).await.iter().map(|entry| entry.session).collect::<Vec<_>>();
    same("revoke: must log each session once", logged.len(), 4);
    same("revoke: must log every session that ended", logged.into_iter().collect(), set([a.id, b.id, c.id, other.id]));
}

pub(super) async fn an_ended_session_never_lives_again<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    store.revoke(RevokeTarget::Sessions(&[row.id]), at(1)).await;
    let ended = Session { revoked_at: Some(at(1)), ..row.clone() };
    for generation in [0, 1, 2] {
        let again = Rotation { auth_time: Some(at(2)), ..next(2) };
        same("rotate: must return `None` for an ended session", store.rotate(row.id, generation, again).await, None);
    }
    same("rotate: must not change an ended session", store.find(row.id).await, Some(ended));
    store.confirm(row.id, 1).await;
    let result = store.0.create(&row, NO_SESSIONS).await;
    assert!(
        result.is_err(),
        "store_conformance: create: must return an error for the id of an ended session; returned {result:?}"
    );
    let revoked_at = store.find(row.id).await.and_then(|row| row.revoked_at);
    same("create, confirm, rotate: must not make an ended session live again", revoked_at, Some(at(1)));
    same("list: must not return an ended session", store.list("alice", at(2)).await, vec![]);
}

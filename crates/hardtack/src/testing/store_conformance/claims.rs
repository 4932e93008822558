//! Changing the claims of sessions.

use std::future::Future;
use std::pin::Pin;

use super::subject::{NO_SESSIONS, RACERS, Subject, all, at, next, same, session, set};
use crate::clock::Timestamp;
use crate::session::{RevocationKind, RevokeTarget, Session, SessionStore};

const READER: &str = r#"{"role":"reader","name":"Zoë 🦀","quote":"'\"\\/"}"#;

pub(super) async fn outdate_changes_claims<S: SessionStore>(store: &Subject<S>) {
    let full = Session {
        claims: Some(r#"{"role":"editor"}"#.into()),
        user_agent: Some("Firefox \u{7f} \"ü\"".into()),
        address: Some("2001:db8::1".into()),
        persistent: true,
        confirmed: true,
        salt: [0xff; 16],
        created_at: Timestamp::from_unix_seconds(-1),
        // A 64-bit floating-point number cannot represent this number.
        generation: (1 << 53) + 1,
        ..session("alice")
    };
    let plain = session("alice");
    let [ended, other] = [session("alice"), session("bob")];
    for row in [&full, &plain, &ended, &other] {
        store.create(row, NO_SESSIONS).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(1)).await;
    let position = store.page(0, 1).await.head;
    let ended = store.find(ended.id).await;

    let outdated = store.outdate("alice", Some(READER), at(2)).await;
    let expected = [(full.id, full.generation), (plain.id, 1)];
    let rule = "outdate: must return each of the subject's live sessions once, with its generation";
    same(rule, outdated, expected.into());
    let changed = |row: Session| Session { claims: Some(READER.into()), outdated_generation: row.generation, ..row };
    for row in [full, plain].map(changed) {
        let found = store.find(row.id).await.expect("outdate: must keep the row");
        same("outdate: must set the claims", &found.claims, &row.claims);
        same("outdate: must set the claims and the outdated generation, and no other field", found, row.clone());
        let entry = store.log(position).await.into_iter().find(|entry| entry.session == row.id);
        let entry = entry.expect("outdate: must write the session to the log");
        same("outdate: must log the outdated generation", entry.kind, RevocationKind::Outdated(row.generation));
        same("outdate: must log the time that it was given", entry.at, at(2));
    }
    same("outdate: must log each session once", store.log(position).await.len(), 2);
    for row in [ended.expect("revoke: must keep the row of the ended session"), other] {
        same(
            "outdate: must not change ended sessions or sessions of other subjects",
            store.find(row.id).await,
            Some(row),
        );
    }
    let outdated = store.outdate("stranger", Some(READER), at(2)).await;
    same("outdate: must return nothing for a subject without sessions", outdated, [].into());
    same("outdate: must not log sessions that it did not change", store.log(position).await.len(), 2);
}

pub(super) async fn outdate_without_claims_keeps_them<S: SessionStore>(store: &Subject<S>) {
    let with = Session { claims: Some(READER.into()), ..session("alice") };
    let without = session("alice");
    for row in [&with, &without] {
        store.create(row, NO_SESSIONS).await;
    }
    let outdated = store.outdate("alice", None, at(1)).await;
    let expected = [(with.id, 1), (without.id, 1)];
    same("outdate, without claims: must return each session once", outdated, expected.into());
    for row in [with, without] {
        let outdated = Session { outdated_generation: 1, ..row };
        same("outdate, without claims: must keep the claims of the row", store.find(outdated.id).await, Some(outdated));
    }
}

pub(super) async fn an_outdated_session_stays_live<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await;
    store.outdate("alice", Some(READER), at(1)).await;
    let rotated = store.rotate(row.id, 1, next(2)).await.expect("rotate: must rotate an outdated session");
    same("rotate: must keep the claims that `outdate` set", rotated.claims.as_deref(), Some(READER));
    same("rotate: must keep the outdated generation", (rotated.generation, rotated.outdated_generation), (2, 1));
    store.confirm(row.id, 2).await;
    for (seconds, claims) in [(3, "{}"), (4, READER)] {
        let outdated = store.outdate("alice", Some(claims), at(seconds)).await;
        same(
            "outdate: must return the current generation, even if it is already outdated",
            outdated,
            [(row.id, 2)].into(),
        );
    }
    let again = Session { confirmed: true, outdated_generation: 2, ..rotated };
    same("outdate: must not change other fields", store.find(row.id).await, Some(again.clone()));
    same("list: must return outdated sessions", store.list("alice", at(4)).await, vec![again]);
    let ended = store.revoke(RevokeTarget::AllOf("alice"), at(5)).await;
    same("revoke: must end an outdated session", ended, set([row.id]));
    let outdated = store.outdate("alice", Some("{}"), at(6)).await;
    same("outdate: must not return an ended session", outdated, [].into());
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.kind)).collect();
    let outdated = [1, 2, 2].map(RevocationKind::Outdated);
    let expected: Vec<_> = outdated.into_iter().chain([RevocationKind::Ended]).map(|what| (row.id, what)).collect();
    same("revocations: must return every entry of a session, in order", log, expected);
    let log = store.log(0).await;
    let dense = log.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence);
    assert!(dense, "store_conformance: revocations: each sequence number must be the previous one plus one: {log:?}");
    let pruned = store.prune(at(100), 100).await;
    same("prune: must delete the session and its log entries, and count both", pruned, 5);
}

/// Checks that, whatever order the calls commit in, every generation with the old claims becomes outdated, and every
/// later generation has the new claims.
pub(super) async fn rotations_race_with_outdate<S: SessionStore>(store: &Subject<S>) {
    const OLD: &str = r#"{"role":"editor"}"#;
    for turn in 0..RACERS {
        let row = Session { claims: Some(OLD.into()), ..session("alice") };
        store.create(&row, NO_SESSIONS).await;
        let position = store.page(0, 1).await.head;
        let rotated = std::sync::Mutex::new(Vec::new());
        type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
        let rotate = |generation: usize| -> Racer<'_> {
            let rotated = &rotated;
            Box::pin(async move {
                let row = store.rotate(row.id, generation as u64, next(1)).await;
                rotated.lock().expect("no racer panics while it holds the lock").extend(row);
            })
        };
        let change = || -> Racer<'_> { Box::pin(async { drop(store.outdate("alice", Some(READER), at(1)).await) }) };
        all((0..RACERS).map(|racer| if racer == turn { change() } else { rotate(racer + 1) })).await;
        let log = store.log(position).await;
        let what = log.iter().find(|entry| entry.session == row.id).map(|entry| entry.kind);
        let found = store.find(row.id).await.expect("find: must return the row of a session that was created");
        same(
            "outdate: row and log must have the same outdated generation",
            what,
            Some(RevocationKind::Outdated(found.outdated_generation)),
        );
        same("outdate: a concurrent rotation must not restore the old claims", found.claims.as_deref(), Some(READER));
        for row in rotated.into_inner().expect("no racer panics while it holds the lock") {
            let claims = if row.generation <= found.outdated_generation { OLD } else { READER };
            same(
                "rotate: a generation that is not outdated must have the new claims",
                row.claims.as_deref(),
                Some(claims),
            );
        }
        store.revoke(RevokeTarget::AllOf("alice"), at(2)).await;
    }
}

//! Changing the claims of sessions.

use std::future::Future;
use std::pin::Pin;

use super::subject::{NOBODY, RACERS, Subject, all, at, next, same, session, set};
use crate::clock::Timestamp;
use crate::session::{RevocationKind, RevokeTarget, Session, SessionStore};

const READER: &str = r#"{"role":"reader","name":"Zoë 🦀","quote":"'\"\\/"}"#;

pub(super) async fn outdate_changes_the_claims<S: SessionStore>(store: &Subject<S>) {
    let full = Session {
        claims: Some(r#"{"role":"editor"}"#.into()),
        user_agent: Some("Firefox \u{7f} \"ü\"".into()),
        address: Some("2001:db8::1".into()),
        persistent: true,
        confirmed: true,
        salt: [0xff; 16],
        created_at: Timestamp::from_unix_seconds(-1),
        // An IEEE 754 number cannot represent it.
        generation: (1 << 53) + 1,
        ..session("alice")
    };
    let plain = session("alice");
    let [ended, other] = [session("alice"), session("bob")];
    for row in [&full, &plain, &ended, &other] {
        store.create(row, NOBODY).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(1)).await;
    let position = store.page(0, 1).await.head;
    let ended = store.find(ended.id).await;

    let answer = store.outdate("alice", Some(READER), at(2)).await;
    let expected = [(full.id, full.generation), (plain.id, 1)];
    same("outdate: answers the sessions that go on, each once, with its generation", answer, expected.into());
    let changed = |row: Session| Session { claims: Some(READER.into()), outdated_generation: row.generation, ..row };
    for row in [full, plain].map(changed) {
        let found = store.find(row.id).await.expect("outdate: the row is there");
        same("outdate: sets the claims", &found.claims, &row.claims);
        same("outdate: sets the outdated generation, and nothing else", found, row.clone());
        let entry = store.log(position).await.into_iter().find(|entry| entry.session == row.id);
        let entry = entry.expect("outdate: the session is in the log");
        same("outdate: logs the generation", entry.kind, RevocationKind::Outdated(row.generation));
        same("outdate: logs the time", entry.at, at(2));
    }
    same("outdate: logs each session once", store.log(position).await.len(), 2);
    for row in [ended.expect("an ended session keeps its row"), other] {
        same("outdate: ended sessions and other subjects are left alone", store.find(row.id).await, Some(row));
    }
    let answer = store.outdate("nobody", Some(READER), at(2)).await;
    same("outdate: a subject without sessions", answer, [].into());
    same("outdate: what did not change is not logged", store.log(position).await.len(), 2);
}

pub(super) async fn outdate_may_leave_the_claims<S: SessionStore>(store: &Subject<S>) {
    let with = Session { claims: Some(READER.into()), ..session("alice") };
    let without = session("alice");
    for row in [&with, &without] {
        store.create(row, NOBODY).await;
    }
    let answer = store.outdate("alice", None, at(1)).await;
    same("outdate, no claims: answers the sessions", answer, [(with.id, 1), (without.id, 1)].into());
    for row in [with, without] {
        let outdated = Session { outdated_generation: 1, ..row };
        same("outdate, no claims: leaves those of the row", store.find(outdated.id).await, Some(outdated));
    }
}

pub(super) async fn an_outdated_session_goes_on<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    store.outdate("alice", Some(READER), at(1)).await;
    let rotated = store.rotate(row.id, 1, next(2)).await.expect("an outdated session rotates");
    same("rotate: keeps the new claims", rotated.claims.as_deref(), Some(READER));
    same("rotate: keeps the outdated generation", (rotated.generation, rotated.outdated_generation), (2, 1));
    store.confirm(row.id, 2).await;
    for (seconds, claims) in [(3, "{}"), (4, READER)] {
        let answer = store.outdate("alice", Some(claims), at(seconds)).await;
        same("outdate: again, with the newest generation", answer, [(row.id, 2)].into());
    }
    let again = Session { confirmed: true, outdated_generation: 2, ..rotated };
    same("outdate: leaves the rest as it is", store.find(row.id).await, Some(again.clone()));
    same("list: an outdated session is live", store.list("alice", at(4)).await, vec![again]);
    same("revoke: ends an outdated session", store.revoke(RevokeTarget::AllOf("alice"), at(5)).await, set([row.id]));
    same("outdate: not after the end", store.outdate("alice", Some("{}"), at(6)).await, [].into());
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.kind)).collect();
    let outdated = [1, 2, 2].map(RevocationKind::Outdated);
    let expected: Vec<_> = outdated.into_iter().chain([RevocationKind::Ended]).map(|what| (row.id, what)).collect();
    same("revocations: what happened to a session, in order", log, expected);
    let log = store.log(0).await;
    let dense = log.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence);
    assert!(dense, "store_conformance: revocations: the sequence grows by one: {log:?}");
    same("prune: forgets the session and its entries", store.prune(at(100), 100).await, 5);
}

/// In either order, a generation has the old claims and is outdated, or has the new ones.
pub(super) async fn rotations_race_with_a_change<S: SessionStore>(store: &Subject<S>) {
    const OLD: &str = r#"{"role":"editor"}"#;
    for turn in 0..RACERS {
        let row = Session { claims: Some(OLD.into()), ..session("alice") };
        store.create(&row, NOBODY).await;
        let position = store.page(0, 1).await.head;
        let rotated = std::sync::Mutex::new(Vec::new());
        type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
        let rotate = |generation: usize| -> Racer<'_> {
            let rotated = &rotated;
            Box::pin(async move {
                let row = store.rotate(row.id, generation as u64, next(1)).await;
                rotated.lock().expect("no racer panics").extend(row);
            })
        };
        let change = || -> Racer<'_> { Box::pin(async { drop(store.outdate("alice", Some(READER), at(1)).await) }) };
        all((0..RACERS).map(|racer| if racer == turn { change() } else { rotate(racer + 1) })).await;
        let log = store.log(position).await;
        let what = log.iter().find(|entry| entry.session == row.id).map(|entry| entry.kind);
        let found = store.find(row.id).await.expect("the session has its row");
        same("outdate: the row and the log agree", what, Some(RevocationKind::Outdated(found.outdated_generation)));
        same("outdate: no racing rotation undoes it", found.claims.as_deref(), Some(READER));
        for row in rotated.into_inner().expect("no racer panics") {
            let claims = if row.generation <= found.outdated_generation { OLD } else { READER };
            same("rotate: a generation that is not outdated has the new claims", row.claims.as_deref(), Some(claims));
        }
        store.revoke(RevokeTarget::AllOf("alice"), at(2)).await;
    }
}

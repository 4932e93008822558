//! The revocation log and pruning.

use super::subject::{NO_SESSIONS, Subject, at, same, session};
use crate::session::{RevokeTarget, Session, SessionStore};

pub(super) async fn the_log_is_in_order<S: SessionStore>(store: &Subject<S>) {
    same("revocations: must return nothing for an empty log", store.log(0).await, vec![]);
    let before = store.page(0, 10).await.head;
    let rows = [0, 1, 2, 3, 4].map(|_| session("alice"));
    for row in &rows {
        store.create(row, NO_SESSIONS).await;
    }
    // Different processes can have different clocks. The log must therefore be sorted by the order in which its entries
    // were written, not by their times.
    for (row, seconds) in rows.iter().zip([5, 4, 3, 2, 1]) {
        store.revoke(RevokeTarget::Sessions(&[row.id]), at(seconds)).await;
    }
    let log = store.log(0).await;
    let entries: Vec<_> = log.iter().map(|entry| (entry.session, entry.at)).collect();
    let written: Vec<_> = rows.iter().zip([5, 4, 3, 2, 1]).map(|(row, seconds)| (row.id, at(seconds))).collect();
    same("revocations: must return all entries after zero, in the order of the writes", entries, written);
    same("revocations: the number of the first entry must follow the number of the head", log[0].sequence, before + 1);
    let dense = log.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence) && log[0].sequence > 0;
    assert!(
        dense,
        "store_conformance: revocations: sequence numbers must start above zero and increase by one: {log:?}"
    );
    for (read, entry) in log.iter().enumerate() {
        let rest = log[read + 1..].to_vec();
        same("revocations: must return only entries after the position", store.log(entry.sequence).await, rest);
    }
    same(
        "revocations: must return nothing after a position past the end of the log",
        store.log(u64::MAX).await,
        vec![],
    );
    let head = log[4].sequence;
    same("revocations: the head must be the number of the newest entry", store.page(u64::MAX, 10).await.head, head);
    let page = store.page(log[0].sequence, 2).await;
    same("revocations: must return no more entries than the limit", page.entries, log[1..3].to_vec());
    same("revocations: the head must not depend on the page", page.head, head);
}

pub(super) async fn prune_deletes_only_what_has_ended<S: SessionStore>(store: &Subject<S>) {
    let until = |seconds| Session { expires_at: at(seconds), ..session("alice") };
    let [expired, expiring, live] = [until(99), until(100), until(101)];
    let [ended, ending] = [until(1000), until(1000)];
    for row in [&expired, &expiring, &live, &ended, &ending] {
        store.create(row, NO_SESSIONS).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(99)).await;
    store.revoke(RevokeTarget::Sessions(&[ending.id]), at(100)).await;
    let last = store.log(0).await.pop().expect("revoke: must write each ended session to the log");

    same("prune: must delete nothing if the limit is zero", store.prune(at(100), 0).await, 0);
    same("prune: must return how many sessions and log entries it deleted", store.prune(at(100), 100).await, 3);
    for row in [&expired, &ended] {
        same("prune: must delete sessions that ended before the given time", store.find(row.id).await, None);
    }
    same(
        "prune: must keep a session that expires at the given time",
        store.find(expiring.id).await,
        Some(expiring.clone()),
    );
    let revoked = Session { revoked_at: Some(at(100)), ..ending };
    same("prune: must keep a session that was revoked at the given time", store.find(revoked.id).await, Some(revoked));
    same("prune: must keep a live session", store.find(live.id).await, Some(live.clone()));
    same("prune: must keep log entries from the given time on", store.log(0).await, vec![last]);
    same("prune: must return zero if nothing is left to delete", store.prune(at(100), 100).await, 0);

    same("prune: must delete the remaining rows if a later time is given", store.prune(at(101), 100).await, 3);
    same("prune: must delete every log entry that is older than the given time", store.log(0).await, vec![]);
    same("prune: must not change the head", store.page(0, 10).await.head, last.sequence);
    store.revoke(RevokeTarget::Sessions(&[live.id]), at(100)).await;
    let next: Vec<_> = store.log(last.sequence).await.iter().map(|entry| (entry.sequence, entry.session)).collect();
    let rule = "revocations: sequence numbers must continue after entries were pruned";
    same(rule, next, vec![(last.sequence + 1, live.id)]);
}

pub(super) async fn prune_respects_its_limit<S: SessionStore>(store: &Subject<S>) {
    let dead = [0, 1, 2, 3, 4, 5].map(|_| Session { expires_at: at(10), ..session("alice") });
    let live = session("alice");
    for row in dead.iter().chain([&live]) {
        store.create(row, NO_SESSIONS).await;
    }
    let ended: Vec<_> = dead[..4].iter().map(|row| row.id).collect();
    store.revoke(RevokeTarget::Sessions(&ended), at(5)).await;
    let (mut rows, mut counts) = (10, Vec::new());
    while rows > 0 && counts.len() < 10 {
        let deleted = store.prune(at(100), 4).await;
        assert!(deleted <= 4, "store_conformance: prune: must delete at most 4, the limit; returned {deleted}");
        let mut left = store.log(0).await.len();
        for row in &dead {
            left += usize::from(store.find(row.id).await.is_some());
        }
        same("prune: must return how many it deleted", rows - left, usize::try_from(deleted).unwrap_or(usize::MAX));
        rows = left;
        counts.push(deleted);
    }
    same("prune: must delete as many as the limit while enough are left", counts, vec![4, 4, 2]);
    same("prune: must keep a live session", store.find(live.id).await, Some(live));
}

//! The revocation log, and pruning.

use super::subject::{NOBODY, Subject, at, same, session};
use crate::session::{RevokeTarget, Session, SessionStore};

pub(super) async fn the_log_is_in_order<S: SessionStore>(store: &Subject<S>) {
    same("revocations: empty before any", store.log(0).await, vec![]);
    let before = store.page(0, 10).await.head;
    let rows = [0, 1, 2, 3, 4].map(|_| session("alice"));
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    // The clock of a process may be behind: the log is in the order of the writes.
    for (row, seconds) in rows.iter().zip([5, 4, 3, 2, 1]) {
        store.revoke(RevokeTarget::Sessions(&[row.id]), at(seconds)).await;
    }
    let log = store.log(0).await;
    let entries: Vec<_> = log.iter().map(|entry| (entry.session, entry.at)).collect();
    let written: Vec<_> = rows.iter().zip([5, 4, 3, 2, 1]).map(|(row, seconds)| (row.id, at(seconds))).collect();
    same("revocations: all since the beginning, in order", entries, written);
    same("revocations: the first follows the head", log[0].sequence, before + 1);
    let dense = log.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence) && log[0].sequence > 0;
    assert!(dense, "store_conformance: revocations: the sequence begins above zero and grows by one: {log:?}");
    for (read, entry) in log.iter().enumerate() {
        let rest = log[read + 1..].to_vec();
        same("revocations: only those behind the position", store.log(entry.sequence).await, rest);
    }
    same("revocations: none behind a position ahead of the log", store.log(u64::MAX).await, vec![]);
    let head = log[4].sequence;
    same("revocations: the head is the newest entry's", store.page(u64::MAX, 10).await.head, head);
    let page = store.page(log[0].sequence, 2).await;
    same("revocations: no more than the limit", page.entries, log[1..3].to_vec());
    same("revocations: the head does not depend on the page", page.head, head);
}

pub(super) async fn prune_forgets_only_what_has_ended<S: SessionStore>(store: &Subject<S>) {
    let until = |seconds| Session { expires_at: at(seconds), ..session("alice") };
    let [expired, expiring, live] = [until(99), until(100), until(101)];
    let [ended, ending] = [until(1000), until(1000)];
    for row in [&expired, &expiring, &live, &ended, &ending] {
        store.create(row, NOBODY).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(99)).await;
    store.revoke(RevokeTarget::Sessions(&[ending.id]), at(100)).await;
    let last = store.log(0).await.pop().expect("the log has two entries");

    same("prune: a limit of zero forgets none", store.prune(at(100), 0).await, 0);
    same("prune: answers the sessions and the log entries", store.prune(at(100), 100).await, 3);
    for row in [&expired, &ended] {
        same("prune: forgets what ended before", store.find(row.id).await, None);
    }
    same("prune: keeps what ended at that second", store.find(expiring.id).await, Some(expiring.clone()));
    let revoked = Session { revoked_at: Some(at(100)), ..ending };
    same("prune: keeps what was ended at that second", store.find(revoked.id).await, Some(revoked));
    same("prune: keeps a live session", store.find(live.id).await, Some(live.clone()));
    same("prune: keeps the log from that second on", store.log(0).await, vec![last]);
    same("prune: has nothing left to forget", store.prune(at(100), 100).await, 0);

    same("prune: forgets the rest later", store.prune(at(101), 100).await, 3);
    same("prune: the log may be empty", store.log(0).await, vec![]);
    same("prune: the head stays", store.page(0, 10).await.head, last.sequence);
    store.revoke(RevokeTarget::Sessions(&[live.id]), at(100)).await;
    let grows: Vec<_> = store.log(last.sequence).await.iter().map(|entry| (entry.sequence, entry.session)).collect();
    same("revocations: the sequence goes on after its entries were pruned", grows, vec![(last.sequence + 1, live.id)]);
}

pub(super) async fn prune_keeps_to_its_limit<S: SessionStore>(store: &Subject<S>) {
    let dead = [0, 1, 2, 3, 4, 5].map(|_| Session { expires_at: at(10), ..session("alice") });
    let live = session("alice");
    for row in dead.iter().chain([&live]) {
        store.create(row, NOBODY).await;
    }
    let ended: Vec<_> = dead[..4].iter().map(|row| row.id).collect();
    store.revoke(RevokeTarget::Sessions(&ended), at(5)).await;
    let (mut rows, mut answered) = (10, Vec::new());
    while rows > 0 && answered.len() < 10 {
        let forgotten = store.prune(at(100), 4).await;
        assert!(forgotten <= 4, "store_conformance: prune: forgot {forgotten} of at most 4");
        let mut left = store.log(0).await.len();
        for row in &dead {
            left += usize::from(store.find(row.id).await.is_some());
        }
        same("prune: answers how many it forgot", rows - left, usize::try_from(forgotten).unwrap_or(usize::MAX));
        rows = left;
        answered.push(forgotten);
    }
    same("prune: forgets as many as it may while there are any", answered, vec![4, 4, 2]);
    same("prune: never a live session", store.find(live.id).await, Some(live));
}

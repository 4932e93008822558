//! What every session store must do, as a test that an implementation runs over itself.
#![allow(clippy::expect_used, clippy::panic, reason = "a test: it fails by panicking with the broken rule")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::session::{
    Ends, Revocation, RevocationPage, Rotation, Session, SessionId, SessionRules, SessionStore, StoreError,
};

/// When the tests' sessions begin.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// How many callers race for one row.
const RACERS: usize = 16;

/// Checks all that [`SessionStore`] promises. `make` answers an empty store each time it is called.
///
/// It runs on any async runtime and brings its own concurrency, in one task. A store that can be used
/// by several threads or processes at once is also to be tested with those: this suite can't start any.
///
/// ```
/// use hardtack::{MemorySessions, testing::store_conformance};
///
/// async fn my_store_is_a_session_store() {
///     store_conformance(|| async { MemorySessions::new() }).await;
/// }
/// # let mut test = std::pin::pin!(my_store_is_a_session_store());
/// # assert!(test.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// # use std::future::Future;
/// ```
///
/// # Panics
/// The store breaks a rule; the message names it.
pub async fn store_conformance<S, F, Fut>(make: F)
where
    S: SessionStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let fresh = async || Subject(make().await);
    rows_come_back_as_they_were_given(&fresh().await).await;
    an_id_is_used_once(&fresh().await).await;
    create_ends_the_sessions_it_names(&fresh().await).await;
    create_ends_the_sessions_of_a_subject(&fresh().await).await;
    the_cause_is_kept_and_logged(&fresh().await).await;
    rotate_writes_the_successor(&fresh().await).await;
    rotate_compares_the_generation(&fresh().await).await;
    rotate_stops_at_the_end_of_the_session(&fresh().await).await;
    confirm_marks_the_newest_generation(&fresh().await).await;
    revoke_ends_and_logs_once(&fresh().await).await;
    revoke_ends_the_sessions_of_a_subject(&fresh().await).await;
    an_ended_session_never_lives_again(&fresh().await).await;
    list_answers_the_live_sessions_of_a_subject(&fresh().await).await;
    subjects_are_compared_byte_by_byte(&fresh().await).await;
    the_log_is_in_order(&fresh().await).await;
    prune_forgets_only_what_has_ended(&fresh().await).await;
    prune_keeps_to_its_limit(&fresh().await).await;
    one_racing_rotation_wins(&fresh().await).await;
    one_racing_creation_wins(&fresh().await).await;
    a_revocation_is_answered_to_one_racer(&fresh().await).await;
    rotations_lose_against_a_revocation(&fresh().await).await;
}

async fn rows_come_back_as_they_were_given<S: SessionStore>(store: &Subject<S>) {
    same("find: an id that was never created has no row", store.find(SessionId::random()).await, None);
    let plain = session("alice");
    let unicode = Session {
        claims: Some(r#"{"name":"Zoë 🦀","roles":["a","b"],"quote":"'\"\\"}"#.into()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) ".repeat(256)),
        address: Some("2001:db8::1".into()),
        salt: [0xff; 16],
        confirmed: true,
        ..session("žluťoučký kůň 用户 🦀 '; DROP TABLE sessions; --")
    };
    let empty = Session {
        id: SessionId::from_u128(0),
        salt: [0; 16],
        claims: Some(String::new()),
        user_agent: Some(String::new()),
        address: Some(String::new()),
        ..session("")
    };
    let extreme = Session {
        persistent: true,
        id: SessionId::from_u128(u128::MAX),
        // Not a number of IEEE 754, so a store that passes through one shows it.
        generation: (1 << 53) + 1,
        created_at: Timestamp::from_unix_seconds(-1),
        rotated_at: at(1),
        auth_time: at(2),
        expires_at: at(3),
        absolute_expires_at: Timestamp::from_unix_seconds(253_402_300_799),
        ..session("the edges")
    };
    let ended = Session { revoked_at: Some(at(7)), ..session("long gone") };
    let replaced = Session { revoked_at: Some(at(7)), replaced: true, ..session("gone on") };
    for row in [plain, unicode, empty, extreme, ended, replaced] {
        store.create(&row, NOBODY).await;
        let found = store.find(row.id).await.expect("create, find: the row is there");
        // One by one, since a session's `Debug` does not show them.
        same("create, find: the salt comes back as it was given", found.salt, row.salt);
        same("create, find: the claims come back as they were given", &found.claims, &row.claims);
        same("create, find: the user agent comes back as it was given", &found.user_agent, &row.user_agent);
        same("create, find: the address comes back as it was given", &found.address, &row.address);
        same("create, find: every field comes back as it was given", found, row);
    }
}

async fn an_id_is_used_once<S: SessionStore>(store: &Subject<S>) {
    let [first, bystander] = [session("alice"), session("alice")];
    store.create(&first, NOBODY).await;
    store.create(&bystander, NOBODY).await;
    let second = Session { id: first.id, ..session("mallory") };
    let answer = store.0.create(&second, Ends::AllOf("alice")).await;
    assert!(answer.is_err(), "store_conformance: create: an id that exists is refused; answered {answer:?}");
    same("create: a refused session changes no row", store.find(first.id).await, Some(first));
    same("create: a refused session ends none", store.find(bystander.id).await, Some(bystander));
    same("create: a refused session logs nothing", store.log(0).await, vec![]);
}

async fn create_ends_the_sessions_it_names<S: SessionStore>(store: &Subject<S>) {
    let [old, other, ended, kept] = ["alice", "bob", "alice", "alice"].map(session);
    for row in [&old, &other, &ended, &kept] {
        same("create: no session ends where none is named", store.create(row, NOBODY).await, set([]));
    }
    store.revoke(Ends::These(&[ended.id]), at(1)).await;
    let position = store.log(0).await.first().map_or(0, |entry| entry.sequence);

    let new = Session { created_at: at(5), rotated_at: at(5), ..session("alice") };
    let names = [old.id, other.id, old.id, ended.id, SessionId::random()];
    let answer = store.create(&new, Ends::These(&names)).await;
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

async fn create_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [first, second, other] = ["alice", "alice", "bob"].map(session);
    for row in [&first, &second, &other] {
        store.create(row, NOBODY).await;
    }
    let third = session("alice");
    let answer = store.create(&third, Ends::OthersOf("alice", first.id)).await;
    same("create, OthersOf: answers all of the subject but the kept and the new one", answer, set([second.id]));
    let fourth = session("alice");
    let answer = store.create(&fourth, Ends::AllOf("alice")).await;
    same("create, AllOf: answers all of the subject but the new one", answer, set([first.id, third.id]));
    same("create, AllOf: the new session is live", store.list("alice", NOW).await, vec![fourth]);
    same("create, AllOf: other subjects are left alone", store.list("bob", NOW).await, vec![other]);
}

async fn the_cause_is_kept_and_logged<S: SessionStore>(store: &Subject<S>) {
    let rows = ["alice", "alice", "alice", "bob", "bob", "carol"].map(session);
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    let [own, other, kept, bobs, bobs_other, carols] = rows.each_ref().map(|row| row.id);
    let new = session("alice");
    let nobody = Ends::Replacing(&[]);
    same("create, Replacing: no session ends where none is named", store.create(&new, nobody).await, set([]));
    let answer = store.create(&session("alice"), Ends::Replacing(&[own, own, SessionId::random()])).await;
    same("create, Replacing: answers those that ended now, each once", answer, set([own]));
    store.revoke(Ends::These(&[other]), at(1)).await;
    let answer = store.create(&session("bob"), Ends::Renewing("bob", bobs)).await;
    same("create, Renewing: answers all of the subject but the new one", answer, set([bobs, bobs_other]));
    let answer = store.revoke(Ends::Replacing(&[own, carols]), at(2)).await;
    same("revoke, Replacing: answers those that ended now", answer, set([carols]));
    store.revoke(Ends::OthersOf("alice", kept), at(2)).await;

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
        same(rule, entry.replaced, replaced.contains(&entry.session));
    }
    let row = store.find(kept).await.expect("the kept session has its row");
    assert!(row.revoked_at.is_none() && !row.replaced, "store_conformance: a live session is not replaced: {row:?}");
}

async fn rotate_writes_the_successor<S: SessionStore>(store: &Subject<S>) {
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

async fn rotate_compares_the_generation<S: SessionStore>(store: &Subject<S>) {
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

async fn rotate_stops_at_the_end_of_the_session<S: SessionStore>(store: &Subject<S>) {
    let row = Session { expires_at: at(100), ..session("alice") };
    store.create(&row, NOBODY).await;
    for late in [100, 101] {
        same("rotate: a session is dead from the second it expires", store.rotate(row.id, 1, next(late)).await, None);
    }
    same("rotate: a miss changes nothing", store.find(row.id).await, Some(row.clone()));
    let rotated = store.rotate(row.id, 1, next(99)).await;
    assert!(rotated.is_some(), "store_conformance: rotate: a session lives until the second before it expires");
}

async fn confirm_marks_the_newest_generation<S: SessionStore>(store: &Subject<S>) {
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

async fn revoke_ends_and_logs_once<S: SessionStore>(store: &Subject<S>) {
    let [row, other] = [session("alice"), session("alice")];
    store.create(&row, NOBODY).await;
    store.create(&other, NOBODY).await;
    same("revoke: an empty list ends none", store.revoke(NOBODY, at(1)).await, set([]));
    let unknown = SessionId::random();
    same("revoke: an unknown id ends none", store.revoke(Ends::These(&[unknown]), at(1)).await, set([]));
    same("revoke: what did not end is not logged", store.log(0).await, vec![]);

    let answer = store.revoke(Ends::These(&[row.id, unknown, row.id]), at(2)).await;
    same("revoke, These: answers those that ended now, each once", answer, set([row.id]));
    same("revoke: a second time ends none", store.revoke(Ends::These(&[row.id]), at(3)).await, set([]));
    let ended = Session { revoked_at: Some(at(2)), ..row };
    same("revoke: the first time stands, and nothing else changes", store.find(ended.id).await, Some(ended.clone()));
    same("revoke, These: a session that is not named lives", store.find(other.id).await, Some(other));
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.at)).collect();
    same("revoke: a session is logged once, when it ended", log, vec![(ended.id, at(2))]);
}

async fn revoke_ends_the_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let [a, b, c, other] = ["alice", "alice", "alice", "bob"].map(session);
    for row in [&a, &b, &c, &other] {
        store.create(row, NOBODY).await;
    }
    same("revoke, AllOf: a subject without sessions", store.revoke(Ends::AllOf("nobody"), at(1)).await, set([]));
    let answer = store.revoke(Ends::OthersOf("alice", b.id), at(1)).await;
    same("revoke, OthersOf: answers all of the subject but one", answer, set([a.id, c.id]));
    same("revoke, OthersOf: the kept session lives", store.list("alice", at(1)).await, vec![b.clone()]);
    let answer = store.revoke(Ends::OthersOf("alice", other.id), at(2)).await;
    same("revoke, OthersOf: another subject's session keeps none", answer, set([b.id]));
    same(
        "revoke, AllOf: those that had ended are not answered",
        store.revoke(Ends::AllOf("alice"), at(3)).await,
        set([]),
    );
    same("revoke, AllOf: other subjects are left alone", store.find(other.id).await, Some(other.clone()));
    same("revoke, AllOf: answers all of the subject", store.revoke(Ends::AllOf("bob"), at(4)).await, set([other.id]));
    let logged = store.log(0).await.iter().map(|entry| entry.session).collect::<Vec<_>>();
    same("revoke: each session is logged once", logged.len(), 4);
    same("revoke: every session is logged", logged.into_iter().collect(), set([a.id, b.id, c.id, other.id]));
}

async fn an_ended_session_never_lives_again<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    store.revoke(Ends::These(&[row.id]), at(1)).await;
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

async fn list_answers_the_live_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let begun = |seconds| Session { created_at: at(seconds), rotated_at: at(seconds), ..session("alice") };
    let [oldest, newest, middle] = [begun(0), begun(20), begun(10)];
    let brief = Session { expires_at: at(50), ..begun(5) };
    let ended = begun(15);
    for row in [&oldest, &newest, &middle, &brief, &ended, &session("bob")] {
        store.create(row, NOBODY).await;
    }
    store.revoke(Ends::These(&[ended.id]), at(30)).await;
    let listed = async |now| store.list("alice", now).await.iter().map(|row| row.id).collect::<Vec<_>>();
    let all = vec![newest.id, middle.id, brief.id, oldest.id];
    same("list: the live sessions of the subject, the newest first", listed(at(49)).await, all);
    let rest = vec![newest.id, middle.id, oldest.id];
    same("list: a session is dead from the second it expires", listed(at(50)).await, rest.clone());
    let rotated = store.rotate(oldest.id, 1, next(60)).await;
    same("list: the newest log-in is first, whichever was used last", listed(at(60)).await, rest);
    same("list: rows are whole and up to date", store.list("alice", at(60)).await.pop(), rotated);
    same("list: a subject without sessions", store.list("nobody", NOW).await, vec![]);
}

async fn subjects_are_compared_byte_by_byte<S: SessionStore>(store: &Subject<S>) {
    // Those that a collation, a pattern or a trim would take for "alice".
    let names = ["alice", "Alice", "alice ", " alice", "al_ce", "a%", "alicé", "alice\u{301}", "alic\u{e9}\u{301}"];
    for name in names {
        store.create(&session(name), NOBODY).await;
    }
    for name in names {
        let subjects: Vec<_> = store.list(name, NOW).await.into_iter().map(|row| row.subject).collect();
        same("list: a subject is compared byte by byte", subjects, vec![name.to_owned()]);
    }
    for (ended, name) in names.iter().enumerate() {
        same("revoke: a subject is compared byte by byte", store.revoke(Ends::AllOf(name), NOW).await.len(), 1);
        same("revoke: one subject at a time", store.log(0).await.len(), ended + 1);
    }
}

async fn the_log_is_in_order<S: SessionStore>(store: &Subject<S>) {
    same("revocations: empty before any", store.log(0).await, vec![]);
    let before = store.page(0, 10).await.head;
    let rows = [0, 1, 2, 3, 4].map(|_| session("alice"));
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    // The clock of one process may lag: the log's order is that of the writes.
    for (row, seconds) in rows.iter().zip([5, 4, 3, 2, 1]) {
        store.revoke(Ends::These(&[row.id]), at(seconds)).await;
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

async fn prune_forgets_only_what_has_ended<S: SessionStore>(store: &Subject<S>) {
    let until = |seconds| Session { expires_at: at(seconds), ..session("alice") };
    let [expired, expiring, live] = [until(99), until(100), until(101)];
    let [ended, ending] = [until(1000), until(1000)];
    for row in [&expired, &expiring, &live, &ended, &ending] {
        store.create(row, NOBODY).await;
    }
    store.revoke(Ends::These(&[ended.id]), at(99)).await;
    store.revoke(Ends::These(&[ending.id]), at(100)).await;
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
    store.revoke(Ends::These(&[live.id]), at(100)).await;
    let grows: Vec<_> = store.log(last.sequence).await.iter().map(|entry| (entry.sequence, entry.session)).collect();
    same("revocations: the sequence goes on after its entries were pruned", grows, vec![(last.sequence + 1, live.id)]);
}

async fn prune_keeps_to_its_limit<S: SessionStore>(store: &Subject<S>) {
    let dead = [0, 1, 2, 3, 4, 5].map(|_| Session { expires_at: at(10), ..session("alice") });
    let live = session("alice");
    for row in dead.iter().chain([&live]) {
        store.create(row, NOBODY).await;
    }
    let ended: Vec<_> = dead[..4].iter().map(|row| row.id).collect();
    store.revoke(Ends::These(&ended), at(5)).await;
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

async fn one_racing_rotation_wins<S: SessionStore>(store: &Subject<S>) {
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

async fn one_racing_creation_wins<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    let answers = all((0..RACERS).map(|_| store.0.create(&row, NOBODY))).await;
    let created = answers.iter().filter(|answer| answer.is_ok()).count();
    same("create: of those that race with one id exactly one wins", created, 1);
    same("create: the winner's row is kept", store.find(row.id).await, Some(row));
}

async fn a_revocation_is_answered_to_one_racer<S: SessionStore>(store: &Subject<S>) {
    let rows = [session("alice"), session("alice")];
    for row in &rows {
        store.create(row, NOBODY).await;
    }
    let ids = rows.each_ref().map(|row| row.id);
    let ends = [Ends::AllOf("alice"), Ends::These(&ids)];
    let answers = all((0..RACERS).map(|racer| store.revoke(ends[racer % 2], at(1)))).await;
    same("revoke: of those that race a session is answered to exactly one", answers.iter().flatten().count(), 2);
    same("revoke: a race logs each session once", store.log(0).await.len(), 2);
}

async fn rotations_lose_against_a_revocation<S: SessionStore>(store: &Subject<S>) {
    let row = session("alice");
    store.create(&row, NOBODY).await;
    type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
    let rotate = |generation: usize| -> Racer<'_> {
        Box::pin(async move { drop(store.rotate(row.id, generation as u64, next(1)).await) })
    };
    let revoke = |at| -> Racer<'_> { Box::pin(async move { drop(store.revoke(Ends::AllOf("alice"), at).await) }) };
    all((1..RACERS).map(|racer| if racer == RACERS / 2 { revoke(at(1)) } else { rotate(racer) })).await;
    let ended = store.find(row.id).await.expect("revoke: an ended session keeps its row");
    same("revoke: no racing rotation undoes it", ended.revoked_at, Some(at(1)));
    let again = store.rotate(row.id, ended.generation, next(2)).await;
    same("rotate: an ended session answers none", again, None);
}

/// The store under test; a failure of its own is a failed test.
struct Subject<S>(S);

impl<S: SessionStore> Subject<S> {
    async fn create(&self, session: &Session, ends: Ends<'_>) -> BTreeSet<SessionId> {
        each_once("create", done("create", self.0.create(session, ends).await))
    }

    async fn find(&self, id: SessionId) -> Option<Session> {
        done("find", self.0.find(id).await)
    }

    async fn rotate(&self, id: SessionId, generation: u64, rotation: Rotation) -> Option<Session> {
        done("rotate", self.0.rotate(id, generation, rotation).await)
    }

    async fn confirm(&self, id: SessionId, generation: u64) {
        done("confirm", self.0.confirm(id, generation).await);
    }

    async fn revoke(&self, ends: Ends<'_>, now: Timestamp) -> BTreeSet<SessionId> {
        each_once("revoke", done("revoke", self.0.revoke(ends, now).await))
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Vec<Session> {
        done("list", self.0.list(subject, now).await)
    }

    async fn log(&self, after: u64) -> Vec<Revocation> {
        self.page(after, u32::MAX).await.entries
    }

    async fn page(&self, after: u64, limit: u32) -> RevocationPage {
        done("revocations", self.0.revocations(after, limit).await)
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> u64 {
        done("prune", self.0.prune(before, limit).await)
    }
}

fn done<T>(operation: &str, answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("store_conformance: {operation} answers: {error}"))
}

/// The order in which sessions end is the store's own; that each is named once is not.
fn each_once(operation: &str, ids: Vec<SessionId>) -> BTreeSet<SessionId> {
    let unique: BTreeSet<SessionId> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "store_conformance: {operation}: a session is answered once: {ids:?}");
    unique
}

#[track_caller]
fn same<T: PartialEq + Debug>(rule: &str, found: T, expected: T) {
    assert_eq!(found, expected, "store_conformance: {rule} (left: the store's, right: the expected)");
}

/// No session is to end.
const NOBODY: Ends<'static> = Ends::These(&[]);

fn set<const N: usize>(ids: [SessionId; N]) -> BTreeSet<SessionId> {
    ids.into()
}

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn session(subject: &str) -> Session {
    Session::begin(subject, NOW, &SessionRules::default())
}

fn next(seconds: u64) -> Rotation {
    Rotation { now: at(seconds), expires_at: at(seconds + 3600), auth_time: None }
}

/// Runs futures side by side in this task. Each is polled whenever one of them is woken.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<Pin<Box<_>>> = futures.map(Box::pin).collect();
    let mut answers = Vec::new();
    poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::MemorySessions;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn memory_sessions_conform() {
        let mut suite = pin!(store_conformance(|| async { MemorySessions::new() }));
        assert!(suite.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}

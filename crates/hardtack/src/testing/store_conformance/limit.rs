//! Two optional abilities of a store: limiting the number of sessions per user, and listing sessions in pages.

use super::subject::{NO_SESSIONS, RACERS, Subject, all, at, done, each_once, next, same, session, set};
use crate::session::{RevocationKind, RevokeTarget, Session, SessionCursor, SessionStore, StoreAbility};

fn begun(seconds: u64) -> Session {
    Session { created_at: at(seconds), rotated_at: at(seconds), ..session("alice") }
}

pub(super) async fn a_limit_ends_the_least_recently_used<S: SessionStore>(store: &Subject<S>) {
    if !store.0.can(StoreAbility::LimitSessions) {
        let refused = store.0.create_within(&session("alice"), NO_SESSIONS, 3).await;
        assert!(refused.is_err(), "store_conformance: create_within: must return an error if `can` returns false");
        return;
    }
    let create = async |session: &Session, ends: RevokeTarget<'_>, limit: u32| {
        each_once("create_within", done("create_within", store.0.create_within(session, ends, limit).await))
    };
    let [first, second, third] = [begun(0), begun(1), begun(2)];
    let expired = Session { expires_at: at(5), ..begun(3) };
    let bobs = session("bob");
    for row in [&first, &second, &third, &expired, &bobs] {
        same("create_within: must end no session within the limit", create(row, NO_SESSIONS, 10).await, set([]));
    }
    // Use the oldest session, so that it becomes the most recently used one.
    store.rotate(first.id, 1, next(4)).await;
    let fourth = begun(10);
    let ended = create(&fourth, NO_SESSIONS, 3).await;
    same("create_within: must end the least recently used session", ended, set([second.id]));
    let row = store.find(second.id).await.expect("create_within: must keep the row of a session that it has ended");
    same("create_within: the session must end when the new session starts", row.revoked_at, Some(at(10)));
    same("create_within: a session beyond the limit must not be `replaced`", row.replaced, false);
    let log: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.at, entry.kind)).collect();
    let expected = vec![(second.id, at(10), RevocationKind::Ended)];
    same("create_within: must log the session that it has ended", log, expected);

    // The sessions that `ends` selects do not count toward the limit.
    let fifth = begun(11);
    let ended = create(&fifth, RevokeTarget::Replaced(&[third.id, third.id]), 3).await;
    same("create_within: must not count the sessions that `ends` selects", ended, set([third.id]));
    let kinds: Vec<_> = store.log(0).await.iter().map(|entry| (entry.session, entry.kind)).collect();
    let rule = "create_within: must log sessions as `create` does";
    same(rule, kinds[1..].to_vec(), vec![(third.id, RevocationKind::Replaced)]);
    let sixth = begun(12);
    let ended = create(&sixth, RevokeTarget::Sessions(&[bobs.id]), 2).await;
    let rule = "create_within: must end the sessions that `ends` selects, and as many others as the limit requires";
    same(rule, ended, set([first.id, fourth.id, bobs.id]));
    let live: Vec<_> = store.list("alice", at(12)).await.iter().map(|row| row.id).collect();
    same("create_within: must not end sessions within the limit", live, vec![sixth.id, fifth.id]);
    let seventh = begun(13);
    let ended = create(&seventh, RevokeTarget::Renewed("alice", fifth.id), 1).await;
    same(
        "create_within, Renewed: must end the same sessions as `create`",
        ended,
        set([fifth.id, sixth.id, expired.id]),
    );
    let eighth = begun(14);
    let ended = create(&eighth, NO_SESSIONS, 1).await;
    same("create_within: with a limit of one, must end all others", ended, set([seventh.id]));
    let result = store.0.create_within(&eighth, NO_SESSIONS, 1).await;
    assert!(
        result.is_err(),
        "store_conformance: create_within: must return an error for an id that exists; returned {result:?}"
    );
    let found = store.find(eighth.id).await;
    same("create_within: must change nothing if it returns an error", found, Some(eighth));
}

pub(super) async fn pages_are_the_list_in_parts<S: SessionStore>(store: &Subject<S>) {
    if !store.0.can(StoreAbility::ListPages) {
        let refused = store.0.list_page("alice", at(0), None, 3).await;
        assert!(refused.is_err(), "store_conformance: list_page: must return an error if `can` returns false");
        return;
    }
    // Several of the sessions begin in the same second, and some sessions must not be listed.
    for seconds in [7, 3, 3, 9, 3, 1, 9] {
        let text = r#"{"created_at":5,"quote":"\"created_at\":6"}"#;
        let row = Session { claims: Some(text.into()), user_agent: Some(text.into()), ..begun(seconds) };
        store.create(&row, NO_SESSIONS).await;
    }
    let [ended, expired, bobs] = [begun(4), Session { expires_at: at(20), ..begun(5) }, session("bob")];
    for row in [&ended, &expired, &bobs] {
        store.create(row, NO_SESSIONS).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(10)).await;
    store.outdate("alice", Some(r#"{"created_at":8}"#), at(11)).await;

    let now = at(20);
    let all = store.list("alice", now).await;
    same("list: must return the live sessions of the subject", all.len(), 7);
    for limit in [1_u32, 2, 3, 7, 50] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = done("list_page", store.0.list_page("alice", now, after, limit).await);
            let expected = (limit as usize).min(all.len() - pages.len());
            same(
                "list_page: must return `limit` sessions, or the remaining ones if there are fewer",
                page.len(),
                expected,
            );
            let Some(last) = page.last() else { break };
            after = Some(SessionCursor::after(last));
            pages.extend(page);
        }
        same("list_page: the pages together must equal the result of `list`", &pages, &all);
    }
    let none = done("list_page", store.0.list_page("stranger", now, None, 10).await);
    same("list_page: must return nothing for a subject without sessions", none, vec![]);
    // The session directly before the position might end after the page was read.
    let position = SessionCursor::after(&all[2]);
    store.revoke(RevokeTarget::Sessions(&[all[2].id]), now).await;
    let rest = done("list_page", store.0.list_page("alice", now, Some(position), 10).await);
    same("list_page: a cursor must stay valid after its session has ended", rest, all[3..].to_vec());
}

pub(super) async fn racing_log_ins_stay_within_the_limit<S: SessionStore>(store: &Subject<S>) {
    if !store.0.can(StoreAbility::LimitSessions) {
        return;
    }
    let limit = 5;
    let rows: Vec<Session> = (0..RACERS).map(|_| session("alice")).collect();
    let created = all(rows.iter().map(|row| store.0.create_within(row, NO_SESSIONS, limit))).await;
    let ended = created.into_iter().map(|ended| done("create_within", ended).len()).sum::<usize>();
    let live = store.list("alice", at(0)).await.len();
    same("create_within: concurrent calls together must stay within the limit", live, limit as usize);
    same("create_within: each session must be returned by one call only", ended, RACERS - limit as usize);
}

//! Creating and finding sessions.

use super::subject::{NO_SESSIONS, NOW, Subject, at, next, same, session};
use crate::clock::Timestamp;
use crate::session::{RevokeTarget, Session, SessionId, SessionStore};

pub(super) async fn rows_are_stored_unchanged<S: SessionStore>(store: &Subject<S>) {
    same("find: must return `None` for an unknown id", store.find(SessionId::random()).await, None);
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
        // A 64-bit floating-point number cannot represent this number. A store that keeps generations as floating-point
        // numbers fails the test.
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
    let outdated = Session { generation: 9, outdated_generation: (1 << 53) + 1, ..session("promoted") };
    for row in [plain, unicode, empty, extreme, ended, replaced, outdated] {
        store.create(&row, NO_SESSIONS).await;
        let found = store.find(row.id).await.expect("create, find: must return a session that was created");
        // Compare the fields one by one, because the `Debug` output of a session omits them.
        same("create, find: must return the salt unchanged", found.salt, row.salt);
        same("create, find: must return the claims unchanged", &found.claims, &row.claims);
        same("create, find: must return the user agent unchanged", &found.user_agent, &row.user_agent);
        same("create, find: must return the address unchanged", &found.address, &row.address);
        same("create, find: must return every field unchanged", found, row);
    }
}

pub(super) async fn an_id_cannot_be_used_twice<S: SessionStore>(store: &Subject<S>) {
    let [first, bystander] = [session("alice"), session("alice")];
    store.create(&first, NO_SESSIONS).await;
    store.create(&bystander, NO_SESSIONS).await;
    let second = Session { id: first.id, ..session("mallory") };
    let result = store.0.create(&second, RevokeTarget::AllOf("alice")).await;
    assert!(
        result.is_err(),
        "store_conformance: create: must return an error for an id that exists; returned {result:?}"
    );
    same("create: must change no row if it returns an error", store.find(first.id).await, Some(first));
    same("create: must not end any session if it returns an error", store.find(bystander.id).await, Some(bystander));
    same("create: must log nothing if it returns an error", store.log(0).await, vec![]);
}

pub(super) async fn list_returns_the_live_sessions_of_a_subject<S: SessionStore>(store: &Subject<S>) {
    let begun = |seconds| Session { created_at: at(seconds), rotated_at: at(seconds), ..session("alice") };
    let [oldest, newest, middle] = [begun(0), begun(20), begun(10)];
    let brief = Session { expires_at: at(50), ..begun(5) };
    let ended = begun(15);
    for row in [&oldest, &newest, &middle, &brief, &ended, &session("bob")] {
        store.create(row, NO_SESSIONS).await;
    }
    store.revoke(RevokeTarget::Sessions(&[ended.id]), at(30)).await;
    let listed = async |now| store.list("alice", now).await.iter().map(|row| row.id).collect::<Vec<_>>();
    let all = vec![newest.id, middle.id, brief.id, oldest.id];
    same("list: must return the live sessions of the subject, the newest first", listed(at(49)).await, all);
    let rest = vec![newest.id, middle.id, oldest.id];
    same("list: must not return a session from `expires_at` on", listed(at(50)).await, rest.clone());
    let rotated = store.rotate(oldest.id, 1, next(60)).await;
    same("list: must sort by `created_at`, not by the last use", listed(at(60)).await, rest);
    same("list: must return complete and current rows", store.list("alice", at(60)).await.pop(), rotated);
    same("list: must return nothing for a subject without sessions", store.list("stranger", NOW).await, vec![]);
}

pub(super) async fn subjects_are_compared_byte_by_byte<S: SessionStore>(store: &Subject<S>) {
    // Names that a collation, a `LIKE` pattern or trimming might treat as equal to "alice".
    let names = ["alice", "Alice", "alice ", " alice", "al_ce", "a%", "alicé", "alice\u{301}", "alic\u{e9}\u{301}"];
    for name in names {
        store.create(&session(name), NO_SESSIONS).await;
    }
    for name in names {
        let subjects: Vec<_> = store.list(name, NOW).await.into_iter().map(|row| row.subject).collect();
        same("list: must compare subjects byte by byte", subjects, vec![name.to_owned()]);
    }
    for (ended, name) in names.iter().enumerate() {
        let revoked = store.revoke(RevokeTarget::AllOf(name), NOW).await;
        same("revoke: must compare subjects byte by byte", revoked.len(), 1);
        same("revoke: must end the sessions of one subject only", store.log(0).await.len(), ended + 1);
    }
    for name in names {
        store.create(&session(name), NO_SESSIONS).await;
    }
    for name in names {
        let outdated = store.outdate(name, Some("{}"), NOW).await;
        same("outdate: must compare subjects byte by byte", outdated.len(), 1);
    }
}

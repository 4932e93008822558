//! Changing the claims of sessions in a transaction of the application.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hardtack::event::EventKind;
use hardtack::jwt::Algorithm;
use hardtack::session::{RevocationKind, RevokeTarget, SessionStore};
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_sqlx::{PostgresSessions, SqliteSessions};
use hardtack_test_support::services::postgres::shared;

use crate::{NOW, session};

/// An authenticator on a store, and how many sessions it has reported as changed.
fn authenticator(store: impl SessionStore) -> (Authenticator, Arc<AtomicUsize>) {
    let changed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&changed);
    let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()))
        .sessions(store)
        .clock(TestClock::start_at(NOW))
        .on_event(move |event| {
            counter.fetch_add(usize::from(event.kind == EventKind::ClaimsChanged), Ordering::Relaxed);
        });
    (auth.build().unwrap(), changed)
}

/// The same on both kinds of pool.
macro_rules! claims_change_with_the_role {
    ($sessions:expr, $begin:ident($($how:literal)?)) => {{
        let sessions = $sessions;
        let (auth, events) = authenticator(sessions.clone());
        sqlx::query("CREATE TABLE roles (role TEXT NOT NULL)").execute(sessions.pool()).await.unwrap();
        let (alice, bob) = (session("alice"), session("bob"));
        for row in [&alice, &bob] {
            sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
        }
        let claims = auth.check_claims("alice", &BTreeMap::from([("role", "reader")])).await.unwrap();
        assert!(auth.check_claims("alice", &BTreeMap::from([("sub", "bob")])).await.is_err());
        for (commits, replaces) in [(false, true), (true, true), (false, false), (true, false)] {
            let before = (sessions.find(alice.id).await.unwrap().unwrap(), sessions.revocations(0, 10).await.unwrap());
            let events_before = events.load(Ordering::Relaxed);
            let mut tx = sessions.pool().$begin($($how)?).await.unwrap();
            sqlx::query("INSERT INTO roles VALUES ('reader')").execute(&mut *tx).await.unwrap();
            let changed = match replaces {
                true => sessions.change_claims_in(&mut tx, &claims).await.unwrap(),
                false => sessions.reload_claims_in(&mut tx, "alice").await.unwrap(),
            };
            if commits {
                tx.commit().await.unwrap();
            } else {
                tx.rollback().await.unwrap();
            }
            auth.finish_changing_claims(changed).await;
            let row = sessions.find(alice.id).await.unwrap().unwrap();
            let log = sessions.revocations(0, 10).await.unwrap();
            if commits {
                assert_eq!(row.outdated_generation, row.generation);
                assert_eq!(row.claims.as_deref(), Some("{\"role\":\"reader\"}"));
                let entry = log.entries.last().unwrap();
                assert_eq!((log.head, entry.session), (before.1.head + 1, alice.id));
                assert_eq!(entry.kind, RevocationKind::Outdated(row.generation));
                assert_eq!(events.load(Ordering::Relaxed), events_before + 1);
            } else {
                assert_eq!((row, log.head), (before.0, before.1.head));
                assert!(!replaces || events.load(Ordering::Relaxed) == events_before);
            }
        }
        let roles: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM roles").fetch_one(sessions.pool()).await.unwrap();
        assert_eq!(roles, 2);
        assert_eq!(sessions.find(bob.id).await.unwrap(), Some(bob));
    }};
}

#[tokio::test]
async fn e01_s68_a_role_and_the_tokens_with_the_old_one_change_in_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    claims_change_with_the_role!(
        SqliteSessions::open(directory.path().join("app.db")).await.unwrap(),
        begin_with("BEGIN IMMEDIATE")
    );
    claims_change_with_the_role!(PostgresSessions::open(&shared().database()).await.unwrap(), begin());
}

/// Otherwise, the log-in would read the old password or role, and begin a session that the transaction does not see.
#[tokio::test]
async fn e01_s68_on_postgres_a_log_in_waits_for_the_commit() {
    let sessions = PostgresSessions::open(&shared().database()).await.unwrap();
    for ends in [true, false] {
        let mut tx = sessions.pool().begin().await.unwrap();
        if ends {
            let _ended = sessions.end_all_in(&mut tx, "alice").await.unwrap();
        } else {
            let _changed = sessions.reload_claims_in(&mut tx, "alice").await.unwrap();
        }
        let (alice, bob) = (session("alice"), session("bob"));
        sessions.create_within(&bob, RevokeTarget::Sessions(&[]), 100).await.unwrap();
        let mut log_in = std::pin::pin!(sessions.create_within(&alice, RevokeTarget::Sessions(&[]), 100));
        assert!(tokio::time::timeout(Duration::from_millis(300), &mut log_in).await.is_err(), "ends: {ends}");
        tx.commit().await.unwrap();
        log_in.await.unwrap();
        assert!(sessions.find(alice.id).await.unwrap().unwrap().is_live(NOW));
    }
}

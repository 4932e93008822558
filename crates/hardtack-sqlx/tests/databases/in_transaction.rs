//! Ending sessions in a transaction of the application, at once or by an intention.

use std::time::Duration;

use hardtack::clock::{Clock, Timestamp};
use hardtack::jwt::Algorithm;
use hardtack::session::{PendingRevocation, PendingRevocations, RevocationKind, RevokeTarget, Session, SessionStore};
use hardtack::{Authenticator, KeySet, SessionId, SigningKey};
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::{Database, PendingEnds, PostgresSessions, Sessions, SqliteSessions};
use hardtack_test_support::services::postgres::shared;
use hardtack_test_support::wait;

use crate::test_database::TestDatabase;
use crate::{NOW, session};

/// The time at which sessions end in these tests.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        NOW + Duration::from_secs(60)
    }
}

/// A database with a table of the application, and sessions of two users.
pub(crate) struct Application {
    pub(crate) pool: Pool,
    pub(crate) sessions: Sessions<Database>,
    pub(crate) alices: [Session; 3],
    pub(crate) bobs: Session,
}

impl Application {
    pub(crate) async fn on(database: &TestDatabase) -> Self {
        let sessions = database.sessions().await.with_clock(Later);
        let pool = Pool::from(sessions.pool().clone());
        pool.execute(Statement::new("CREATE TABLE passwords (hash TEXT NOT NULL)")).await.unwrap();
        let alices = ["alice"; 3].map(session);
        let bobs = session("bob");
        for row in alices.iter().chain([&bobs]) {
            sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
        }
        Self { pool, sessions, alices, bobs }
    }

    /// Whether the password was changed, and the user's live sessions.
    pub(crate) async fn outcome(&self) -> (bool, Vec<SessionId>) {
        let hashes: Vec<(String,)> = self.pool.fetch(Statement::new("SELECT hash FROM passwords")).await.unwrap();
        let mut live: Vec<_> = self.sessions.list("alice", NOW).await.unwrap().iter().map(|row| row.id).collect();
        live.sort_unstable();
        (!hashes.is_empty(), live)
    }

    fn all(&self) -> Vec<SessionId> {
        let mut all: Vec<_> = self.alices.iter().map(|row| row.id).collect();
        all.sort_unstable();
        all
    }
}

#[tokio::test]
async fn s68_a_password_and_the_end_of_the_sessions_are_one_commit() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        for commits in [false, true] {
            let mut tx = app.pool.begin().await.unwrap();
            tx.execute(Statement::new("INSERT INTO passwords VALUES ('new')")).await.unwrap();
            let ended = app.sessions.end_all_in(&mut tx.connection(), "alice").await.unwrap();
            assert_eq!(ended.subject(), Some("alice"));
            if commits {
                tx.commit().await.unwrap();
            } else {
                // As when the client hangs up.
                drop(tx);
                assert_eq!(app.outcome().await, (false, app.all()));
                assert_eq!(app.sessions.revocations(0, 10).await.unwrap().head, 0);
            }
        }
        assert_eq!(app.outcome().await, (true, vec![]));
        assert_eq!(app.sessions.find(app.bobs.id).await.unwrap().as_ref(), Some(&app.bobs));
        let page = app.sessions.revocations(0, 10).await.unwrap();
        let sequences: Vec<u64> = page.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!((page.head, sequences), (3, vec![1, 2, 3]));
        let mut logged: Vec<SessionId> = page.entries.iter().map(|entry| entry.session).collect();
        logged.sort_unstable();
        assert_eq!(logged, app.all());
        assert!(page.entries.iter().all(|entry| entry.at == Later.now() && entry.kind == RevocationKind::Ended));
    }
}

#[tokio::test]
async fn one_session_can_be_kept() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        let kept = app.alices[1].id;
        let mut tx = app.pool.begin().await.unwrap();
        let ended = app.sessions.end_others_in(&mut tx.connection(), "alice", kept).await.unwrap();
        tx.commit().await.unwrap();
        drop(ended);
        assert_eq!(app.outcome().await, (false, vec![kept]));
        assert_eq!(app.sessions.revocations(0, 10).await.unwrap().head, 2);
        // A token without a session keeps none. Nothing is logged for sessions that have ended.
        let mut tx = app.pool.begin().await.unwrap();
        let ended = app.sessions.end_others_in(&mut tx.connection(), "alice", None).await.unwrap();
        tx.commit().await.unwrap();
        drop(ended);
        assert_eq!(app.outcome().await, (false, vec![]));
        assert_eq!(app.sessions.revocations(0, 10).await.unwrap().head, 3);
    }
}

/// The calls as an application writes them, on the pools of sqlx.
#[tokio::test]
async fn the_transaction_is_one_of_sqlx() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = SqliteSessions::open(directory.path().join("app.db")).await.unwrap();
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    let mut tx = sessions.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    let _ended = sessions.end_all_in(&mut tx, "alice").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sessions.list("alice", NOW).await.unwrap(), []);
    let pending = PendingEnds::from_pool(sessions.pool().clone()).carried_out_by_servers();
    pending.migrate().await.unwrap();
    let mut tx = pending.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    let _ended = pending.end_others_in(&mut tx, "alice", row.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(pending.find("alice").await.unwrap().len(), 1);

    let sessions = PostgresSessions::open(&shared().database()).await.unwrap();
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    let mut tx = sessions.pool().begin().await.unwrap();
    let _ended = sessions.end_others_in(&mut tx, "alice", None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sessions.list("alice", NOW).await.unwrap(), []);
    let pending = PendingEnds::from_pool(sessions.pool().clone()).carried_out_by_servers();
    pending.migrate().await.unwrap();
    let mut tx = pending.pool().begin().await.unwrap();
    let _ended = pending.end_all_in(&mut tx, "alice").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(pending.find("alice").await.unwrap().len(), 1);
}

/// A transaction of the application that takes long must not make log-outs wait.
#[tokio::test]
async fn on_postgres_no_log_out_waits_for_the_application() {
    let sessions = PostgresSessions::open(&shared().database()).await.unwrap();
    let [alice, bob] = ["alice", "bob"].map(session);
    for row in [&alice, &bob] {
        sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
    }
    let mut tx = sessions.pool().begin().await.unwrap();
    let _ended = sessions.end_all_in(&mut tx, "alice").await.unwrap();
    // If a statement waits for five seconds, it is given up.
    assert_eq!(sessions.revoke(RevokeTarget::AllOf("bob"), NOW).await.unwrap(), [bob.id]);
    tx.commit().await.unwrap();
    // The numbers follow the order of the commits, and a reader of the log sees both.
    let page = sessions.revocations(0, 10).await.unwrap();
    let logged: Vec<_> = page.entries.iter().map(|entry| (entry.sequence, entry.session)).collect();
    assert_eq!((page.head, logged), (2, vec![(1, bob.id), (2, alice.id)]));
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM unnumbered_revocations").fetch_one(sessions.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn on_postgres_listeners_learn_of_the_commit() {
    let sessions = PostgresSessions::open(&shared().database()).await.unwrap();
    sessions.create(&session("alice"), RevokeTarget::Sessions(&[])).await.unwrap();
    sessions.revoked_elsewhere().await.unwrap();
    let mut tx = sessions.pool().begin().await.unwrap();
    let _ended = sessions.end_all_in(&mut tx, "alice").await.unwrap();
    tx.commit().await.unwrap();
    wait::within_reason("a notification", sessions.revoked_elsewhere()).await.unwrap();
    assert_eq!(sessions.revocations(0, 10).await.unwrap().entries.len(), 1);
}

/// The intentions are for the store of a server that was only tried out, or for a store that has lost its data.
#[tokio::test]
async fn e01_intentions_for_stores_that_no_server_uses_are_deleted_in_the_end() {
    for database in TestDatabase::both() {
        let (pending, pool) = intentions(&database).await;
        for store in [Some("gone"), Some("own"), None] {
            pending.set_store_id(store);
            let mut transaction = pool.begin().await.unwrap();
            let _ended = pending.end_all_in(&mut transaction.connection(), "alice").await.unwrap();
            transaction.commit().await.unwrap();
        }
        let day = Duration::from_secs(24 * 60 * 60);
        let now = Timestamp::from_unix_seconds(pool.unix_time().await.unwrap());
        pending.set_store_id(Some("own"));
        assert_eq!(pending.prune(now + 399 * day, 10).await.unwrap(), 0);
        assert_eq!(pending.prune(now + 401 * day, 0).await.unwrap(), 0);
        assert_eq!(pending.prune(now + 401 * day, 10).await.unwrap(), 1);
        let left: Vec<(Option<String>,)> =
            pool.fetch(Statement::new("SELECT store FROM pending_ends ORDER BY number")).await.unwrap();
        assert_eq!(left, [(Some("own".to_owned()),), (None,)]);
    }
}

async fn intentions(database: &TestDatabase) -> (PendingEnds<Database>, Pool) {
    let pending = database.open().await.pending_ends().carried_out_by_servers();
    assert_eq!(pending.migrate().await.unwrap(), 2);
    let pool = Pool::from(pending.pool().clone());
    (pending, pool)
}

#[tokio::test]
async fn s68_an_intention_is_stored_beside_the_change_until_it_is_removed() {
    for database in TestDatabase::both() {
        let (pending, pool) = intentions(&database).await;
        let kept = SessionId::random();
        let mut tx = pool.begin().await.unwrap();
        let _rolled_back = pending.end_all_in(&mut tx.connection(), "alice").await.unwrap();
        drop(tx);
        assert_eq!(pending.find("alice").await.unwrap(), []);

        let mut tx = pool.begin().await.unwrap();
        let _ended = pending.end_others_in(&mut tx.connection(), "alice", kept).await.unwrap();
        let _ended = pending.end_all_in(&mut tx.connection(), "alice").await.unwrap();
        let _ended = pending.end_others_in(&mut tx.connection(), "bob", None).await.unwrap();
        tx.commit().await.unwrap();
        // Another process reads them.
        let other = database.open().await.pending_ends();
        let found = other.find("alice").await.unwrap();
        let expected = [(found[0].number, Some(kept)), (found[1].number, None)];
        assert_eq!(found, expected.map(|(number, kept)| PendingRevocation::new(number, "alice", kept)));
        assert_eq!(other.find("Alice").await.unwrap(), []);
        assert_eq!(other.find("a\0").await.unwrap(), []);

        // The process that has written them carries them out at once, and the others two seconds later.
        assert_eq!(other.due(10).await.unwrap(), []);
        pool.execute(Statement::new("UPDATE pending_ends SET created_at = created_at - 2")).await.unwrap();
        let due: Vec<_> = other.due(10).await.unwrap().into_iter().map(|one| one.subject).collect();
        assert_eq!(due, ["alice", "alice", "bob"]);
        assert_eq!(other.due(2).await.unwrap(), found);
        // The database's clock was an hour ahead, and is set back.
        pool.execute(Statement::new("UPDATE pending_ends SET created_at = created_at + 3600")).await.unwrap();
        assert_eq!(other.due(10).await.unwrap().len(), 3);

        for _ in 0..2 {
            other.remove(found[0].number).await.unwrap();
        }
        assert_eq!(pending.find("alice").await.unwrap(), found[1..]);
        other.remove(found[1].number).await.unwrap();
        let newest = pending.find("bob").await.unwrap()[0].number;
        other.remove(newest).await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        let _ended = pending.end_all_in(&mut tx.connection(), "carol").await.unwrap();
        tx.commit().await.unwrap();
        assert!(pending.find("carol").await.unwrap()[0].number > newest, "a number was used twice");
    }
}

#[tokio::test]
async fn s68_an_intention_that_no_process_carries_out_is_refused_before_the_commit() {
    for database in TestDatabase::both() {
        let (_, pool) = intentions(&database).await;
        let pending = database.open().await.pending_ends();
        let mut tx = pool.begin().await.unwrap();
        let error = pending.end_all_in(&mut tx.connection(), "alice").await.unwrap_err().to_string();
        assert!(error.contains("AuthenticatorBuilder::pending_revocations"), "{error}");
        drop(tx);

        let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()));
        let auth = auth.sessions(database.sessions().await).pending_revocations(pending.clone()).build().unwrap();
        let mut tx = pool.begin().await.unwrap();
        let ended = pending.end_all_in(&mut tx.connection(), "alice").await.unwrap();
        tx.commit().await.unwrap();
        assert!(auth.finish_ending(ended).await);
        assert_eq!(pending.find("alice").await.unwrap(), []);
    }
}

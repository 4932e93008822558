//! A session that ends before the transaction of its change commits. The transaction is refused.

use hardtack::jwt::Algorithm;
use hardtack::refusal::Reason;
use hardtack::session::{EndedSessions, PendingRevocations, RevokeTarget, SessionStore};
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, KeySet, SessionId, SigningKey};
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::{ChangeError, Database, PendingEnds};

use crate::in_transaction::Application;
use crate::test_database::TestDatabase;
use crate::{NOW, session};

const NEW_PASSWORD: &str = "INSERT INTO passwords VALUES ('new')";

impl Application {
    /// Changes the password in one session, as an application does.
    async fn change_in(&self, kept: SessionId) -> Result<EndedSessions, ChangeError> {
        let mut tx = self.pool.begin().await?;
        tx.execute(Statement::new(NEW_PASSWORD)).await?;
        let ended = self.sessions.end_others_in(&mut tx.connection(), "alice", kept).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

fn is_ended<T>(result: Result<T, ChangeError>) -> bool {
    matches!(result.map_err(Reason::from), Err(Reason::Revoked))
}

fn is_replaced<T>(result: Result<T, ChangeError>) -> bool {
    matches!(result.map_err(Reason::from), Err(Reason::Replaced))
}

#[tokio::test]
async fn e01_a_session_that_has_ended_changes_nothing() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        let [logged_out, replaced, live] = app.alices.each_ref().map(|row| row.id);
        app.sessions.revoke(RevokeTarget::Sessions(&[logged_out]), NOW).await.unwrap();
        app.sessions.revoke(RevokeTarget::Replaced(&[replaced]), NOW).await.unwrap();
        assert!(is_ended(app.change_in(logged_out).await));
        assert!(is_replaced(app.change_in(replaced).await));
        assert!(is_ended(app.change_in(app.bobs.id).await), "the session of another user");
        assert_eq!(app.outcome().await, (false, vec![live]));

        // The rows have been deleted, but the log still says that the sessions have ended.
        app.pool.execute(Statement::new("DELETE FROM sessions WHERE revoked_at IS NOT NULL")).await.unwrap();
        assert!(is_ended(app.change_in(logged_out).await));
        assert!(is_replaced(app.change_in(replaced).await));
        assert_eq!(app.outcome().await, (false, vec![live]));

        let mut tx = app.pool.begin().await.unwrap();
        assert!(is_ended(app.sessions.require_live_in(&mut tx.connection(), "alice", logged_out).await));
        app.sessions.require_live_in(&mut tx.connection(), "alice", live).await.unwrap();
        drop(tx);
        let _ended = app.change_in(live).await.unwrap();
        assert_eq!(app.outcome().await, (true, vec![live]));
    }
}

/// The owner's reset is committed while the thief's transaction waits for it.
#[tokio::test]
async fn e01_a_change_that_waited_for_a_reset_is_refused() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        let mut reset = app.pool.begin().await.unwrap();
        let _ended = app.sessions.end_all_in(&mut reset.connection(), "alice").await.unwrap();
        let (change, committed) = tokio::join!(app.change_in(app.alices[0].id), async {
            tokio::task::yield_now().await;
            reset.commit().await
        });
        committed.unwrap();
        assert!(is_ended(change));
        assert_eq!(app.outcome().await, (false, vec![]));
    }
}

#[tokio::test]
async fn e01_of_two_sessions_that_change_the_password_at_once_one_goes_on() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        let [one, other, _] = app.alices.each_ref().map(|row| row.id);
        let (first, second) = tokio::join!(app.change_in(one), app.change_in(other));
        let kept = if first.is_ok() { one } else { other };
        assert!(first.is_ok() != second.is_ok());
        assert!(is_ended(if first.is_ok() { second } else { first }));
        assert_eq!(app.outcome().await, (true, vec![kept]));
    }
}

/// A new session replaces the session of the change only once.
#[tokio::test]
async fn e01_only_one_new_session_replaces_a_session() {
    for database in TestDatabase::both() {
        let app = Application::on(&database).await;
        let old = app.alices[0].id;
        let [one, other] = ["alice"; 2].map(session);
        let target = RevokeTarget::Renewed("alice", old);
        let (first, second) = tokio::join!(app.sessions.create(&one, target), app.sessions.create(&other, target));
        let (first, second) = (first.unwrap(), second.unwrap());
        let new = if first.contains(&old) { one.id } else { other.id };
        assert!(first.is_empty() != second.is_empty(), "{first:?}, {second:?}");
        assert_eq!(app.outcome().await, (false, vec![new]));
    }
}

/// An application whose sessions are in another store.
struct Elsewhere {
    pool: Pool,
    pending: PendingEnds<Database>,
    store: FailingSessions,
    auth: Authenticator,
    id: SessionId,
}

impl Elsewhere {
    async fn on(database: &TestDatabase) -> Self {
        let pending = database.open().await.pending_ends();
        pending.migrate().await.unwrap();
        let pool = Pool::from(pending.pool().clone());
        let store = FailingSessions::new();
        let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()));
        let auth = auth.sessions(store.clone()).pending_revocations(pending.clone()).build().unwrap();
        let row = session("alice");
        store.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        Self { pool, pending, store, auth, id: row.id }
    }

    async fn change_in(&self, kept: SessionId) -> Result<EndedSessions, ChangeError> {
        let mut tx = self.pool.begin().await?;
        let ended = self.pending.end_others_in(&mut tx.connection(), "alice", kept).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn stored(&self) -> usize {
        self.pending.find("alice").await.unwrap().len()
    }
}

#[tokio::test]
async fn e01_with_sessions_elsewhere_the_store_is_asked_whether_the_session_has_ended() {
    for database in TestDatabase::both() {
        let app = Elsewhere::on(&database).await;
        let [logged_out, replaced] = ["alice"; 2].map(session);
        for row in [&logged_out, &replaced] {
            app.store.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
        }
        app.store.revoke(RevokeTarget::Sessions(&[logged_out.id]), NOW).await.unwrap();
        app.store.revoke(RevokeTarget::Replaced(&[replaced.id]), NOW).await.unwrap();
        assert!(is_ended(app.change_in(logged_out.id).await));
        assert!(is_replaced(app.change_in(replaced.id).await));
        assert!(is_ended(app.change_in(SessionId::random()).await), "a session that the store does not contain");
        assert_eq!(app.stored().await, 0);
        let ended = app.change_in(app.id).await.unwrap();
        assert!(app.auth.finish_ending(ended).await);

        // The password can be changed while the store is down.
        app.store.fail();
        let _ended = app.change_in(app.id).await.unwrap();
        assert_eq!(app.stored().await, 1);
    }
}

/// The owner has reset the password, but the store has not ended the sessions yet.
#[tokio::test]
async fn e01_with_sessions_elsewhere_a_session_that_is_to_end_changes_nothing() {
    for database in TestDatabase::both() {
        let app = Elsewhere::on(&database).await;
        let mut reset = app.pool.begin().await.unwrap();
        let ended = app.pending.end_all_in(&mut reset.connection(), "alice").await.unwrap();
        reset.commit().await.unwrap();
        for store_is_down in [false, true] {
            if store_is_down {
                app.store.fail();
            }
            assert!(is_ended(app.change_in(app.id).await));
            assert_eq!(app.stored().await, 1);
        }
        app.store.recover();
        assert!(app.auth.finish_ending(ended).await);
        assert!(is_ended(app.change_in(app.id).await));
    }
}

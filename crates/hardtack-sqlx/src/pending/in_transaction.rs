//! Methods that record, in the application's own transaction, that sessions must end.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hardtack::error::WithCauses;
use hardtack::session::{EndedSessions, PendingRevocation, SessionOver};
use hardtack::{BackendError, SessionId};
use hardtack_db::{Connection, Statement};

use super::PendingEnds;
use crate::change_error::ChangeError;
use crate::schema;

/// How long a transaction waits for the session store. On SQLite, all other writers wait for the transaction.
const PATIENCE: Duration = Duration::from_secs(2);

/// Generates the methods for a pool type and its connections.
macro_rules! in_transaction {
    ($(#[$attribute:meta])* $pool:ty, $connection:ty) => {
        $(#[$attribute])*
        impl PendingEnds<$pool> {
            /// Records, in your own transaction, that all of a user's sessions must end. The sessions end after the
            /// transaction commits. If the transaction is rolled back, the sessions continue. Use this method for a
            /// password reset, and when you disable or delete a user.
            ///
            /// After the commit, pass the result to
            /// [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending) or to the adapter's
            /// `Auth::renew`. Both methods end the sessions immediately, and `renew` also gives this browser a new
            /// session. If the program stops after the commit but before it calls one of these methods, another process
            /// ends the sessions a few seconds later.
            ///
            /// # Errors
            /// Returns an error if this `PendingEnds` is not
            /// [registered](hardtack::AuthenticatorBuilder::pending_revocations), if the database fails, or if the
            /// subject contains a NUL character, which PostgreSQL rejects. After an error, roll the transaction back.
            pub async fn end_all_in(
                &self,
                connection: &mut $connection,
                subject: &str,
            ) -> Result<EndedSessions, sqlx::Error> {
                self.write(&mut connection.into(), subject, None).await
            }

            /// Like [`end_all_in`](Self::end_all_in), but keeps one session. Use this method when a logged-in user
            /// changes their password, and pass the session of the request's token as `kept`.
            ///
            /// After the commit, pass the result to `Auth::renew`, which also replaces the kept session. If the session
            /// store is down when you call `renew`, the kept session continues, and the other sessions end once the
            /// store is back up.
            ///
            /// This method first checks that the session `kept` has not ended, as
            /// [`require_live_in`](Self::require_live_in) does. Call it last, right before the commit.
            ///
            /// # Errors
            /// Returns an error if the session `kept` has ended, if this `PendingEnds` is not
            /// [registered](hardtack::AuthenticatorBuilder::pending_revocations), if the database fails, or if the
            /// subject contains a NUL character, which PostgreSQL rejects. After an error, roll the transaction back.
            pub async fn end_others_in(
                &self,
                connection: &mut $connection,
                subject: &str,
                kept: impl Into<Option<SessionId>>,
            ) -> Result<EndedSessions, ChangeError> {
                self.write_others(&mut connection.into(), subject, kept.into()).await
            }

            /// Checks, in your own transaction, that a user's session has not ended. Call this method last, right
            /// before the commit, if a logged-in user changes something that must not change after a log-out, and pass
            /// the session of the request's token. Before the call, let the transaction write to the user's row, so
            /// that a concurrent password change of this user happens either before the call or after the commit.
            ///
            /// The session is refused if an intention in this database says that it must end, or if the session store
            /// says that it has ended. The sessions are in another store, so this check cannot be part of the
            /// transaction. Two gaps remain:
            ///
            /// - The session might end in the store between this call and the commit.
            /// - If the store fails or does not reply within two seconds, this method logs `session_not_checked` and
            ///   checks only the intentions. Users can therefore change their passwords while the store is down.
            ///
            /// # Errors
            /// Returns an error if the session has ended, or if the database failed. After an error, roll the
            /// transaction back.
            pub async fn require_live_in(
                &self,
                connection: &mut $connection,
                subject: &str,
                session: SessionId,
            ) -> Result<(), ChangeError> {
                self.require_live(&mut connection.into(), subject, session).await
            }
        }
    };
}

in_transaction!(
    #[cfg(feature = "sqlite")]
    sqlx::SqlitePool,
    sqlx::SqliteConnection
);

in_transaction!(
    #[cfg(feature = "postgres")]
    sqlx::PgPool,
    sqlx::PgConnection
);

/// Methods for Hardtack's own crates, which access both databases through `hardtack-db`.
#[doc(hidden)]
impl PendingEnds<crate::Database> {
    /// Records, in a transaction, that all of a user's sessions must end.
    ///
    /// # Errors
    /// Returns an error if this `PendingEnds` is not registered, if the database fails, or if the subject contains a
    /// NUL character, which PostgreSQL rejects.
    pub async fn end_all_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
    ) -> Result<EndedSessions, sqlx::Error> {
        self.write(connection, subject, None).await
    }

    /// Records, in a transaction, that all of a user's sessions except `kept` must end.
    ///
    /// # Errors
    /// Returns an error if the session `kept` has ended, if this `PendingEnds` is not registered, if the database
    /// fails, or if the subject contains a NUL character, which PostgreSQL rejects.
    pub async fn end_others_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: impl Into<Option<SessionId>>,
    ) -> Result<EndedSessions, ChangeError> {
        self.write_others(connection, subject, kept.into()).await
    }
}

impl<P> PendingEnds<P> {
    async fn require_live(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        id: SessionId,
    ) -> Result<(), ChangeError> {
        let sql = "SELECT number FROM pending_ends WHERE subject = $1 AND (store IS NULL OR store = $2)
            AND (kept IS NULL OR kept <> $3) LIMIT 1";
        let statement = Statement::new(sql).bind(subject).bind(self.store_id()).bind(id.to_string());
        let ending: Vec<(i64,)> = connection.fetch(statement).await?;
        if !ending.is_empty() {
            return Err(ChangeError::SessionEnded);
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sessions) = sessions else { return Ok(()) };
        let asked = tokio::time::timeout(PATIENCE, sessions.end_of(id)).await;
        let asked = asked.unwrap_or_else(|_| {
            Err(BackendError::new(format!("the session store did not reply within {} s", PATIENCE.as_secs())))
        });
        match asked {
            Ok(None) => Ok(()),
            Ok(Some(over)) => Err(ChangeError::ended(over == SessionOver::Replaced)),
            Err(error) => {
                tracing::warn!(event = "session_not_checked", error = %WithCauses(&error));
                Ok(())
            }
        }
    }

    async fn write_others(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: Option<SessionId>,
    ) -> Result<EndedSessions, ChangeError> {
        if let Some(kept) = kept {
            self.require_live(connection, subject, kept).await?;
        }
        Ok(self.write(connection, subject, kept).await?)
    }

    async fn write(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: Option<SessionId>,
    ) -> Result<EndedSessions, sqlx::Error> {
        // Fail now, before the commit. After the commit, no process would end the sessions.
        if !self.carried_out.load(Ordering::Relaxed) {
            return Err(sqlx::Error::Configuration(
                "this PendingEnds is not registered with an authenticator, so the sessions would not end; pass a clone \
                 of this PendingEnds to AuthenticatorBuilder::pending_revocations (as Accounts::configure does); if \
                 the servers have registered their own PendingEnds, call carried_out_by_servers instead"
                    .into(),
            ));
        }
        let sql = "INSERT INTO pending_ends (subject, kept, store) VALUES ($1, $2, $3) RETURNING number";
        let statement = Statement::new(sql).bind(subject).bind(kept.map(|id| id.to_string()));
        let statement = statement.bind(self.store_id());
        let numbers: Vec<(i64,)> = connection.fetch(statement).await?;
        let [(number,)] = numbers[..] else {
            return Err(sqlx::Error::Protocol(format!("an INSERT returned {} rows; expected one", numbers.len())));
        };
        let number = schema::to_unsigned("pending_ends", "number", number)?;
        Ok(EndedSessions::pending(PendingRevocation::new(number, subject, kept)))
    }
}

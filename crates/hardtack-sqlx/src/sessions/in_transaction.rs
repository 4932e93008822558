//! Ending sessions in the application's own transaction, and checking that a session has not ended.

use hardtack::SessionId;
use hardtack::session::{EndedSessions, RevokeTarget};
use hardtack_db::Connection;

use super::{Sessions, revoke};
use crate::change_error::ChangeError;

/// Generates the methods for one pool type and its connection type.
macro_rules! in_transaction {
    ($(#[$attribute:meta])* $pool:ty, $connection:ty, $begin:literal, $dialect:literal) => {
        $(#[$attribute])*
        impl Sessions<$pool> {
            /// Ends all of a user's sessions in your own transaction. The sessions end when the transaction commits,
            /// and stay live if it is rolled back. Use this method if every session must end: after a password reset,
            /// or when a user is disabled or deleted.
            ///
            /// After the commit, pass the result to
            /// [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending) or to the adapter's
            /// `Auth::renew`, which also gives the browser that sent the request a new session.
            ///
            /// ```no_run
            /// use hardtack::{Authenticator, SessionId};
            #[doc = concat!("use hardtack_sqlx::", $dialect, "Sessions;")]
            ///
            /// async fn reset_password(
            #[doc = concat!("    sessions: &", $dialect, "Sessions,")]
            ///     auth: &Authenticator,
            ///     id: &str,
            ///     hash: &str,
            /// ) -> Result<(), sqlx::Error> {
            #[doc = concat!("    let mut tx = sessions.pool().", $begin, ".await?;")]
            ///     sqlx::query("UPDATE users SET hash = $1 WHERE id = $2").bind(hash).bind(id).execute(&mut *tx).await?;
            ///     let ended = sessions.end_all_in(&mut tx, id).await?;
            ///     tx.commit().await?;
            ///     auth.finish_ending(ended).await;
            ///     Ok(())
            /// }
            /// ```
            ///
            /// # Errors
            /// The database failed. After an error, roll the transaction back.
            pub async fn end_all_in(
                &self,
                connection: &mut $connection,
                subject: &str,
            ) -> Result<EndedSessions, sqlx::Error> {
                self.end(&mut connection.into(), subject, RevokeTarget::AllOf(subject)).await
            }

            /// Like [`end_all_in`](Self::end_all_in), but does not end the session `kept`. Use this method when a
            /// logged-in user changes their password, and pass the session of the request's token as `kept`. After the
            /// commit, pass the result to `Auth::renew`, which then replaces this session with a new one.
            ///
            /// This method first checks that the session `kept` has not ended, as
            /// [`require_live_in`](Self::require_live_in) does. If `kept` is `None`, because the token does not belong
            /// to a session, this method checks nothing and ends all of the user's sessions.
            ///
            /// # Errors
            /// Returns an error if the session `kept` has ended, or if the database failed. After an error, roll the
            /// transaction back.
            pub async fn end_others_in(
                &self,
                connection: &mut $connection,
                subject: &str,
                kept: impl Into<Option<SessionId>>,
            ) -> Result<EndedSessions, ChangeError> {
                self.end_others(&mut connection.into(), subject, kept.into()).await
            }

            /// Checks, in your own transaction, that a user's session has not ended. Call this method if a logged-in
            /// user changes something that must not change after a log-out, such as the email address or another user's
            /// role, and pass the session of the request's token.
            ///
            /// The extractor checks the session when the request arrives. If the body arrives slowly or the transaction
            /// has to wait, the session might end before the commit. This method locks the user's sessions, so the
            /// session ends either before this call or after the commit.
            ///
            /// If the database has lost the session's row, for example because a backup was restored, this method
            /// checks the revocation log instead. There is then no row to lock, so the session can still end before the
            /// commit.
            ///
            /// # Errors
            /// Returns an error if the session has ended or belongs to another user, or if the database failed. After
            /// an error, roll the transaction back.
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
    sqlx::SqliteConnection,
    "begin_with(\"BEGIN IMMEDIATE\")",
    "Sqlite"
);

in_transaction!(
    #[cfg(feature = "postgres")]
    sqlx::PgPool,
    sqlx::PgConnection,
    "begin()",
    "Postgres"
);

/// These methods are for Hardtack's own crates, which access both databases through `hardtack-db`.
#[doc(hidden)]
impl Sessions<crate::Database> {
    /// Ends all of a user's sessions, as part of a transaction.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_all_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
    ) -> Result<EndedSessions, sqlx::Error> {
        self.end(connection, subject, RevokeTarget::AllOf(subject)).await
    }

    /// Ends all of a user's sessions except `kept`, as part of a transaction.
    ///
    /// # Errors
    /// Returns an error if the session `kept` has ended, or if the database failed.
    pub async fn end_others_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: impl Into<Option<SessionId>>,
    ) -> Result<EndedSessions, ChangeError> {
        self.end_others(connection, subject, kept.into()).await
    }

    /// Checks, as part of a transaction, that a user's session has not ended.
    ///
    /// # Errors
    /// Returns an error if the session has ended, or if the database failed.
    pub async fn require_live_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        session: SessionId,
    ) -> Result<(), ChangeError> {
        self.require_live(connection, subject, session).await
    }
}

impl<P> Sessions<P> {
    async fn require_live(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        id: SessionId,
    ) -> Result<(), ChangeError> {
        // Take the locks in the order that `revoke` describes, because the transaction may later end the user's other
        // sessions.
        revoke::lock_log_ins(connection, subject).await?;
        if revoke::lock_live(connection, subject).await?.contains(&id) {
            return Ok(());
        }
        match revoke::known_end(connection, id).await? {
            Some(replaced) => Err(ChangeError::ended(replaced)),
            None => Ok(()),
        }
    }

    async fn end_others(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: Option<SessionId>,
    ) -> Result<EndedSessions, ChangeError> {
        let Some(kept) = kept else { return Ok(self.end(connection, subject, RevokeTarget::AllOf(subject)).await?) };
        self.require_live(connection, subject, kept).await?;
        Ok(self.end(connection, subject, RevokeTarget::AllExcept(subject, kept)).await?)
    }

    async fn end(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        target: RevokeTarget<'_>,
    ) -> Result<EndedSessions, sqlx::Error> {
        revoke::lock_log_ins(connection, subject).await?;
        let now = self.clock.now();
        let ended = revoke::end_sessions(connection, target, now).await?;
        let entries = ended.iter().map(|id| (*id, target.kind(*id)));
        let at = if ended.is_empty() { now } else { revoke::end_of(connection, subject, now).await? };
        revoke::append_at_commit(connection, entries, at).await?;
        Ok(EndedSessions::in_transaction(subject, ended))
    }
}

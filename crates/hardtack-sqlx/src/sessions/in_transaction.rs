//! Ending sessions in the application's own transaction.

use hardtack::SessionId;
use hardtack::session::{EndedSessions, RevokeTarget};
use hardtack_db::Connection;

use super::{Sessions, revoke};

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
            /// # Errors
            /// The database failed. After an error, roll the transaction back.
            pub async fn end_others_in(
                &self,
                connection: &mut $connection,
                subject: &str,
                kept: impl Into<Option<SessionId>>,
            ) -> Result<EndedSessions, sqlx::Error> {
                self.end(&mut connection.into(), subject, all_except(subject, kept.into())).await
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
    /// The database failed.
    pub async fn end_others_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        kept: impl Into<Option<SessionId>>,
    ) -> Result<EndedSessions, sqlx::Error> {
        self.end(connection, subject, all_except(subject, kept.into())).await
    }

    /// Returns whether one of a user's sessions has ended. Call this method in a transaction that changes the user, and
    /// make the change only if the session has not ended. The method locks all of the user's live sessions, so none of
    /// them can end before the transaction is finished.
    ///
    /// If the database has lost the session's row, for example because a backup was restored, this method checks the
    /// revocation log instead. There is then no row to lock, so the session can still end before the transaction does.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_ended_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        id: SessionId,
    ) -> Result<bool, sqlx::Error> {
        // Take the locks in the order that `revoke` describes, because the transaction may later end the user's other
        // sessions.
        revoke::lock_log_ins(connection, subject).await?;
        if revoke::lock_live(connection, subject).await?.contains(&id) {
            return Ok(false);
        }
        revoke::is_known_to_have_ended(connection, id).await
    }
}

impl<P> Sessions<P> {
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

fn all_except(subject: &str, kept: Option<SessionId>) -> RevokeTarget<'_> {
    kept.map_or(RevokeTarget::AllOf(subject), |kept| RevokeTarget::AllExcept(subject, kept))
}

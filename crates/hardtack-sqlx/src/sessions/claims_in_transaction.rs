//! Changing sessions' claims in the application's own transaction.

use hardtack::authenticator::CheckedClaims;
use hardtack::session::{ChangedClaims, RevocationKind};
use hardtack_db::Connection;

use super::{Sessions, revoke};

/// Generates the methods for a pool type and its connections.
macro_rules! claims_in_transaction {
    ($(#[$attribute:meta])* $pool:ty, $connection:ty, $begin:literal, $dialect:literal) => {
        $(#[$attribute])*
        impl Sessions<$pool> {
            /// In your own transaction, marks a user's access tokens as outdated. Use this method if the transaction
            /// changes something that the callback
            /// [`additional_claims`](hardtack::AuthenticatorBuilder::additional_claims) reads, such as the user's role.
            /// After the commit, the next request in each session refreshes the token, and the refresh calls the
            /// callback again. If the transaction is rolled back, the tokens stay current.
            ///
            /// After the commit, pass the result to
            /// [`Authenticator::finish_changing_claims`](hardtack::Authenticator::finish_changing_claims). If the
            /// program stops between the commit and that call, the processes that share the database still learn of the
            /// change within seconds, because they follow the revocation log.
            ///
            /// ```no_run
            /// use hardtack::Authenticator;
            #[doc = concat!("use hardtack_sqlx::", $dialect, "Sessions;")]
            ///
            #[doc = concat!("async fn demote(sessions: &", $dialect, "Sessions, auth: &Authenticator, id: &str) -> Result<(), sqlx::Error> {")]
            #[doc = concat!("    let mut tx = sessions.pool().", $begin, ".await?;")]
            ///     sqlx::query("UPDATE users SET role = 'reader' WHERE id = $1").bind(id).execute(&mut *tx).await?;
            ///     let changed = sessions.reload_claims_in(&mut tx, id).await?;
            ///     tx.commit().await?;
            ///     auth.finish_changing_claims(changed).await;
            ///     Ok(())
            /// }
            /// ```
            ///
            /// # Errors
            /// The database failed. After an error, roll the transaction back.
            pub async fn reload_claims_in(
                &self,
                connection: &mut $connection,
                subject: &str,
            ) -> Result<ChangedClaims, sqlx::Error> {
                self.outdate_in(&mut connection.into(), subject, None).await
            }

            /// Like [`reload_claims_in`](Self::reload_claims_in), but also replaces the claims that were set when the
            /// user logged in. To get a value for `claims`, call
            /// [`Authenticator::check_claims`](hardtack::Authenticator::check_claims).
            ///
            /// # Errors
            /// The database failed. After an error, roll the transaction back.
            pub async fn change_claims_in(
                &self,
                connection: &mut $connection,
                claims: &CheckedClaims,
            ) -> Result<ChangedClaims, sqlx::Error> {
                self.outdate_in(&mut connection.into(), claims.subject(), Some(claims.json())).await
            }
        }
    };
}

claims_in_transaction!(
    #[cfg(feature = "sqlite")]
    sqlx::SqlitePool,
    sqlx::SqliteConnection,
    "begin_with(\"BEGIN IMMEDIATE\")",
    "Sqlite"
);

claims_in_transaction!(
    #[cfg(feature = "postgres")]
    sqlx::PgPool,
    sqlx::PgConnection,
    "begin()",
    "Postgres"
);

impl<P> Sessions<P> {
    async fn outdate_in(
        &self,
        connection: &mut Connection<'_>,
        subject: &str,
        claims: Option<&str>,
    ) -> Result<ChangedClaims, sqlx::Error> {
        revoke::lock_log_ins(connection, subject).await?;
        let outdated = revoke::mark_outdated(connection, subject, claims).await?;
        let entries = outdated.iter().map(|(id, generation)| (*id, RevocationKind::Outdated(*generation)));
        revoke::append_at_commit(connection, entries, self.clock.now()).await?;
        Ok(ChangedClaims::in_transaction(subject, outdated))
    }
}

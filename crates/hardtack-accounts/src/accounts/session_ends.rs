//! Ends a user's sessions together with a change to the user.

use hardtack::session::EndedSessions;
use hardtack::{AuthenticatorBuilder, BackendError, SessionId};
use hardtack_db::Transaction;
use hardtack_sqlx::{Database, PendingEnds, Sessions};

/// How a transaction that changes a user ends the user's sessions. After the commit, pass the returned
/// [`EndedSessions`] to [`Site::renew`](crate::Site) or [`Site::finish_ending`](crate::Site).
#[derive(Clone, Debug)]
pub(super) enum SessionEnds {
    /// The sessions are in the same database, so they end in the transaction.
    InTransaction(Sessions<Database>),
    /// The sessions may be in another store. The transaction stores the intention to end the sessions, and any server
    /// can carry out this intention.
    Pending(PendingEnds<Database>),
}

impl SessionEnds {
    /// Returns the variant for sessions in any store: the transaction records which sessions must end.
    pub(super) fn anywhere(database: &Database) -> Self {
        Self::Pending(database.pending_ends())
    }

    /// Returns the variant for sessions in the same database: they end in the transaction.
    pub(super) fn here(self) -> Self {
        match self {
            Self::Pending(pending) => Self::InTransaction(pending.pool().sessions()),
            here => here,
        }
    }

    /// Sets the id of the session store. Does nothing if the sessions are in this database.
    pub(super) fn set_store_id(&self, id: Option<&str>) {
        match self {
            Self::InTransaction(_) => {}
            Self::Pending(pending) => pending.set_store_id(id),
        }
    }

    /// If the sessions are in this database, sets the authenticator's session store. Otherwise, registers the store in
    /// which transactions record that sessions must end.
    pub(super) fn configure(&self, builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        match self {
            Self::InTransaction(sessions) => builder.sessions(sessions.clone()),
            Self::Pending(pending) => builder.pending_revocations(pending.clone()),
        }
    }

    /// Ends all sessions of a user.
    pub(super) async fn end_all_in(
        &self,
        transaction: &mut Transaction,
        user_id: &str,
    ) -> Result<EndedSessions, BackendError> {
        self.end_others_in(transaction, user_id, None).await
    }

    /// Ends all sessions of a user except `kept`. The browser of `kept` gets a new session after the commit.
    pub(super) async fn end_others_in(
        &self,
        transaction: &mut Transaction,
        user_id: &str,
        kept: Option<SessionId>,
    ) -> Result<EndedSessions, BackendError> {
        let mut connection = transaction.connection();
        let ended = match self {
            Self::InTransaction(sessions) => sessions.end_others_in(&mut connection, user_id, kept).await,
            Self::Pending(pending) => pending.end_others_in(&mut connection, user_id, kept).await,
        };
        ended.map_err(BackendError::new)
    }
}

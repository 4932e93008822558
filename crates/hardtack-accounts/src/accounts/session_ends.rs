//! Ends a user's sessions as part of a change to the user. Also checks whether the session that is making the change
//! has ended.

use hardtack::clock::Timestamp;
use hardtack::session::{EndedSessions, PendingRevocations};
use hardtack::{AuthenticatorBuilder, BackendError, SessionId};
use hardtack_db::Transaction;
use hardtack_sqlx::{ChangeError, Database, PendingEnds, Sessions};

use super::counted_ends::CountedEnds;
use crate::uninterrupted::Uninterrupted;
use crate::users::UserStore;

/// How a transaction that changes a user ends the user's sessions. After the commit, pass the returned
/// [`EndedSessions`] to [`Site::renew`](crate::Site) or [`Site::finish_ending`](crate::Site).
#[derive(Clone, Debug)]
pub(super) enum SessionEnds {
    /// The sessions are in the same database, so the transaction ends them.
    InTransaction(Sessions<Database>),
    /// The sessions may be in another store, so the transaction records that they must end. Any server can then end
    /// them.
    Pending(PendingEnds<Database>),
}

/// Whether a session is still allowed to change its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The session has not ended.
    Live,
    Ended,
    /// Some of the user's sessions have ended since the change began. Only the session store knows whether this session
    /// is one of them.
    Unknown,
}

impl SessionEnds {
    /// Returns the variant that works with sessions in any store: the transaction records which sessions must end.
    pub(super) fn anywhere(database: &Database) -> Self {
        Self::Pending(database.pending_ends())
    }

    /// Returns the variant for sessions that are in the same database and end in the transaction.
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

    /// If the sessions are in this database, sets the authenticator's session store. Otherwise, registers the store to
    /// which transactions write pending session ends.
    ///
    /// When sessions end in the session store, the store that is registered for pending session ends also counts these
    /// ends.
    pub(super) fn configure(
        &self,
        builder: AuthenticatorBuilder,
        users: &UserStore,
        uninterrupted: &Uninterrupted,
    ) -> AuthenticatorBuilder {
        match self {
            Self::InTransaction(sessions) => builder.sessions(sessions.clone()),
            Self::Pending(pending) => {
                builder.pending_revocations(CountedEnds::new(pending.clone(), users.clone(), uninterrupted.clone()))
            }
        }
    }

    /// Deletes the pending session ends that were recorded for session stores that no server uses anymore. Returns how
    /// many were deleted.
    pub(super) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        match self {
            Self::InTransaction(_) => Ok(0),
            Self::Pending(pending) => pending.prune(now, limit).await,
        }
    }

    /// Returns whether a session may still make the change that a transaction was started for. The transaction must
    /// have locked the user's row. This row counts how often the user's sessions have ended; `none_ended` says whether
    /// the count is still the same as when the change began.
    ///
    /// - If the sessions are in this database, the transaction locks the session. The session therefore ends either
    ///   before this call or after the commit.
    /// - If the sessions are in another store, the count in the user's row shows whether the session ended before the
    ///   commit. A server that ends a session increments this count before it sends its response. Because the
    ///   transaction has locked the row, that server waits for the commit.
    pub(super) async fn standing_in(
        &self,
        transaction: &mut Transaction,
        user_id: &str,
        session: Option<SessionId>,
        none_ended: bool,
    ) -> Result<Standing, BackendError> {
        match (self, session) {
            (Self::InTransaction(sessions), Some(id)) => {
                match sessions.require_live_in(&mut transaction.connection(), user_id, id).await {
                    Ok(()) => Ok(Standing::Live),
                    Err(ChangeError::SessionEnded | ChangeError::SessionReplaced) => Ok(Standing::Ended),
                    Err(error) => Err(BackendError::new(error)),
                }
            }
            _ if none_ended => Ok(Standing::Live),
            // The token does not belong to a session, and it was issued before the user's sessions ended.
            (_, None) => Ok(Standing::Ended),
            (Self::Pending(_), Some(_)) => Ok(Standing::Unknown),
        }
    }

    /// Returns whether the database says that this user's session must end, although no server has ended it yet.
    pub(super) async fn is_to_end(&self, user_id: &str, session: SessionId) -> Result<bool, BackendError> {
        match self {
            Self::InTransaction(_) => Ok(false),
            Self::Pending(pending) => {
                Ok(pending.find(user_id).await?.iter().any(|intention| intention.kept != Some(session)))
            }
        }
    }

    /// Ends all of a user's sessions.
    pub(super) async fn end_all_in(
        &self,
        transaction: &mut Transaction,
        user_id: &str,
    ) -> Result<EndedSessions, BackendError> {
        self.end_others_in(transaction, user_id, None).await
    }

    /// Ends all of a user's sessions except `kept`. After the commit, the browser that uses `kept` gets a new session.
    pub(super) async fn end_others_in(
        &self,
        transaction: &mut Transaction,
        user_id: &str,
        kept: Option<SessionId>,
    ) -> Result<EndedSessions, BackendError> {
        // Increment the user's count of session ends. If a request from another session is changing the same user right
        // now, that request's transaction sees the new count.
        UserStore::count_end_of_sessions_in(transaction, user_id).await?;
        let mut connection = transaction.connection();
        let ended = match self {
            Self::InTransaction(sessions) => sessions.end_others_in(&mut connection, user_id, kept).await,
            Self::Pending(pending) => pending.end_others_in(&mut connection, user_id, kept).await,
        };
        ended.map_err(BackendError::new)
    }
}

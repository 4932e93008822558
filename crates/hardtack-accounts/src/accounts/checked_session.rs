//! Changes that a session makes to its user. A change is refused if the session ends before the commit, no matter how
//! the session ends, and at which server.
//!
//! 1. [`Accounts::check_session`] checks the session when the change begins.
//! 2. [`Accounts::begin_change`] begins the transaction of the change, and checks the session again. If the sessions
//!    are in this database, the session cannot end between this check and the commit. Otherwise, the server that ends
//!    the session waits for the commit before it sends its response
//!    ([`SessionEnds::standing_in`](super::session_ends::SessionEnds::standing_in)).

use hardtack::{Authenticator, BackendError, SessionId};
use hardtack_db::Transaction;

use super::Accounts;
use super::error::{ActionError, session_ended_meanwhile};
use super::session_ends::Standing;
use super::session_patience::within_patience;
use crate::users::UserStore;

/// The maximum number of attempts to begin a change. If other sessions of the user end during an attempt, another
/// attempt is needed.
const ATTEMPTS: usize = 4;

/// The session of a request that changes its user. The session was live when the change began.
#[derive(Clone, Debug)]
pub(crate) struct CheckedSession {
    authenticator: Authenticator,
    user_id: String,
    /// `None` if the request's token belongs to no session.
    pub(crate) id: Option<SessionId>,
    /// How many times sessions of the user had ended when the check began.
    ended: i64,
}

impl Accounts {
    /// Checks that the session of a request has not ended. If another server ended the session, this process might not
    /// know yet. This method therefore reads the user, the pending session ends, and the session itself.
    ///
    /// If the session has ended or the user is disabled, returns `None`. If the session store fails, the session counts
    /// as live, because users must be able to make changes even then.
    pub(crate) async fn check_session(
        &self,
        authenticator: &Authenticator,
        user_id: &str,
        id: Option<SessionId>,
    ) -> Result<Option<CheckedSession>, BackendError> {
        // The order of these steps matters. If the session ends just after one step checks it, a later step or the
        // transaction notices the end.
        let Some(ended) = self.users.sessions_ended(user_id).await? else { return Ok(None) };
        let session = CheckedSession { authenticator: authenticator.clone(), user_id: user_id.to_owned(), id, ended };
        let has_ended = self.has_ended(&session).await?;
        Ok((!has_ended.unwrap_or(false)).then_some(session))
    }

    /// Returns whether the session has ended. If the session store fails, returns its error in an inner `Err`.
    async fn has_ended(&self, session: &CheckedSession) -> Result<Result<bool, BackendError>, BackendError> {
        let CheckedSession { authenticator, user_id, id: Some(id), .. } = session else { return Ok(Ok(false)) };
        if self.session_ends.is_to_end(user_id, *id).await? {
            return Ok(Ok(true));
        }
        // If the session is not in the store, it has ended or the store has lost its row. The log tells the two cases
        // apart.
        let has_ended = async {
            match authenticator.session(user_id, *id).await? {
                None => authenticator.has_logged_end(*id).await,
                Some(_) => Ok(false),
            }
        };
        Ok(within_patience(has_ended).await)
    }

    /// Begins the transaction of a change that a session makes, and locks the user's row. Fails if the session has
    /// ended or the user is disabled.
    ///
    /// If the sessions are in another store, the database only knows that some sessions of the user have ended since
    /// the check. This method then asks the session store again. If the store fails, the change is refused.
    pub(super) async fn begin_change<P>(&self, session: &CheckedSession) -> Result<Transaction, ActionError<P>> {
        let mut session = session.clone();
        for _ in 0..ATTEMPTS {
            let mut transaction = self.begin().await?;
            let Some(ended) = UserStore::lock_ended_in(&mut transaction, &session.user_id).await? else {
                return Err(session_ended_meanwhile());
            };
            let CheckedSession { user_id, id, ended: checked, .. } = &session;
            match self.session_ends.standing_in(&mut transaction, user_id, *id, *checked == ended).await? {
                Standing::Live => return Ok(transaction),
                Standing::Ended => return Err(session_ended_meanwhile()),
                Standing::Unknown => {}
            }
            // Other changes of the user must not wait for the session store.
            drop(transaction);
            session.ended = ended;
            if self.has_ended(&session).await?? {
                return Err(session_ended_meanwhile());
            }
        }
        Err(BackendError::new("the user's sessions kept ending during the change").into())
    }
}

//! Changes that users make to their own accounts. A change is rejected if the user's session ends before the change is
//! committed, no matter how or on which server the session ends.
//!
//! 1. [`Accounts::check_session`] checks the session when the change begins.
//! 2. [`Accounts::begin_change`] begins the transaction for the change, and checks the session again. If sessions are
//!    stored in the same database, the session cannot end between this check and the commit. If sessions are in a
//!    different store, a server that ends the session waits for the commit before it sends its response
//!    ([`SessionEnds::standing_in`](super::session_ends::SessionEnds::standing_in)).

use hardtack::refusal::Reason;
use hardtack::{Authenticator, BackendError, SessionId};
use hardtack_db::Transaction;

use super::Accounts;
use super::error::{ActionError, SessionOver};
use super::session_ends::Standing;
use super::session_patience::within_patience;
use crate::users::UserStore;

/// The maximum number of attempts to begin a change. If the user's other sessions end during an attempt, another
/// attempt is needed.
const ATTEMPTS: usize = 4;

/// The session in which a user changes something about their own account. The session was live when the change began.
#[derive(Clone, Debug)]
pub(crate) struct CheckedSession {
    authenticator: Authenticator,
    user_id: String,
    /// `None` if the request's token does not belong to a session.
    pub(crate) id: Option<SessionId>,
    /// How many times the user's sessions had ended when the check began.
    ended: i64,
}

impl Accounts {
    /// Checks that a request's session has not ended. Another server may have ended it without this process having
    /// noticed yet, so this method reads the user, the pending session ends, and the session itself.
    ///
    /// If the session has ended or the user is disabled, returns [`ActionError::SessionOver`]. If the session store
    /// fails, the session counts as live, because users must be able to make changes even then.
    pub(crate) async fn check_session<P>(
        &self,
        authenticator: &Authenticator,
        user_id: &str,
        id: Option<SessionId>,
    ) -> Result<CheckedSession, ActionError<P>> {
        // The order of these steps matters. If the session ends just after one step has checked it, a later step or the
        // transaction notices.
        let ended = self.users.sessions_ended(user_id).await?.ok_or(SessionOver::Ended)?;
        let session = CheckedSession { authenticator: authenticator.clone(), user_id: user_id.to_owned(), id, ended };
        match self.end_of(&session).await? {
            Ok(Some(over)) => Err(over.into()),
            Ok(None) | Err(_) => Ok(session),
        }
    }

    /// Returns why the session is over, or `None` if it has not ended. If the session store fails, returns its error in
    /// an inner `Err`.
    async fn end_of(
        &self,
        session: &CheckedSession,
    ) -> Result<Result<Option<SessionOver>, BackendError>, BackendError> {
        let CheckedSession { authenticator, user_id, id: Some(id), .. } = session else { return Ok(Ok(None)) };
        if self.session_ends.is_to_end(user_id, *id).await? {
            return Ok(Ok(Some(SessionOver::Ended)));
        }
        // If the session is not in the store, either it has ended or the store has lost its row. The revocation log
        // shows which.
        let end = async {
            match authenticator.session(user_id, *id).await? {
                None => authenticator.logged_end(*id).await,
                Some(_) => Ok(None),
            }
        };
        Ok(within_patience(end).await.map(|reason| {
            reason.map(|reason| match reason {
                Reason::Replaced => SessionOver::Replaced,
                _ => SessionOver::Ended,
            })
        }))
    }

    /// Begins the transaction for a change that a session makes, and locks the user's row. If the session has ended or
    /// the user is disabled, returns [`ActionError::SessionOver`].
    ///
    /// If the sessions are in another store, the database only shows that some sessions of the user have ended since
    /// the check, not which ones. In this case, this method asks the session store again. If the store fails, the
    /// change is refused.
    pub(super) async fn begin_change<P>(&self, session: &CheckedSession) -> Result<Transaction, ActionError<P>> {
        let mut session = session.clone();
        for _ in 0..ATTEMPTS {
            let mut transaction = self.begin().await?;
            let ended =
                UserStore::lock_ended_in(&mut transaction, &session.user_id).await?.ok_or(SessionOver::Ended)?;
            let CheckedSession { user_id, id, ended: checked, .. } = &session;
            match self.session_ends.standing_in(&mut transaction, user_id, *id, *checked == ended).await? {
                Standing::Live => return Ok(transaction),
                Standing::Ended => {
                    drop(transaction);
                    return Err(self.end_of(&session).await??.unwrap_or(SessionOver::Ended).into());
                }
                Standing::Unknown => {}
            }
            // Other changes to this user should not have to wait for the session store.
            drop(transaction);
            session.ended = ended;
            if let Some(over) = self.end_of(&session).await?? {
                return Err(over.into());
            }
        }
        Err(BackendError::new("the change was not stored, because the user's sessions kept ending in the meantime")
            .into())
    }
}

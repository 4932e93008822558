//! Counts how many times a user's sessions have ended. A change checks the session first and commits later. If the
//! count increases in between, the session might have ended.

use hardtack::BackendError;
use hardtack_db::{Statement, Transaction};

use super::{UserStore, has_nul};

const COUNT: &str = "UPDATE users SET sessions_ended = sessions_ended + 1 WHERE id = $1";

impl UserStore {
    /// Returns how many times the user's sessions have ended. Returns `None` if the user is disabled.
    pub(crate) async fn sessions_ended(&self, id: &str) -> Result<Option<i64>, BackendError> {
        if has_nul(id) {
            return Ok(None);
        }
        let sql = "SELECT sessions_ended FROM users WHERE id = $1 AND disabled_at IS NULL";
        let rows: Vec<(i64,)> = self.database.fetch(Statement::new(sql).bind(id)).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(ended,)| ended))
    }

    /// Locks the user's row and returns how many times the user's sessions have ended. Other transactions that change
    /// the row must wait until this transaction ends. Returns `None` if the user is disabled.
    pub(crate) async fn lock_ended_in(transaction: &mut Transaction, id: &str) -> Result<Option<i64>, BackendError> {
        if has_nul(id) {
            return Ok(None);
        }
        let sql = "UPDATE users SET sessions_ended = sessions_ended WHERE id = $1 AND disabled_at IS NULL \
                   RETURNING sessions_ended";
        let rows: Vec<(i64,)> = transaction.fetch(Statement::new(sql).bind(id)).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(ended,)| ended))
    }

    /// Records that some of the user's sessions have ended in the session store. If an open transaction has changed the
    /// user's row, waits until that transaction ends.
    pub(crate) async fn count_end_of_sessions(&self, id: &str) -> Result<(), BackendError> {
        if has_nul(id) {
            return Ok(());
        }
        self.database.execute(Statement::new(COUNT).bind(id)).await.map(drop).map_err(BackendError::new)
    }

    /// Records that some of the user's sessions have ended. `transaction` either ends these sessions or records that
    /// they must end.
    pub(crate) async fn count_end_of_sessions_in(transaction: &mut Transaction, id: &str) -> Result<(), BackendError> {
        transaction.execute(Statement::new(COUNT).bind(id)).await.map(drop).map_err(BackendError::new)
    }
}

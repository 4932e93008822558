//! Whether the database accepts writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[cfg(feature = "sqlite")]
use crate::file::DatabaseFile;

/// How long [`Pool::check`](crate::Pool::check) keeps failing after a failed write. If a later write succeeds, the
/// check succeeds at once. The check's own small write does not count as a success: a full disk might have room for
/// this write, but not for a log-out.
const MEMORY: Duration = Duration::from_secs(5);

/// When the database last refused a write, for example because the disk is full or failing, or because the database is
/// read-only. `None` if no write has been refused, or if a later write has succeeded. Errors that the statement itself
/// caused are not recorded. Clones share the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteHealth {
    failed_at: Arc<Mutex<Option<Instant>>>,
    /// The file of an SQLite database, which also records whether SQLite has reported damage. `None` for other
    /// databases.
    #[cfg(feature = "sqlite")]
    file: Option<DatabaseFile>,
}

impl WriteHealth {
    #[cfg(feature = "sqlite")]
    pub(crate) fn of(file: Option<DatabaseFile>) -> Self {
        Self { file, ..Self::default() }
    }

    /// Records the current time if `result` shows that the database is refusing writes. A success is ignored, because
    /// the statement might not have written anything.
    pub(crate) fn note<T>(&self, result: &Result<T, sqlx::Error>) {
        #[cfg(feature = "sqlite")]
        if let (Err(error), Some(file)) = (result, &self.file) {
            file.note(error);
        }
        if result.as_ref().is_err_and(refuses_writes) {
            *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Records that a write has been committed.
    pub(crate) fn recovered(&self) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns how long ago a write last failed. `None` if no write has failed, or if a later write has succeeded.
    pub(crate) fn failed_for(&self) -> Option<Duration> {
        self.failed_at.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// Returns whether a write failed less than [`MEMORY`] ago and no later write has succeeded.
    pub(crate) fn failed_recently(&self) -> bool {
        self.failed_for().is_some_and(|ago| ago < MEMORY)
    }
}

/// Returns whether an error means that the next write will probably fail as well.
fn refuses_writes(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else { return false };
    match code.parse::<i32>() {
        // These are SQLite's primary result codes NOMEM, READONLY, IOERR, CORRUPT, FULL and CANTOPEN. The low
        // byte of a code is the primary code. PostgreSQL's codes have five characters.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 7 | 8 | 10 | 11 | 13 | 14),
        // PostgreSQL: insufficient resources (such as a full disk), a system error, or a read-only transaction.
        _ => code.starts_with("53") || code.starts_with("58") || code == "25006",
    }
}

//! Whether the database accepts writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the database counts as failing after a failed write, unless another write succeeds. The small write of a
/// [check](crate::Pool::check) is not enough: a full disk may have room for it, and none for a log-out.
const MEMORY: Duration = Duration::from_secs(5);

/// When the last write failed, unless the statement itself was the reason. Reasons that count are a full disk, a
/// failing disk and a read-only database. Clones share the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteHealth(Arc<Mutex<Option<Instant>>>);

impl WriteHealth {
    /// Records the time if the error of a statement means that the database refuses writes. Ignores success, because
    /// the statement may only have read.
    pub(crate) fn note<T>(&self, result: &Result<T, sqlx::Error>) {
        if result.as_ref().is_err_and(refuses_writes) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Records that a write was committed.
    pub(crate) fn recovered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How long ago the last write failed, if it did.
    pub(crate) fn failed_for(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// Whether a write failed so recently that the success of a small write does not prove that others succeed.
    pub(crate) fn failed_recently(&self) -> bool {
        self.failed_for().is_some_and(|ago| ago < MEMORY)
    }
}

/// Whether an error means that the next write will probably fail as well.
fn refuses_writes(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else { return false };
    match code.parse::<i32>() {
        // SQLite's primary result codes (sqlite.org/rescode.html) NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN. The
        // low byte of a code is the primary one. PostgreSQL's codes have five characters.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 7 | 8 | 10 | 11 | 13 | 14),
        // PostgreSQL: insufficient resources, such as a full disk; a read-only transaction; a system error.
        _ => code.starts_with("53") || code.starts_with("58") || code == "25006",
    }
}

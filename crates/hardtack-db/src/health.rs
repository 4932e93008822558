//! Whether the database accepts writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the last write has failed for a reason that is not in the statement: a full disk, a failing disk, a database
/// that is read-only. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteHealth(Arc<AtomicBool>);

impl WriteHealth {
    /// Notes the outcome of a statement that may have written. `Ok` of a statement that reads says nothing.
    pub(crate) fn note<T>(&self, result: &Result<T, sqlx::Error>) {
        if result.as_ref().is_err_and(refuses_writes) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that a write was committed.
    pub(crate) fn recovered(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether an error means that the next write will probably fail as well.
fn refuses_writes(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else { return false };
    match code.parse::<i32>() {
        // The primary result codes of SQLite (sqlite.org/rescode.html): NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN.
        // The low byte is the primary code. PostgreSQL's codes have five characters.
        Ok(code) if code < 10_000 => matches!(code & 0xff, 7 | 8 | 10 | 11 | 13 | 14),
        // PostgreSQL: insufficient resources, such as a full disk; a read-only transaction; a system error.
        _ => code.starts_with("53") || code.starts_with("58") || code == "25006",
    }
}

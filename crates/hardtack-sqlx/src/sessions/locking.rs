//! Statements that lock rows.

/// Creates a statement that selects rows and then changes them. On PostgreSQL, the statement locks the rows first.
/// SQLite has no row locks; instead, a transaction that writes locks the whole database.
macro_rules! locking_statement {
    ($select:literal, $lock:literal, $change:literal) => {
        hardtack_db::Statement::per_database(concat!($select, $change), concat!($select, $lock, $change))
    };
}
pub(super) use locking_statement;

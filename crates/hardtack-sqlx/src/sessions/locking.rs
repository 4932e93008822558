//! Statements that lock rows.

/// Makes a statement that selects rows and changes them, and on PostgreSQL locks them first. SQLite has no row locks:
/// the transaction already holds the write lock of the whole database.
macro_rules! locking_statement {
    ($select:literal, $lock:literal, $change:literal) => {
        hardtack_db::Statement::per_database(concat!($select, $change), concat!($select, $lock, $change))
    };
}
pub(super) use locking_statement;

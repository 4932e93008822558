//! Errors from migrations, and how errors are printed.

use std::error::Error;
use std::fmt;

/// Why the tables could not be created or upgraded. The database is usually unchanged. However, if the connection
/// failed before the commit was confirmed, the commit might have succeeded.
///
/// `Debug` prints the message and its causes.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A newer program has migrated the tables.
    #[error(
        "the tables of `{component}` are at version {found}, but this program supports only versions up to {known}; \
         run a newer version of the program, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The component that the tables belong to, such as `sessions`.
        component: String,
        /// The version of the tables in the database.
        found: i64,
        /// The newest version that this program has a migration for.
        known: u32,
    },
    /// The list of migrations is out of order, which is a bug in the program.
    #[error(
        "migration {version} of `{component}` is out of order; the first version must be at least 1, and each version \
         must be greater than the previous version; correct the list of migrations in the program"
    )]
    OutOfOrder {
        /// The component that the migrations belong to.
        component: String,
        /// The first version in the list that is not greater than the version before it.
        version: u32,
    },
    /// The database contains a table of another program, with a name that this program needs.
    #[error(
        "the database already contains a table `{table}` that belongs to another program, so the tables of \
         `{component}` cannot be created; use another database, or on PostgreSQL another schema (add \
         options[search_path]=NAME to the URL), or rename that table"
    )]
    ForeignTable {
        /// The component whose tables cannot be created.
        component: String,
        /// The name of the table.
        table: String,
    },
    /// The SQL of a migration failed.
    #[error(
        "migration {version} of `{component}` failed; check that the database can be reached and written to, that its \
         user is allowed to create and change tables, and that there is room on its disk"
    )]
    Failed {
        /// The component that the migration belongs to.
        component: String,
        /// The version of the tables after the migration.
        version: u32,
        /// The database's error.
        source: sqlx::Error,
    },
    /// The tables are up to date, but it failed to check or to upgrade their rows.
    #[error(
        "the program could not check whether the data of `{component}` is up to date, or could not upgrade the data; \
         check that the database can be reached and written to, and that there is room on its disk"
    )]
    Data {
        /// The component that the rows belong to.
        component: String,
        /// The database's error.
        source: sqlx::Error,
    },
    /// A database operation other than the SQL of a migration failed. The operation began or committed the transaction,
    /// waited for the lock, or accessed `hardtack_migrations`, the table of applied migrations.
    #[error(
        "a database operation failed while the program checked or recorded which migrations have been applied (table \
         `hardtack_migrations`); check that the database can be reached and written to, that its user is allowed to \
         create tables, and that there is room on its disk"
    )]
    Database(#[from] sqlx::Error),
}

impl fmt::Debug for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_with_causes(self, f)
    }
}

/// Writes an error and its causes, separated by colons. sqlx includes causes in its own messages, so a cause is omitted
/// if the preceding message already ends with the same text. `hardtack::error::WithCauses` does the same, but this
/// crate does not depend on `hardtack`.
fn fmt_with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = error.to_string();
    f.write_str(&text)?;
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        if !text.ends_with(&cause_text) {
            write!(f, ": {cause_text}")?;
        }
        text = cause_text;
        cause = error.source();
    }
    Ok(())
}

//! What can go wrong before the first session, and inside a row.

use std::io;
use std::path::PathBuf;

/// A database that could not be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file could not be created.
    #[error(
        "cannot create the database file {}: {source}; \
         its directory must exist and this user must be allowed to write there",
        path.display()
    )]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there, but SQLite could not open it.
    #[error(
        "cannot open the database {}: {source}; it must be an SQLite file, \
         and this user must be allowed to write it and its directory",
        path.display()
    )]
    Connect {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The server did not let us in.
    #[error(
        "cannot open the database {server}: {source}; \
         the server must run there, and let this user in with this password"
    )]
    Unreachable {
        /// The server, without the password.
        server: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The server's database cannot hold every text.
    #[error(
        "the database {server} has the encoding {encoding}; expected UTF8: \
         make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The server, without the password.
        server: String,
        /// What it said.
        encoding: String,
    },
    /// The text that was to name a database does not. It is not repeated here: there may be a password
    /// in it.
    #[error("the database URL cannot be used: {why}")]
    Url {
        /// Why.
        why: String,
    },
    /// Its tables could not be brought up to date.
    #[error("cannot prepare the database {database}: {source}")]
    Migrate {
        /// The file, or the server without the password.
        database: String,
        /// Why.
        source: MigrateError,
    },
}

/// Tables that could not be brought up to date. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A newer program has been here.
    #[error(
        "the tables of `{component}` are at version {found}, this program knows versions up to {known}; \
         run a newer program, or restore a database from before the upgrade"
    )]
    Newer {
        /// Whose tables.
        component: String,
        /// The database's version.
        found: i64,
        /// The newest version that this program has a migration to.
        known: u32,
    },
    /// The list of migrations is not in order: a mistake of the program.
    #[error("migration {version} of `{component}` is out of order; versions begin at 1 and grow")]
    Order {
        /// Whose migrations.
        component: String,
        /// The one that does not follow its predecessor.
        version: u32,
    },
    /// A migration's SQL failed.
    #[error("migration {version} of `{component}` failed: {source}")]
    Step {
        /// Whose migration.
        component: String,
        /// Which.
        version: u32,
        /// Why.
        source: sqlx::Error,
    },
    /// The database failed.
    #[error("the versions of the tables cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
}

/// A row that no version of this program has written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error("a session's id is {0:?}; expected 32 lower-case hexadecimal digits")]
    Id(String),
    #[error("session {id}: {column} is {value}; expected no negative number")]
    Negative { id: String, column: &'static str, value: i64 },
    #[error("session {id}: the salt has {length} bytes; expected 16")]
    Salt { id: String, length: usize },
    #[error("session {id}: generation {value} is too large; the largest is 2^63 - 1")]
    Generation { id: String, value: u64 },
    #[error("session {id}: the subject has a NUL character; expected text without one")]
    Subject { id: String },
}

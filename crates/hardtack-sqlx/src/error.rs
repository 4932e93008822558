//! Why a database cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

use hardtack::error::WithCauses;
use hardtack::files::{NotWritable, UntrustedFile};
use hardtack_db::MigrateError;

/// Why a database could not be opened, or why its tables could not be created or upgraded.
///
/// `Display` prints what is wrong and what to do. It does not print the cause, which is the
/// [`source`](std::error::Error::source). `Debug` prints the same message, followed by the error's causes.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is not valid or does not say which database to use. The error does not repeat the URL, because the URL
    /// might contain a password.
    #[error("the database URL cannot be used: {reason}")]
    InvalidUrl {
        /// What is wrong with the URL, and what is expected.
        reason: String,
    },
    /// The file does not exist and could not be created, or its owner and mode could not be read.
    #[error(
        "cannot create or access the database file {}; check that its directory exists, and that the user running \
         this program can write to the directory",
        path.display()
    )]
    CreateFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file exists, but SQLite could not open it.
    #[error(
        "cannot open the database {}; check that it is an SQLite file, that the user running this program can write \
         to the file and to its directory, and that there is room on the disk",
        path.display()
    )]
    OpenFile {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: sqlx::Error,
    },
    /// Other users can change the database file or a file that SQLite keeps beside it, or can replace one of these
    /// files.
    #[error(
        "the database was not opened, because another user may be able to change the database and log in as anyone: \
         {0}"
    )]
    Untrusted(UntrustedFile),
    /// The user that runs this process cannot write to the database file, to a file that SQLite keeps beside it, or to
    /// the folder that contains these files.
    #[error("the database was not opened, because SQLite could not store changes: {0}")]
    NotWritable(NotWritable),
    /// The server could not be reached, or it refused the connection.
    #[error(
        "cannot open the database {server}; check that the server is running at this address, that the database \
         exists, and that the server accepts the user and the password"
    )]
    Unreachable {
        /// The address of the server, without the password.
        server: String,
        /// The connection's error.
        source: sqlx::Error,
    },
    /// The connection to the server could not be encrypted, or the server's identity could not be verified.
    #[error(
        "cannot open the database {server} with TLS (sslmode={mode}); check that TLS is turned on in the server, and, \
         with verify-ca or verify-full, that sslrootcert names the certificate of the authority that issued the \
         server's certificate; on a network that you trust, you can set sslmode=disable"
    )]
    Tls {
        /// The address of the server, without the password.
        server: String,
        /// The TLS mode, such as `verify-full`.
        mode: &'static str,
        /// The connection's error.
        source: sqlx::Error,
    },
    /// The encoding of the PostgreSQL database is not UTF8, so the database may be unable to store some characters.
    #[error(
        "the database {server} has the encoding {encoding}; expected UTF8; \
         recreate the database with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The address of the server, without the password.
        server: String,
        /// The database's encoding.
        encoding: String,
    },
    /// The tables could not be created or upgraded.
    #[error("cannot create or upgrade the tables of the database {database}")]
    Migrate {
        /// The path of the SQLite file, or the URL of the database without its password.
        database: String,
        /// Why the migrations failed.
        source: MigrateError,
    },
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&WithCauses(self), f)
    }
}

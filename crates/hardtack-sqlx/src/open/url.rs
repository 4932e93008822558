//! The database URL in a configuration.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[cfg(feature = "postgres")]
use super::pg_options;
use crate::error::OpenError;

/// The URL of an SQLite or PostgreSQL database, for example from a configuration.
///
/// The URL has one of two forms:
///
/// - `sqlite:PATH` (feature `sqlite`) refers to a file, which is created if it does not exist. The path is not
///   percent-decoded, and two slashes before it are ignored. `sqlite::memory:` refers to an in-memory database, which
///   is lost when its pool is closed.
/// - `postgres://USER:PASSWORD@HOST:PORT/DATABASE` (feature `postgres`) refers to a database on a server. The scheme
///   can also be `postgresql`. Missing parts are taken from the environment variables `PGHOST`, `PGUSER`, `PGPASSWORD`
///   and so on, or from `.pgpass`. Parameters such as `?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem` have the same
///   meaning as in libpq. Unknown or repeated parameters are rejected. If the feature `tls` is enabled, connections to
///   other machines require TLS, unless `sslmode` is set.
///
/// `Display` and `Debug` leave out the password.
#[derive(Clone)]
pub struct DatabaseUrl(Location);

#[derive(Clone)]
pub(crate) enum Location {
    #[cfg(feature = "sqlite")]
    Memory,
    #[cfg(feature = "sqlite")]
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Server(Box<sqlx::postgres::PgConnectOptions>),
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    None(std::convert::Infallible),
}

impl DatabaseUrl {
    /// Returns the path of the SQLite file, whether or not the file exists. Returns `None` if the database is in memory
    /// or on a server.
    pub fn file(&self) -> Option<&std::path::Path> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::File(path) => Some(path),
            #[cfg(feature = "sqlite")]
            Location::Memory => None,
            #[cfg(feature = "postgres")]
            Location::Server(_) => None,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Location::None(never) => match *never {},
        }
    }

    /// Returns whether the database is in memory, and is therefore lost when its pool is closed.
    pub fn is_in_memory(&self) -> bool {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::Memory => true,
            #[cfg(feature = "sqlite")]
            Location::File(_) => false,
            #[cfg(feature = "postgres")]
            Location::Server(_) => false,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Location::None(never) => match *never {},
        }
    }

    /// Returns the TLS mode of connections to a PostgreSQL server, such as `verify-full`. Returns `None` for SQLite.
    pub fn ssl_mode(&self) -> Option<&'static str> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::Memory | Location::File(_) => None,
            #[cfg(feature = "postgres")]
            Location::Server(options) => Some(pg_options::mode_name(options)),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Location::None(never) => match *never {},
        }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.0
    }

    #[cfg(feature = "postgres")]
    pub(super) fn server(&self) -> Option<&sqlx::postgres::PgConnectOptions> {
        match &self.0 {
            Location::Server(options) => Some(options),
            #[cfg(feature = "sqlite")]
            Location::Memory | Location::File(_) => None,
        }
    }
}

/// Converts the path of an SQLite file into a URL.
#[cfg(feature = "sqlite")]
impl From<PathBuf> for DatabaseUrl {
    fn from(path: PathBuf) -> Self {
        Self(Location::File(path))
    }
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
        match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let file = parse_sqlite(text.strip_prefix("sqlite:").unwrap_or_default())?;
                Ok(Self(file.map_or(Location::Memory, Location::File)))
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                pg_options::parse(text).map(|options| Self(Location::Server(Box::new(options))))
            }
            "" => Err(OpenError::InvalidUrl { reason: format!("it is empty; expected {EXPECTED}") }),
            // The error does not repeat the scheme, because a mistyped URL might begin with the password.
            _ => Err(OpenError::InvalidUrl { reason: format!("its scheme is unknown; expected {EXPECTED}") }),
        }
    }
}

/// Reads the path of an SQLite file, or a URL that begins with `sqlite:`. Returns `None` for an in-memory database.
#[cfg(feature = "sqlite")]
pub(super) fn sqlite_file(path_or_url: &Path) -> Result<Option<PathBuf>, OpenError> {
    match path_or_url.to_str().and_then(|text| text.strip_prefix("sqlite:")) {
        Some(text) => parse_sqlite(text),
        None => Ok(Some(path_or_url.into())),
    }
}

/// Parses the part after `sqlite:`. Returns `None` for an in-memory database.
#[cfg(feature = "sqlite")]
fn parse_sqlite(text: &str) -> Result<Option<PathBuf>, OpenError> {
    let invalid = |reason: &str| Err(OpenError::InvalidUrl { reason: reason.into() });
    if text == ":memory:" {
        return Ok(None);
    }
    match text.strip_prefix("//").unwrap_or(text) {
        "" => invalid("it does not contain a path; expected, for example, sqlite:/var/lib/app.db"),
        path if path.contains('?') => {
            invalid("an SQLite URL takes no parameters; remove the `?` and everything after it")
        }
        path => Ok(Some(path.into())),
    }
}

#[cfg(all(feature = "sqlite", feature = "postgres"))]
const EXPECTED: &str = "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
const EXPECTED: &str = "sqlite:PATH (this program was built without PostgreSQL)";
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
const EXPECTED: &str = "postgres://USER:PASSWORD@HOST/DATABASE (this program was built without SQLite)";
#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
const EXPECTED: &str = "a program that was built with the feature `sqlite` or `postgres` of hardtack-sqlx";

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::Memory => f.write_str("sqlite::memory:"),
            #[cfg(feature = "sqlite")]
            Location::File(path) => write!(f, "sqlite:{}", path.display()),
            #[cfg(feature = "postgres")]
            Location::Server(options) => f.write_str(&pg_options::label(options)),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Location::None(never) => match *never {},
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(all(test, feature = "sqlite", feature = "postgres"))]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<DatabaseUrl>().map(|url| format!("{url} {url:?}")).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn both_kinds_are_read_and_no_password_is_shown() {
        for (text, shown) in [
            ("sqlite:app.db", "sqlite:app.db"),
            ("sqlite://app.db", "sqlite:app.db"),
            ("sqlite:///var/lib/a b%20.db", "sqlite:/var/lib/a b%20.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://me:canary@db.example:5433/app", "postgres://me@db.example:5433/app"),
            ("postgresql://me:canary@[::1]/app?sslmode=disable", "postgres://me@[::1]:5432/app"),
            ("postgres://me:canary@%2Fvar%2Frun%2Fpostgresql/app", "postgres://me@/var/run/postgresql:5432/app"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(format!("{shown} DatabaseUrl({shown})").as_str()), "{text}");
        }
    }

    #[test]
    fn an_invalid_url_is_refused_without_being_repeated() {
        for (text, reason) in [
            ("", "it is empty; expected sqlite:PATH or postgres://"),
            ("canary", "its scheme is unknown; expected sqlite:PATH or postgres://"),
            ("mysql://me:canary@host/app", "its scheme is unknown"),
            ("sqlite:", "it does not contain a path"),
            ("sqlite://app.db?mode=ro", "takes no parameters"),
            ("postgres://me:canary@host:port/app", "invalid port number"),
            ("postgres://me:canary@host/app?sslmode=maybe", "ssl_mode"),
            (
                "postgres://me:canary@host/app?sslmod=require",
                "its parameter \"sslmod\" is unknown; expected one of sslmode",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.starts_with("the database URL cannot be used: ") && error.contains(reason),
                "{text}: {error}"
            );
            assert!(!error.contains("canary"), "{error}");
        }
    }
}

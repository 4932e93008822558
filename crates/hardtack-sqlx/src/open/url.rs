//! The one line of a configuration that names a database.

use std::fmt;
use std::str::FromStr;

#[cfg(feature = "postgres")]
use super::postgres;
use crate::{Database, OpenError};

/// Which database, as one text:
///
/// - `sqlite:PATH`, a file that is created where it is missing; the path is taken as it stands, and two
///   slashes before it do no harm. `sqlite::memory:` is gone when the program ends (feature `sqlite`);
/// - `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, also `postgresql:`. What it leaves out comes from
///   `PGHOST`, `PGUSER`, `PGPASSWORD` and so on, or `.pgpass` (feature `postgres`).
///   Parameters such as `?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem` are libpq's. To a host that is
///   not this machine, TLS is required unless `sslmode` says otherwise (features `postgres` and `tls`).
///
/// [`Display`](fmt::Display) leaves the password out, and so does `Debug`.
#[derive(Clone)]
pub struct DatabaseUrl(Place);

#[derive(Clone)]
enum Place {
    #[cfg(feature = "sqlite")]
    Memory,
    #[cfg(feature = "sqlite")]
    File(std::path::PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<sqlx::postgres::PgConnectOptions>),
}

impl DatabaseUrl {
    /// Opens the database. No tables are made.
    ///
    /// # Errors
    /// It cannot be reached or opened.
    pub async fn open(&self) -> Result<Database, OpenError> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Place::Memory => super::open_in_memory().await.map(Database::from),
            #[cfg(feature = "sqlite")]
            Place::File(path) => super::open_sqlite(path).await.map(Database::from),
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => postgres::open(options).await.map(Database::from),
        }
    }

    /// The file that the database is in, there or not; none where it is on a server or in memory.
    pub fn file(&self) -> Option<&std::path::Path> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Place::File(path) => Some(path),
            #[cfg(feature = "sqlite")]
            Place::Memory => None,
            #[cfg(feature = "postgres")]
            Place::Postgres(_) => None,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(&self) -> Option<&sqlx::postgres::PgConnectOptions> {
        match &self.0 {
            Place::Postgres(options) => Some(options),
            #[cfg(feature = "sqlite")]
            Place::Memory | Place::File(_) => None,
        }
    }
}

/// A file of SQLite's.
#[cfg(feature = "sqlite")]
impl From<std::path::PathBuf> for DatabaseUrl {
    fn from(path: std::path::PathBuf) -> Self {
        Self(Place::File(path))
    }
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
        #[cfg(feature = "sqlite")]
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" if rest == ":memory:" => Ok(Self(Place::Memory)),
            #[cfg(feature = "sqlite")]
            "sqlite" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => Err(OpenError::Url { why: "it names no file; expected such as sqlite:/var/lib/app.db".into() }),
                path if path.contains('?') => Err(OpenError::Url {
                    why: "one of SQLite takes no parameters; leave out what begins with ?".into(),
                }),
                path => Ok(Self(Place::File(path.into()))),
            },
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => postgres::parse(text).map(|options| Self(Place::Postgres(Box::new(options)))),
            // Not repeated: it may be a password that a mistyped URL begins with.
            _ => Err(OpenError::Url { why: format!("it begins otherwise; expected {EXPECTED}") }),
        }
    }
}

#[cfg(all(feature = "sqlite", feature = "postgres"))]
const EXPECTED: &str = "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
const EXPECTED: &str = "sqlite:PATH; this program was built without PostgreSQL";
#[cfg(not(feature = "sqlite"))]
const EXPECTED: &str = "postgres://USER:PASSWORD@HOST/DATABASE; this program was built without SQLite";

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Place::Memory => f.write_str("sqlite::memory:"),
            #[cfg(feature = "sqlite")]
            Place::File(path) => write!(f, "sqlite:{}", path.display()),
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => f.write_str(&postgres::label(options)),
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
        text.parse::<DatabaseUrl>().map(|url| format!("{url} {url:?}")).map_err(|error| error.to_string())
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
    fn what_is_no_url_of_a_database_is_refused_without_being_repeated() {
        for (text, why) in [
            ("", "it begins otherwise; expected sqlite:PATH or postgres://"),
            ("canary", "it begins otherwise"),
            ("mysql://me:canary@host/app", "it begins otherwise"),
            ("sqlite:", "it names no file"),
            ("sqlite://app.db?mode=ro", "takes no parameters"),
            ("postgres://me:canary@host:port/app", "invalid port number"),
            ("postgres://me:canary@host/app?sslmode=maybe", "ssl_mode"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with("the database URL cannot be used: ") && error.contains(why), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}

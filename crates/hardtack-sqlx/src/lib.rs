//! Hardtack's sessions on SQLite (one file, no server) and on PostgreSQL (several machines), with embedded
//! migrations.
//!
//! ```
//! use hardtack::{Authenticator, KeySet, SigningKey};
//! use hardtack::jwt::Algorithm;
//! # #[cfg(feature = "sqlite")]
//! use hardtack_sqlx::SqliteSessions;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "sqlite")] {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app.db");
//! let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
//!     .base_url("https://site.example")
//!     .sessions(SqliteSessions::open(path).await?)
//!     .build()?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! `PostgresSessions::open("postgres://user:password@host/database")` is the same on PostgreSQL. An
//! application that keeps tables of its own in the same database opens it once, as a [`Database`] or as an
//! sqlx pool (`open_sqlite`, `open_postgres`), and hands that to [`Sessions::from_pool`].
//!
//! Every write is committed and synced to disk before it is answered: a log-out survives a power cut.
//! Several processes may share one SQLite file on one machine; a network file system will not do (SQLite's
//! write-ahead log needs shared memory). Several machines share a PostgreSQL database, and tell each other
//! of ended sessions by `NOTIFY`.
//!
//! # Features
//! `sqlite` (on unless turned off), `postgres`, and `tls` for PostgreSQL over TLS.

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("hardtack-sqlx needs a database; turn on its feature `sqlite`, `postgres`, or both");

mod columns;
mod database;
mod error;
mod migrate;
mod open;
mod row;
mod sessions;
mod statement;

pub use columns::Columns;
pub use database::{Database, Transaction};
pub use error::{MigrateError, OpenError};
pub use migrate::Migration;
pub use open::DatabaseUrl;
#[cfg(feature = "postgres")]
pub use open::open_postgres;
#[cfg(feature = "sqlite")]
pub use open::open_sqlite;
#[cfg(feature = "postgres")]
pub use sessions::PostgresSessions;
pub use sessions::Sessions;
#[cfg(feature = "sqlite")]
pub use sessions::SqliteSessions;
pub use statement::{Statement, Value};

//! Keeps [Hardtack](hardtack)'s sessions and revocation log in SQLite (one file, no server) or PostgreSQL (several
//! machines), with embedded migrations.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use hardtack::{Authenticator, KeySet};
//! use hardtack_sqlx::SqliteSessions;
//!
//! let auth = Authenticator::builder(KeySet::from_secret_env("JWT_SECRET_KEY")?)
//!     .base_url("https://site.example")
//!     .sessions(SqliteSessions::open("sessions.db").await?)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! On PostgreSQL, replace one line:
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use hardtack_sqlx::PostgresSessions;
//!
//! let sessions = PostgresSessions::open("postgres://user:password@db.example/app").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Choosing how to open
//!
//! | you have | use |
//! | --- | --- |
//! | an SQLite file for the sessions | `SqliteSessions::open(path)` |
//! | a PostgreSQL database for the sessions | `PostgresSessions::open(url)` |
//! | tables of your own in the same database | `open_sqlite` or `open_postgres`, your queries on that sqlx pool, and [`Sessions::from_pool`] |
//! | a URL from a configuration, for either database | [`Database::open`] and [`Database::sessions`] |
//! | a test or a demonstration | `SqliteSessions::open_in_memory()` |
//!
//! The `open` functions of the session types bring the tables up to date. After [`Sessions::from_pool`] and
//! [`Database::sessions`], call [`Sessions::migrate`] once at start-up.
//!
//! # Durability and sharing
//!
//! Every write is committed and synced to disk before the call returns, so a log-out survives a power cut.
//!
//! - **SQLite**: several processes on one machine can share a file. A network file system does not work, since
//!   SQLite's write-ahead log needs shared memory.
//! - **PostgreSQL**: several machines can share a database. A transaction that ends sessions notifies the other
//!   processes with `NOTIFY`, so that they refuse the sessions within milliseconds.
//!
//! # Features
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `sqlite` | yes | SQLite, compiled in |
//! | `postgres` | no | PostgreSQL |
//! | `tls` | no | `postgres` with TLS (rustls); connections to other machines then require TLS, unless `sslmode` is set |
//!
//! # Links
//!
//! [`hardtack`] defines the [`SessionStore`](hardtack::session::SessionStore) trait and the
//! [`Authenticator`](hardtack::Authenticator) that uses a store. [`hardtack-redis`](https://docs.rs/hardtack-redis) keeps
//! sessions in Redis, or adds notifications to an SQLite file that several processes share.

// Code is unused or unreachable if no database is turned on.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(dead_code, unreachable_code, unused_imports, unused_variables)
)]

mod database;
mod error;
mod open;
mod schema;
mod sessions;

pub use database::Database;
pub use error::OpenError;
pub use hardtack_db::MigrateError;
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

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;

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
//! | users in SQLite or PostgreSQL, and sessions in another store | [`PendingEnds`], in the database of the users |
//! | counters of tries, such as log-ins | [`Sessions::throttle`] or [`Database::throttle`] |
//! | tables of your own in the same database | `open_sqlite` or `open_postgres`, your queries on that sqlx pool, and [`Sessions::from_pool`] |
//! | a URL from a configuration, for either database | [`Database::open`] and [`Database::sessions`] |
//! | a test or a demonstration | `SqliteSessions::open_in_memory()` |
//!
//! The `open` functions of the session types bring the tables up to date. After [`Sessions::from_pool`] and
//! [`Database::sessions`], call [`Sessions::migrate`] once at start-up.
//!
//! # A password change
//!
//! Store the new password and end the user's other sessions in one transaction, because one of them may be a thief's.
//! If these were two steps, a failure or a disconnect between them would leave the thief logged in. If your users are
//! in the same database as the sessions:
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")] mod example {
//! use hardtack::VerifiedToken;
//! use hardtack::session::EndedSessions;
//! use hardtack_sqlx::SqliteSessions;
//!
//! async fn change_password(
//!     sessions: &SqliteSessions,
//!     token: &VerifiedToken,
//!     hash: &str,
//! ) -> Result<EndedSessions, sqlx::Error> {
//!     let mut tx = sessions.pool().begin_with("BEGIN IMMEDIATE").await?; // PostgreSQL: begin()
//!     let id = token.subject();
//!     sqlx::query("UPDATE users SET hash = $1 WHERE id = $2").bind(hash).bind(id).execute(&mut *tx).await?;
//!     let ended = sessions.end_others_in(&mut tx, id, token.session()).await?;
//!     tx.commit().await?;
//!     Ok(ended) // in the handler, auth.renew(ended).await gives this browser a new session
//! }
//! # }
//! ```
//!
//! - `end_others_in` keeps the session of this request, which `Auth::renew` replaces. `end_all_in` ends all sessions of
//!   the user: for a password reset, or when a user is disabled or deleted. Pass the result of `end_all_in` to
//!   [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending).
//! - On SQLite, begin the transaction with `BEGIN IMMEDIATE`: a transaction that begins with a read fails if another
//!   connection writes before the transaction's own first write.
//! - On PostgreSQL, the entries in the revocation log get their numbers at the commit, so log-outs of other users do
//!   not wait for your transaction. Its isolation level should be READ COMMITTED, as `open_postgres` sets it: at a
//!   stricter level, two such transactions at once can fail with a serialization failure.
//! - If the sessions are in another store, such as Redis, use [`PendingEnds`], which has the same methods.
//!
//! # Durability and sharing
//!
//! Every write is committed and synced to disk before the call returns, so a log-out survives a power failure (on
//! PostgreSQL, unless its setting `fsync` is off). After a restart, and on every other server, the adapter reads from
//! the database which sessions have ended. Until it has done that, each request is checked against the database. The
//! adapter also deletes expired rows. You need not call anything for this.
//!
//! - **SQLite**: several processes on one machine can share a file. A file is refused if it belongs to another user
//!   except root, or if other users can write to it. When a full disk has space again, everything works without a
//!   restart. A network file system does not work, since SQLite's write-ahead log needs shared memory.
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
//! [`Authenticator`](hardtack::Authenticator) that uses a store. [`hardtack-redis`](https://docs.rs/hardtack-redis)
//! keeps sessions in Redis, or adds notifications to an SQLite file that several processes share.

// Code is unused or unreachable if no database is turned on.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(dead_code, unreachable_code, unused_imports, unused_variables)
)]

mod database;
mod error;
mod open;
mod pending;
mod schema;
mod sessions;
mod throttle;

pub use database::Database;
pub use error::OpenError;
pub use hardtack_db::MigrateError;
pub use open::DatabaseUrl;
#[cfg(feature = "postgres")]
pub use open::open_postgres;
#[cfg(feature = "sqlite")]
pub use open::open_sqlite;
pub use pending::PendingEnds;
#[cfg(feature = "postgres")]
pub use sessions::PostgresSessions;
pub use sessions::Sessions;
#[cfg(feature = "sqlite")]
pub use sessions::SqliteSessions;
pub use throttle::SqlThrottleStore;

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;

//! Keeps [Hardtack](hardtack)'s sessions and revocation log in SQLite (a single file, no server) or PostgreSQL (for
//! several machines). The crate creates and upgrades its own tables.
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
//! For PostgreSQL, open the sessions like this instead:
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
//! | counters of attempts, such as log-ins | [`Sessions::throttle`] or [`Database::throttle`] |
//! | tables of your own in the same database | an sqlx pool from `open_sqlite` or `open_postgres`, for your queries and for [`Sessions::from_pool`] |
//! | a URL from a configuration, for either database | [`Database::open`] and [`Database::sessions`] |
//! | a test or a demonstration | `SqliteSessions::open_in_memory()` |
//!
//! For your own queries, add sqlx 0.9 to your `Cargo.toml`, with the feature of your database:
//! `cargo add sqlx@0.9 --no-default-features --features runtime-tokio,sqlite` (or `postgres`). With another version of
//! sqlx, the compiler reports a mismatch between two types named `Pool`.
//!
//! `SqliteSessions::open` and `PostgresSessions::open` create or upgrade the tables. If you use [`Sessions::from_pool`]
//! or [`Database::sessions`] instead, call [`Sessions::migrate`] once at start-up.
//!
//! # A password change
//!
//! When a user changes their password, one of their other sessions might belong to a thief. If you stored the new
//! password and ended the other sessions in two transactions, a failure or a disconnect between them would leave the
//! thief logged in. If your users are in the same database as the sessions, do both in one transaction:
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")] mod example {
//! use hardtack::VerifiedToken;
//! use hardtack::session::EndedSessions;
//! use hardtack_sqlx::{ChangeError, SqliteSessions};
//!
//! async fn change_password(
//!     sessions: &SqliteSessions,
//!     token: &VerifiedToken,
//!     hash: &str,
//! ) -> Result<EndedSessions, ChangeError> {
//!     let mut tx = sessions.pool().begin_with("BEGIN IMMEDIATE").await?; // PostgreSQL: begin()
//!     let id = token.subject();
//!     sqlx::query("UPDATE users SET hash = $1 WHERE id = $2").bind(hash).bind(id).execute(&mut *tx).await?;
//!     let ended = sessions.end_others_in(&mut tx, id, token.session()).await?;
//!     tx.commit().await?;
//!     Ok(ended)
//! }
//! # }
//! ```
//!
//! In the handler, call this function and then `Auth::renew`, which gives this browser a new session:
//!
//! ```text
//! let ended = change_password(&sessions, &token, &hash).await.map_err(|error| auth.refuse(error))?;
//! let cookies = auth.renew(ended).await?;
//! ```
//!
//! - `end_others_in` ends all of the user's sessions except the current one. `Auth::renew` then replaces the current
//!   session.
//! - `end_others_in` returns an error if the current session has ended since the extractor verified the token, for
//!   example because the user has reset the password. The transaction is then rolled back, and
//!   [`ChangeError`] becomes the response that every request of an ended session gets. If the browser sends the form
//!   twice, the second request is refused in the same way, without deleting the cookies of the new session. If the
//!   second transaction commits before the session is replaced, both requests succeed, and one of the two responses
//!   contains the new cookies.
//! - In all other transactions that only a logged-in user may run, call `require_live_in`, for example when a user
//!   changes the email address, or when an administrator disables another user or changes a role.
//! - `end_all_in` ends all of the user's sessions. Use it for a password reset, or when you disable or delete a user.
//!   Pass its result to [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending).
//! - On SQLite, begin the transaction with `BEGIN IMMEDIATE`. With a plain `BEGIN`, a transaction that first reads and
//!   then writes fails if another connection has written in between.
//! - On PostgreSQL, the entries in the revocation log are not numbered until the commit, so other users' log-outs do
//!   not wait for your transaction. Keep the isolation level READ COMMITTED, which `open_postgres` sets. At a stricter
//!   level, one of two concurrent transactions can fail with a serialization error.
//! - If the sessions are in another store, such as Redis, use [`PendingEnds`], which has the same methods. It asks the
//!   session store whether the session has ended, so call `end_others_in` or `require_live_in` last, right before the
//!   commit. A session that ends between this call and the commit can still make its change.
//!
//! # Durability and sharing
//!
//! Every write is committed and synced to disk before the call returns, so a log-out survives a power failure. (On
//! PostgreSQL, this requires the setting `fsync`, which is enabled by default.)
//!
//! The adapter (`hardtack-axum` or `hardtack-actix`) learns from the database which sessions have ended, including
//! those that ended before a restart or on another server. Until it has read the revocation log for the first time,
//! each request is checked against the database. The adapter also deletes expired rows. You do not have to call
//! anything for this.
//!
//! - **SQLite**: several processes on one machine can share a file. The file must belong to root or to the user that
//!   runs the process, and no other user may have write access. Otherwise, Hardtack refuses to open the file. If the
//!   disk fills up, everything works again as soon as there is space, without a restart. A network file system does not
//!   work, because SQLite's write-ahead log needs shared memory.
//! - **PostgreSQL**: several machines can share a database. A transaction that ends sessions notifies the other
//!   processes with `NOTIFY`, so within milliseconds they stop accepting these sessions.
//!
//! # Features
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `sqlite` | yes | SQLite, compiled in |
//! | `postgres` | no | PostgreSQL |
//! | `tls` | no | `postgres` with TLS (rustls); connections to other machines then require TLS, unless `sslmode` is set |
//!
//! # How do I …?
//!
//! | How do I … | guide |
//! | --- | --- |
//! | … change a password, and end the user's other sessions? | [A password change](#a-password-change) |
//! | … list a user's devices, or log out everywhere? | [Sessions](hardtack::guide::sessions#devices) |
//! | … change a role while the user is logged in? | [Roles](hardtack::guide::roles#change-a-role-while-the-user-is-logged-in) |
//! | … share counters of log-in attempts between servers? | [Limiting log-in attempts](hardtack::guide::throttling) |
//! | … run several servers, or prepare for production? | [In production](hardtack::guide::production#sessions) |
//!
//! # Links
//!
//! [`hardtack`] defines the [`SessionStore`](hardtack::session::SessionStore) trait and the
//! [`Authenticator`](hardtack::Authenticator) that uses a store. [`hardtack-redis`](https://docs.rs/hardtack-redis)
//! keeps sessions in Redis. `hardtack-redis` can also notify processes that share an SQLite file when a session ends.

// If neither database feature is enabled, some code is unused or unreachable.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(dead_code, unreachable_code, unused_imports, unused_variables)
)]

mod change_error;
mod database;
mod error;
mod open;
mod pending;
mod schema;
mod sessions;
mod throttle;

pub use change_error::ChangeError;
pub use database::Database;
pub use error::OpenError;
pub use hardtack_db::MigrateError;
pub use open::DatabaseUrl;
#[cfg(feature = "postgres")]
pub use open::open_postgres;
#[cfg(feature = "sqlite")]
pub use open::open_sqlite;
pub use pending::PendingEnds;
/// For Hardtack's own crates, which migrate the tables of several components in one transaction.
#[doc(hidden)]
pub use schema::{PENDING_ENDS, SESSIONS, THROTTLE};
#[cfg(feature = "postgres")]
pub use sessions::PostgresSessions;
pub use sessions::Sessions;
#[cfg(feature = "sqlite")]
pub use sessions::SqliteSessions;
pub use throttle::SqlThrottleStore;

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;

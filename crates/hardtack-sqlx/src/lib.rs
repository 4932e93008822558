//! Hardtack's sessions on SQLite: one file, no server, embedded migrations.
//!
//! ```
//! use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
//! use hardtack_sqlx::SqliteSessions;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app.db");
//! let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
//!     .base_url("https://site.example")
//!     .sessions(SqliteSessions::open(path).await?)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! An application that keeps tables of its own in the same file opens it once, with [`open_sqlite`],
//! hands the pool to [`SqliteSessions::from_pool`], and runs its own [`migrate`].
//!
//! Every write is committed and synced to disk before it is answered (`synchronous = FULL`): a log-out
//! survives a power cut. Several processes may share one file on one machine; a network file system
//! will not do (SQLite's write-ahead log needs shared memory).

mod error;
mod migrate;
mod open;
mod row;
mod sessions;

pub use error::{MigrateError, OpenError};
pub use migrate::{Migration, migrate};
pub use open::open_sqlite;
pub use sessions::SqliteSessions;

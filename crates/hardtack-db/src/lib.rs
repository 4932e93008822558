//! Internal to Hardtack; **there is no stable API**. Any release may change or remove anything in this crate.
//!
//! This crate runs the same SQL on SQLite and on PostgreSQL. Both `hardtack-sqlx` (sessions) and `hardtack-accounts`
//! (users) use this crate. Applications do not need it: they open the database with `hardtack-sqlx`, and use sqlx for
//! their own tables.
//!
//! | item | purpose |
//! | --- | --- |
//! | [`Pool`] | connections to an SQLite or PostgreSQL database |
//! | [`Statement`], [`Value`] | SQL with the placeholders `$1`, `$2`, …, and the values for them |
//! | [`FromAnyRow`] | a type that a row of either database can be read into |
//! | [`Transaction`] | several statements, committed together |
//! | [`Connection`] | one connection, for example in a transaction that the application has begun |
//! | `DatabaseFile` (SQLite) | detects that the file of an open database was replaced, overwritten or damaged |
//! | `no_connection` (PostgreSQL) | the error if no connection is available in time |
//! | [`Component`], [`Migration`], [`MigrateError`] | versioned tables; each component has its own list of migrations |
//!
//! ```
//! use hardtack_db::{Component, Migration, Pool, Statement};
//!
//! const NOTES: &[Migration] = &[Migration::new(1, "CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)")];
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One connection, because each connection to `:memory:` has a database of its own.
//! let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
//! let pool = Pool::from(pool);
//! pool.migrate(Component::new("notes", NOTES)).await?;
//! pool.execute(Statement::new("INSERT INTO notes VALUES ($1, $2)").bind(1_i64).bind("first")).await?;
//! let notes: Vec<(i64, String)> = pool.fetch(Statement::new("SELECT id, body FROM notes")).await?;
//! assert_eq!(notes, [(1, "first".to_owned())]);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! # Features
//! `sqlite` and `postgres` are both off by default. If both are off, the crate compiles, but no [`Pool`] can be
//! created.

// If the feature for one database is off, some code is unused. If both features are off, some code is unreachable.
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    allow(dead_code, unreachable_code, unused_imports, unused_macros, unused_variables)
)]

mod connection;
mod error;
#[cfg(feature = "sqlite")]
mod file;
mod health;
#[cfg(feature = "postgres")]
mod lost_connection;
mod migration;
mod pool;
mod row;
mod statement;
#[cfg(feature = "postgres")]
mod time_limit;
mod transaction;
mod value;

pub use connection::Connection;
pub use error::MigrateError;
#[cfg(feature = "sqlite")]
pub use file::{DatabaseFile, Examination, Found, LengthChange};
#[cfg(feature = "postgres")]
pub use lost_connection::no_connection;
pub use migration::{Component, Migration};
pub use pool::Pool;
pub use row::FromAnyRow;
pub use statement::Statement;
pub use transaction::Transaction;
pub use value::Value;

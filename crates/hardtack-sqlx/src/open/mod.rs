//! How databases are opened: the one place that knows of files, pools and time limits.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

#[cfg(feature = "postgres")]
pub use postgres::open_postgres;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::open_in_memory;
#[cfg(feature = "sqlite")]
pub use sqlite::open_sqlite;
pub use url::DatabaseUrl;

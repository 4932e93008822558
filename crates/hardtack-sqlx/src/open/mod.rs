//! Opening databases: files, connection pools and their settings.

#[cfg(feature = "sqlite")]
mod ownership;
#[cfg(feature = "postgres")]
mod pg_options;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

#[cfg(feature = "postgres")]
pub(crate) use postgres::connect;
#[cfg(feature = "postgres")]
pub use postgres::open_postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::open_sqlite;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{open_file, open_in_memory};
pub use url::DatabaseUrl;
pub(crate) use url::Location;

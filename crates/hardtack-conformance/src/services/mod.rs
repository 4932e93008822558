//! Real services for tests: private ones, on ports and in directories of their own, that end with the
//! process that started them.

pub mod flask;
pub mod postgres;
pub mod redis;

pub use postgres::PostgresServer;

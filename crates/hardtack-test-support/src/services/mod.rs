//! Real servers for tests. Each has its own port and directory and ends with the process that started it.

pub mod flask;
pub mod postgres;
pub mod redis;

pub use postgres::PostgresServer;

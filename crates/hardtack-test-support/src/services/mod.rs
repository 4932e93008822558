//! Real servers for tests. Each server has its own port and directory, and ends when the process that started it ends.

pub mod flask;
pub mod postgres;
pub mod redis;

pub use postgres::PostgresServer;

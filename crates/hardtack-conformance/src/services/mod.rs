//! Servers of other makers that tests need: private ones, started on a free port and ended with the tests.

pub mod postgres;

pub use postgres::PostgresServer;

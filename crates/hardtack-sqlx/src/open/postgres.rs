//! Connecting to a PostgreSQL server.

use std::time::Duration;

use hardtack_db::no_connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::pg_options::{check_tls, label, mode_name};
use super::url::DatabaseUrl;
use crate::error::OpenError;

/// The maximum number of connections in a pool. Each process uses up to this many connections, and one more to listen
/// for notifications. By default, a PostgreSQL server allows 100 connections and reserves three of them for superusers,
/// so the other 97 are enough for eight processes.
const CONNECTIONS: u32 = 10;

/// How long a request waits for a connection from the pool. After that, the request fails, and the client gets a 503.
/// Functions that open a database wait for the database server just as long.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// If a connection has been idle for this long, the pool pings it before use. After an outage, the ping detects a dead
/// connection before a request uses it. Under load, connections are rarely idle for this long, so pings are rare.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Settings that Hardtack relies on, which override the server's configuration:
///
/// - The isolation level is READ COMMITTED, because the statements are written for it.
/// - Time limits keep a stuck statement, or a transaction that a stopped process left open, from holding locks for
///   long.
/// - A commit must be durable before it is confirmed, so `synchronous_commit = off` becomes `on`.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '4s';
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Opens a PostgreSQL database with the settings that Hardtack relies on, but creates no tables. See [`DatabaseUrl`]
/// for the format of the URL.
///
/// The pool has up to ten connections. Each has READ COMMITTED isolation, durable commits and time limits. If the
/// feature `tls` is enabled, connections to other machines require TLS, unless `sslmode` is set.
///
/// # Errors
/// - The URL is not valid.
/// - The URL requires TLS, but the feature `tls` is not enabled.
/// - The server cannot be reached, or it refuses the connection.
/// - The database's encoding is not UTF8.
pub async fn open_postgres(url: &str) -> Result<PgPool, OpenError> {
    let url: DatabaseUrl = url.parse()?;
    match url.server() {
        Some(options) => connect(options).await,
        None => Err(OpenError::InvalidUrl {
            reason: "it is not the URL of a PostgreSQL server; expected postgres://…".into(),
        }),
    }
}

pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgPool, OpenError> {
    check_tls(options, cfg!(feature = "tls"))?;
    let failed = |source| match source {
        sqlx::Error::Tls(_) => OpenError::Tls { server: label(options), mode: mode_name(options), source },
        source => OpenError::Unreachable { server: label(options), source },
    };
    // Connect once without the pool, to get the server's error. A pool would retry, and then report only a timeout.
    let encoding = tokio::time::timeout(ACQUIRE_TIMEOUT, server_encoding(options)).await;
    let encoding = encoding.unwrap_or_else(|_| Err(no_connection(ACQUIRE_TIMEOUT, CONNECTIONS))).map_err(failed)?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { server: label(options), encoding });
    }
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < TRUSTED_FOR || connection.ping().await.is_ok()) })
        })
        .after_connect(|connection, _| Box::pin(async { sqlx::raw_sql(SETTINGS).execute(connection).await.map(drop) }))
        .connect_lazy_with(options.clone());
    Ok(pool)
}

/// Connects once and returns the database's encoding.
async fn server_encoding(options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let mut connection: PgConnection = options.connect().await?;
    let encoding = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(encoding)
}

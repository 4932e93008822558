//! A PostgreSQL server.

use std::net::IpAddr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::DatabaseUrl;
use crate::OpenError;

/// A server allows a hundred unless told otherwise; so nine processes, with one more each that listens.
const CONNECTIONS: u32 = 10;

/// How long a request waits for a connection before it is told 503, and how long a start does.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that was unused for this long is asked whether it is alive before it is used again:
/// under load none is asked, and after an outage no request is given a dead one.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// What Hardtack relies on, whatever the server's own configuration says. Read committed is what the
/// statements are written for; what is answered is durable; and no transaction of a process that has
/// stopped keeps the others waiting for its locks.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '4s';
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Opens a PostgreSQL database as Hardtack wants it: read committed, durable commits, time limits, ten
/// connections at most, and TLS required to hosts other than this machine unless the URL's `sslmode`
/// says otherwise (with the feature `tls`). No tables are made. See [`DatabaseUrl`] for the URL.
///
/// # Errors
/// The URL is none, or the server does not let us in.
pub async fn open_postgres(url: &str) -> Result<PgPool, OpenError> {
    let url: DatabaseUrl = url.parse()?;
    match url.postgres() {
        Some(options) => open(options).await,
        None => Err(OpenError::Url { why: "it is none of PostgreSQL; expected postgres://…".into() }),
    }
}

pub(super) async fn open(options: &PgConnectOptions) -> Result<PgPool, OpenError> {
    let failed = |source| OpenError::Unreachable { server: label(options), source };
    // By itself, since a pool tries again and again and then says only that time has run out.
    let answer = tokio::time::timeout(ACQUIRE_TIMEOUT, check(options)).await;
    let encoding = answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failed)?;
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

/// Connects once, and answers the database's encoding.
async fn check(options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let mut connection: PgConnection = options.connect().await?;
    let encoding = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(encoding)
}

pub(super) fn parse(text: &str) -> Result<PgConnectOptions, OpenError> {
    let wrong = |error: &dyn std::fmt::Display| OpenError::Url { why: error.to_string() };
    let url = url::Url::parse(text).map_err(|error| wrong(&error))?;
    let options: PgConnectOptions = text.parse().map_err(|error: sqlx::Error| match error {
        sqlx::Error::Configuration(error) => wrong(&error),
        error => wrong(&error),
    })?;
    let chosen = url.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode"))
        || std::env::var_os("PGSSLMODE").is_some();
    if cfg!(feature = "tls") && !chosen && !is_here(&options) {
        return Ok(options.ssl_mode(PgSslMode::Require));
    }
    Ok(options)
}

/// Whether nobody could read the connection on its way.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Without the password.
pub(super) fn label(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|path| path.display().to_string());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        parse(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn another_machine_is_spoken_to_over_tls() {
        let expected = if cfg!(feature = "tls") { PgSslMode::Require } else { PgSslMode::Prefer };
        for url in ["postgres://u:p@db.example/app", "postgres://u:p@192.0.2.1/app"] {
            assert_eq!(format!("{:?}", mode(url)), format!("{expected:?}"), "{url}");
        }
        for url in ["postgres://u:p@127.0.0.1/app", "postgres://u:p@[::1]/app", "postgres://u:p@localhost/app"] {
            assert!(matches!(mode(url), PgSslMode::Prefer), "{url}");
        }
        assert!(matches!(mode("postgres://u:p@db.example/app?sslmode=disable"), PgSslMode::Disable));
        assert!(matches!(mode("postgres://u:p@db.example/app?sslmode=verify-full"), PgSslMode::VerifyFull));
    }
}

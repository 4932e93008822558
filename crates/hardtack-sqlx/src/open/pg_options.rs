//! The URL of a PostgreSQL database: reading it, and showing it without the password.

use std::fmt::Display;
use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::OpenError;

/// Parses a URL. If the feature `tls` is enabled, connections to other machines require TLS, unless the mode is set
/// with `sslmode` or `PGSSLMODE`.
pub(super) fn parse(text: &str) -> Result<PgConnectOptions, OpenError> {
    let invalid = |error: &dyn Display| OpenError::InvalidUrl { reason: error.to_string() };
    let url = url::Url::parse(text).map_err(|error| invalid(&error))?;
    let options: PgConnectOptions = text.parse().map_err(|error: sqlx::Error| match error {
        sqlx::Error::Configuration(error) => invalid(&error),
        error => invalid(&error),
    })?;
    let has_mode = url.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode"))
        || std::env::var_os("PGSSLMODE").is_some();
    if cfg!(feature = "tls") && !has_mode && !is_local(&options) {
        return Ok(options.ssl_mode(PgSslMode::Require));
    }
    Ok(options)
}

/// Returns the URL without the password.
pub(super) fn label(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|path| path.display().to_string());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
}

/// Whether the connection stays on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        parse(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn connections_to_other_machines_require_tls() {
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

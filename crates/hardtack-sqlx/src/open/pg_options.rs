//! Parses the URL of a PostgreSQL database, and formats the URL without the password.

use std::fmt::Display;
use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::OpenError;

/// Parses a URL. If the feature `tls` is enabled, connections to other machines require TLS, unless the TLS mode is set
/// with `sslmode` or `PGSSLMODE`.
pub(super) fn parse(text: &str) -> Result<PgConnectOptions, OpenError> {
    let invalid = |error: &dyn Display| OpenError::InvalidUrl { reason: error.to_string() };
    let url = url::Url::parse(text).map_err(|error| invalid(&error))?;
    check_parameters(&url).map_err(|reason| invalid(&reason))?;
    check_mode_of_environment(std::env::var("PGSSLMODE").ok().as_deref()).map_err(|reason| invalid(&reason))?;
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

/// Refuses a mode that needs TLS if this program was built without TLS. sqlx would report this mistake only after
/// connecting, and would not name this crate's feature.
pub(super) fn check_tls(options: &PgConnectOptions, has_tls: bool) -> Result<(), OpenError> {
    let needs_tls = match options.get_ssl_mode() {
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => true,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => false,
    };
    if has_tls || !needs_tls {
        return Ok(());
    }
    let reason = format!(
        "its sslmode is {}, but this program was built without TLS; turn on the feature `tls` of hardtack-sqlx, for \
         example with: cargo add hardtack-sqlx --features tls",
        mode_name(options)
    );
    Err(OpenError::InvalidUrl { reason })
}

/// The parameters that sqlx reads. All names in a group set the same value.
const PARAMETERS: [&[&str]; 12] = [
    &["sslmode", "ssl-mode"],
    &["sslrootcert", "ssl-root-cert", "ssl-ca"],
    &["sslcert", "ssl-cert"],
    &["sslkey", "ssl-key"],
    &["host", "hostaddr"],
    &["port"],
    &["dbname"],
    &["user"],
    &["password"],
    &["application_name"],
    &["options"],
    &["statement-cache-capacity"],
];

/// Refuses parameters that sqlx would ignore, such as a misspelled `sslmode`, and parameters that are given twice. The
/// error contains no values, because a value might be a password.
fn check_parameters(url: &url::Url) -> Result<(), String> {
    let expected = || PARAMETERS.map(|names| names[0]).join(", ");
    let mut found: Vec<usize> = Vec::new();
    for (name, _) in url.query_pairs() {
        // `options[NAME]=VALUE` sets the server setting `NAME`. `PARAMETERS` does not list these, because the server
        // has many settings.
        if name.starts_with("options[") && name.ends_with(']') {
            continue;
        }
        let Some(index) = PARAMETERS.iter().position(|names| names.contains(&&*name)) else {
            return Err(format!("its parameter {name:?} is unknown; expected one of {}", expected()));
        };
        if found.contains(&index) {
            return Err(format!("its parameter {name:?} is given twice, or under two names; remove one"));
        }
        found.push(index);
    }
    Ok(())
}

/// Refuses a `PGSSLMODE` value that sqlx would ignore.
fn check_mode_of_environment(value: Option<&str>) -> Result<(), String> {
    match value.map(str::parse::<PgSslMode>) {
        Some(Err(_)) => {
            Err("the environment variable PGSSLMODE has an unknown value; expected disable, allow, prefer, require, \
             verify-ca or verify-full"
                .to_owned())
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Returns the TLS mode as written in the `sslmode` parameter.
pub(super) fn mode_name(options: &PgConnectOptions) -> &'static str {
    match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// Returns the URL without the password.
pub(super) fn label(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|path| path.display().to_string());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
}

/// Returns whether the connection stays on this machine.
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
    fn k04_unknown_and_repeated_parameters_are_refused() {
        let refused =
            |query: &str| parse(&format!("postgres://u:canary@db.example/app?{query}")).unwrap_err().to_string();
        for (query, name) in [
            ("sslmod=verify-full", "sslmod"),
            ("ssl_mode=verify-full", "ssl_mode"),
            ("SSLMODE=verify-full", "SSLMODE"),
            ("sslmode=verify-full&sslrootcrt=a.pem", "sslrootcrt"),
            ("passwort=canary", "passwort"),
            ("options[a=b", "options[a"),
        ] {
            let text = refused(query);
            assert!(text.contains(&format!("its parameter {name:?} is unknown; expected one of sslmode, ")), "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
        for query in ["sslmode=verify-full&sslmode=disable", "sslmode=require&ssl-mode=disable", "user=a&user=a"] {
            assert!(refused(query).contains("is given twice, or under two names; remove one"), "{query}");
        }
        let good = "sslmode=verify-full&sslrootcert=a.pem&application_name=x&options[a]=b&options[c]=d&host=h&port=1";
        assert_eq!(mode_name(&parse(&format!("postgres://u@db.example/app?{good}")).unwrap()), "verify-full");
        assert!(check_mode_of_environment(Some("verify_full")).unwrap_err().contains("PGSSLMODE"));
        assert_eq!((check_mode_of_environment(Some("verify-full")), check_mode_of_environment(None)), (Ok(()), Ok(())));
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

    #[test]
    fn a_mode_that_needs_tls_names_the_missing_feature() {
        let options = |mode: &str| parse(&format!("postgres://u@db.example/app?sslmode={mode}")).unwrap();
        for mode in ["require", "verify-ca", "verify-full"] {
            let error = check_tls(&options(mode), false).unwrap_err().to_string();
            assert!(error.contains("cargo add hardtack-sqlx --features tls"), "{error}");
            assert!(check_tls(&options(mode), true).is_ok(), "{mode}");
        }
        assert!(check_tls(&options("prefer"), false).is_ok());
    }
}

//! Every setting there is: its names and its default.

use crate::error::Error;

/// A setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    /// Its name in the file. The flag and the environment variable follow from it: `access_lifetime`,
    /// `--access-lifetime`, `HARDTACK_ACCESS_LIFETIME`.
    own: Option<&'static str>,
    /// Its names in Flask-JWT-Extended, taken from the environment and the file.
    flask: &'static [&'static str],
    /// What it is unless set; empty where that is nothing, or depends on other settings.
    pub(crate) default: &'static str,
    /// Whether it is never shown; but see [`Self::hides`].
    pub(crate) secret: bool,
}

impl Opt {
    const fn own(name: &'static str, flask: &'static [&'static str], default: &'static str) -> Self {
        Self { own: Some(name), flask, default, secret: false }
    }

    const fn flask(names: &'static [&'static str], default: &'static str) -> Self {
        Self { own: None, flask: names, default, secret: false }
    }

    const fn secret(names: &'static [&'static str]) -> Self {
        Self { own: None, flask: names, default: "", secret: true }
    }

    /// A setting of the binary's own that may have a password in it.
    const fn own_secret(name: &'static str) -> Self {
        Self { own: Some(name), flask: &[], default: "", secret: true }
    }

    /// Whether this value of it is never shown. The name of a file is no secret.
    pub(crate) fn hides(&self, value: &str) -> bool {
        self.secret && !(self == &DATABASE_URL && value.starts_with("sqlite:"))
    }

    /// The first of its names in the file.
    pub(crate) fn name(&self) -> &'static str {
        self.file_names().next().unwrap_or_default()
    }

    /// Its names in the file.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &'static str> {
        self.own.into_iter().chain(self.flask.iter().copied())
    }

    /// Its names in the environment.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = String> {
        let own = self.own.map(|name| format!("HARDTACK_{}", name.to_ascii_uppercase()));
        own.into_iter().chain(self.flask.iter().map(|name| (*name).to_owned()))
    }

    /// How an operator would set it: by its flag if it has one.
    pub(crate) fn handle(&self) -> String {
        match self.own {
            Some(name) => format!("--{}", name.replace('_', "-")),
            None => self.name().to_owned(),
        }
    }
}

pub(crate) const LISTEN: Opt = Opt::own("listen", &[], "127.0.0.1:8080");
pub(crate) const DATA_DIR: Opt = Opt::own("data_dir", &[], "./hardtack-data");
pub(crate) const DATABASE_URL: Opt = Opt::own_secret("database_url");
pub(crate) const REDIS_URL: Opt = Opt::own_secret("redis_url");
pub(crate) const REDIS_FOR: Opt = Opt::own("redis_for", &[], "");
pub(crate) const BASE_URL: Opt = Opt::own("base_url", &[], "");
pub(crate) const INSECURE_HTTP: Opt = Opt::own("insecure_http", &[], "false");
pub(crate) const REFRESH: Opt = Opt::own("refresh", &[], "transparent");
pub(crate) const ACCESS_LIFETIME: Opt = Opt::own("access_lifetime", &["JWT_ACCESS_TOKEN_EXPIRES"], "15m");
pub(crate) const REFRESH_LIFETIME: Opt = Opt::own("refresh_lifetime", &["JWT_REFRESH_TOKEN_EXPIRES"], "1d");
pub(crate) const SESSION_LIFETIME: Opt = Opt::own("session_lifetime", &[], "30d");
pub(crate) const LEEWAY: Opt = Opt::own("leeway", &["JWT_DECODE_LEEWAY"], "0");
pub(crate) const ISSUER: Opt = Opt::own("issuer", &["JWT_ENCODE_ISSUER", "JWT_DECODE_ISSUER"], "");
pub(crate) const AUDIENCE: Opt = Opt::own("audience", &["JWT_ENCODE_AUDIENCE", "JWT_DECODE_AUDIENCE"], "");
pub(crate) const PERSISTENT_COOKIES: Opt = Opt::own("persistent_cookies", &[], "");
pub(crate) const INSECURE_WITHOUT_CSRF: Opt = Opt::own("insecure_without_csrf", &[], "false");
pub(crate) const MAIL_FROM: Opt = Opt::own("mail_from", &[], "");
pub(crate) const MAIL_COMMAND: Opt = Opt::own("mail_command", &[], "");
pub(crate) const MAIL_OUTBOX: Opt = Opt::own("mail_outbox", &[], "");
pub(crate) const LOG_FORMAT: Opt = Opt::own("log_format", &[], "text");
pub(crate) const SECRET_KEY: Opt = Opt::secret(&["JWT_SECRET_KEY"]);
pub(crate) const PRIVATE_KEY: Opt = Opt::secret(&["JWT_PRIVATE_KEY"]);
/// Secret only in that it is not shown: someone may have put the private key here.
pub(crate) const PUBLIC_KEY: Opt = Opt::secret(&["JWT_PUBLIC_KEY"]);
pub(crate) const ALGORITHM: Opt = Opt::flask(&["JWT_ALGORITHM"], "");
pub(crate) const IDENTITY_CLAIM: Opt = Opt::flask(&["JWT_IDENTITY_CLAIM"], "sub");
pub(crate) const ENCODE_NBF: Opt = Opt::flask(&["JWT_ENCODE_NBF"], "true");
pub(crate) const TOKEN_LOCATION: Opt = Opt::flask(&["JWT_TOKEN_LOCATION"], "cookies");
pub(crate) const HEADER_NAME: Opt = Opt::flask(&["JWT_HEADER_NAME"], "Authorization");
pub(crate) const HEADER_TYPE: Opt = Opt::flask(&["JWT_HEADER_TYPE"], "Bearer");
pub(crate) const QUERY_STRING_NAME: Opt = Opt::flask(&["JWT_QUERY_STRING_NAME"], "jwt");
pub(crate) const QUERY_STRING_VALUE_PREFIX: Opt = Opt::flask(&["JWT_QUERY_STRING_VALUE_PREFIX"], "");
pub(crate) const JSON_KEY: Opt = Opt::flask(&["JWT_JSON_KEY"], "access_token");
pub(crate) const REFRESH_JSON_KEY: Opt = Opt::flask(&["JWT_REFRESH_JSON_KEY"], "refresh_token");
pub(crate) const ACCESS_COOKIE_NAME: Opt = Opt::flask(&["JWT_ACCESS_COOKIE_NAME"], "access_token_cookie");
pub(crate) const REFRESH_COOKIE_NAME: Opt = Opt::flask(&["JWT_REFRESH_COOKIE_NAME"], "refresh_token_cookie");
pub(crate) const ACCESS_CSRF_COOKIE_NAME: Opt = Opt::flask(&["JWT_ACCESS_CSRF_COOKIE_NAME"], "csrf_access_token");
pub(crate) const REFRESH_CSRF_COOKIE_NAME: Opt = Opt::flask(&["JWT_REFRESH_CSRF_COOKIE_NAME"], "csrf_refresh_token");
pub(crate) const ACCESS_COOKIE_PATH: Opt = Opt::flask(&["JWT_ACCESS_COOKIE_PATH"], "/");
pub(crate) const REFRESH_COOKIE_PATH: Opt = Opt::flask(&["JWT_REFRESH_COOKIE_PATH"], "");
pub(crate) const ACCESS_CSRF_COOKIE_PATH: Opt = Opt::flask(&["JWT_ACCESS_CSRF_COOKIE_PATH"], "/");
pub(crate) const REFRESH_CSRF_COOKIE_PATH: Opt = Opt::flask(&["JWT_REFRESH_CSRF_COOKIE_PATH"], "/");
pub(crate) const COOKIE_DOMAIN: Opt = Opt::flask(&["JWT_COOKIE_DOMAIN"], "");
pub(crate) const COOKIE_SECURE: Opt = Opt::flask(&["JWT_COOKIE_SECURE"], "");
pub(crate) const COOKIE_SAMESITE: Opt = Opt::flask(&["JWT_COOKIE_SAMESITE"], "Lax");
pub(crate) const SESSION_COOKIE: Opt = Opt::flask(&["JWT_SESSION_COOKIE"], "");
pub(crate) const COOKIE_CSRF_PROTECT: Opt = Opt::flask(&["JWT_COOKIE_CSRF_PROTECT"], "");
pub(crate) const CSRF_IN_COOKIES: Opt = Opt::flask(&["JWT_CSRF_IN_COOKIES"], "true");
pub(crate) const CSRF_HEADER_NAME: Opt =
    Opt::flask(&["JWT_ACCESS_CSRF_HEADER_NAME", "JWT_REFRESH_CSRF_HEADER_NAME"], "X-CSRF-TOKEN");

/// All of them, in the order in which they are shown.
pub(crate) const ALL: [&Opt; 48] = [
    &LISTEN,
    &BASE_URL,
    &INSECURE_HTTP,
    &DATA_DIR,
    &DATABASE_URL,
    &REDIS_URL,
    &REDIS_FOR,
    &MAIL_FROM,
    &MAIL_COMMAND,
    &MAIL_OUTBOX,
    &LOG_FORMAT,
    &SECRET_KEY,
    &PRIVATE_KEY,
    &PUBLIC_KEY,
    &ALGORITHM,
    &REFRESH,
    &ACCESS_LIFETIME,
    &REFRESH_LIFETIME,
    &SESSION_LIFETIME,
    &LEEWAY,
    &ISSUER,
    &AUDIENCE,
    &IDENTITY_CLAIM,
    &ENCODE_NBF,
    &TOKEN_LOCATION,
    &HEADER_NAME,
    &HEADER_TYPE,
    &QUERY_STRING_NAME,
    &QUERY_STRING_VALUE_PREFIX,
    &JSON_KEY,
    &REFRESH_JSON_KEY,
    &PERSISTENT_COOKIES,
    &SESSION_COOKIE,
    &ACCESS_COOKIE_NAME,
    &REFRESH_COOKIE_NAME,
    &ACCESS_CSRF_COOKIE_NAME,
    &REFRESH_CSRF_COOKIE_NAME,
    &ACCESS_COOKIE_PATH,
    &REFRESH_COOKIE_PATH,
    &ACCESS_CSRF_COOKIE_PATH,
    &REFRESH_CSRF_COOKIE_PATH,
    &COOKIE_DOMAIN,
    &COOKIE_SECURE,
    &COOKIE_SAMESITE,
    &COOKIE_CSRF_PROTECT,
    &INSECURE_WITHOUT_CSRF,
    &CSRF_IN_COOKIES,
    &CSRF_HEADER_NAME,
];

/// A setting of Flask-JWT-Extended that stands fast here.
pub(crate) struct Fixed {
    pub(crate) name: &'static str,
    /// The one value that it may have; `None` if it has no meaning here.
    pub(crate) value: Option<&'static str>,
    pub(crate) why: &'static str,
}

impl Fixed {
    const fn only(name: &'static str, value: &'static str, why: &'static str) -> Self {
        Self { name, value: Some(value), why }
    }

    const fn none(name: &'static str, why: &'static str) -> Self {
        Self { name, value: None, why }
    }

    /// Takes the one value that is in force anyway; a program that moves here may bring it along.
    pub(super) fn check(&self, label: &str, value: &str) -> Result<(), Error> {
        match self.value {
            Some(only) if only.eq_ignore_ascii_case(value) => Ok(()),
            Some(only) => Err(Error::config(format_args!(
                "{label} is {value:?}; only {only:?} is possible, because {}",
                self.why
            ))),
            None => Err(Error::config(format_args!("{label} is not supported, because {}; leave it out", self.why))),
        }
    }
}

const PAGES_WRITE_FIELD: &str = "the site's own forms write the field csrf_token";

/// What is refused by name, so that nobody believes it to be in force.
pub(crate) const FIXED: [Fixed; 9] = [
    Fixed::only("JWT_VERIFY_SUB", "true", "the claim sub is always verified"),
    Fixed::only("JWT_ERROR_MESSAGE_KEY", "msg", "errors carry the member msg"),
    Fixed::none("JWT_DECODE_ALGORITHMS", "each key fixes its one algorithm; set JWT_ALGORITHM"),
    Fixed::none("JWT_CSRF_METHODS", "every method but GET, HEAD and OPTIONS is checked"),
    Fixed::only("JWT_CSRF_CHECK_FORM", "true", PAGES_WRITE_FIELD),
    Fixed::only("JWT_ACCESS_CSRF_FIELD_NAME", "csrf_token", PAGES_WRITE_FIELD),
    Fixed::only("JWT_REFRESH_CSRF_FIELD_NAME", "csrf_token", PAGES_WRITE_FIELD),
    Fixed::none("JWT_BLACKLIST_ENABLED", "sessions that ended are always refused"),
    Fixed::none("JWT_BLACKLIST_TOKEN_CHECKS", "sessions that ended are always refused"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_is_taken_twice() {
        let mut seen = HashSet::new();
        let names = ALL.iter().flat_map(|opt| opt.env_names()).chain(FIXED.iter().map(|fixed| fixed.name.to_owned()));
        for name in names {
            assert!(seen.insert(name.clone()), "{name}");
        }
    }

    #[test]
    fn one_name_makes_three() {
        assert_eq!(ACCESS_LIFETIME.handle(), "--access-lifetime");
        assert_eq!(ACCESS_LIFETIME.name(), "access_lifetime");
        let names: Vec<_> = ACCESS_LIFETIME.env_names().collect();
        assert_eq!(names, ["HARDTACK_ACCESS_LIFETIME", "JWT_ACCESS_TOKEN_EXPIRES"]);
    }
}

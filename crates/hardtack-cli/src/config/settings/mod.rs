//! The table of all settings.
//!
//! To add a setting, add a line here, and read the setting's value in the `config` module that it belongs to. The flag,
//! the environment variable, the name in the file, and the lines in `--help` and `hardtack check-config` are derived
//! from the table.

mod fixed;
mod setting;

pub(crate) use fixed::FIXED;
pub(crate) use setting::Setting;

/// Declares a constant for each setting, and `ALL`, the list of all settings in the order in which they are shown.
///
/// `ALL` repeats the expressions instead of using the constants, so that the compiler reports a constant as dead code
/// if no other code uses it.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident = $setting:expr;)+) => {
        $($(#[$doc])* pub(crate) const $name: Setting = $setting;)+

        /// Every setting, in the order in which `--help` and `check-config` show them.
        pub(crate) static ALL: &[Setting] = &[$($setting),+];
    };
}

settings! {
    LISTEN = Setting::option("listen", "ADDR:PORT", "Address to listen on; port 0 picks a free port")
        .default("127.0.0.1:8080");
    BASE_URL = Setting::option("base_url", "URL", "Public address of the site, such as https://site.example")
        .default_note("http://ADDR:PORT, if that is a loopback address");
    INSECURE_HTTP =
        Setting::switch("insecure_http", "Allow a base URL with plain http on an address that other machines can reach")
            .default("false");
    TRUSTED_PROXIES = Setting::option(
        "trusted_proxies",
        "LIST",
        "Addresses or networks of proxies that are trusted to send the client's address, such as 127.0.0.1,10.0.0.0/8",
    );
    PROXY_HEADER = Setting::option(
        "proxy_header",
        "NAME",
        "Header in which trusted proxies send the client's address: X-Forwarded-For or Forwarded",
    )
    .default("X-Forwarded-For");
    TRUSTED_ORIGINS = Setting::option(
        "trusted_origins",
        "LIST",
        "Other origins whose pages may change data, such as https://app.site.example,tauri://localhost",
    );
    MAX_CONNECTIONS =
        Setting::option("max_connections", "NUMBER", "Maximum number of open connections").default("2048");
    MAX_CONNECTIONS_PER_ADDRESS = Setting::option(
        "max_connections_per_address",
        "NUMBER",
        "Maximum number of connections from one address; this machine and trusted proxies are exempt",
    )
    .default("256");
    BODY_TIMEOUT = Setting::option("body_timeout", "TIME", "How long a request's body may take to arrive").default("30s");
    DATA_DIR = Setting::option("data_dir", "DIR", "Folder for the keys and the SQLite database")
        .default("./hardtack-data");
    /// A server's URL may contain a password, but the path of an SQLite file is not secret.
    DATABASE_URL =
        Setting::option("database_url", "URL", "Database: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:PATH")
            .default_note("hardtack.db in the data folder")
            .secret_unless("sqlite:");
    REDIS_URL = Setting::option(
        "redis_url",
        "URL",
        "Redis or Valkey server to use in addition to the database: redis://USER:PASSWORD@HOST:PORT/DATABASE",
    )
    .secret_url();
    REDIS_FOR = Setting::option(
        "redis_for",
        "USE",
        "What Redis does: sessions (stores the sessions) or notice (only notifies other servers when sessions end)",
    )
    .default_note("sessions");
    MAIL_FROM = Setting::option("mail_from", "ADDRESS", "Sender address of emails, such as noreply@site.example");
    SMTP_URL = Setting::option(
        "smtp_url",
        "URL",
        "Mail server: smtps://USER@HOST (implicit TLS, port 465) or smtp://USER@HOST (STARTTLS, port 587)",
    )
    .secret_url();
    SMTP_PASSWORD =
        Setting::option("smtp_password", "@FILE", "Password for the mail server, read from FILE").secret_url();
    MAIL_COMMAND = Setting::option(
        "mail_command",
        "PROGRAM",
        "Program that reads a message from stdin and sends it, such as \"/usr/sbin/sendmail -t -i\"",
    );
    MAIL_OUTBOX = Setting::option("mail_outbox", "DIR", "Write mail to files in this folder instead of sending it");
    MIN_PASSWORD_LENGTH = Setting::option(
        "min_password_length",
        "NUMBER",
        "Minimum length of a new password, 8 to 64 characters; NIST requires 15 if there is no second factor",
    )
    .default("8");
    PASSWORD_LIST = Setting::option(
        "password_list",
        "FILE",
        "Table of passwords to refuse; make the table with: hardtack passwords build",
    );
    RESERVED_NAMES = Setting::option(
        "reserved_names",
        "NAMES",
        "More user names to reserve, separated by commas; admin, root, support and others are always reserved",
    );
    LOG_IN_LIMITS = Setting::option(
        "log_in_limits",
        "LIMITS",
        "Limits on password attempts per account, per client address, and after failures in a row; or off",
    )
    .default("account=10/30s,address=100/1s,failures=100/1h");
    CONTACT = Setting::option(
        "contact",
        "TEXT",
        "How users can reach you if they forget their password: an email address, a URL or a few words",
    );
    LOG_FORMAT = Setting::option(
        "log_format",
        "FORMAT",
        "Format of the log on stderr: text or json; RUST_LOG filters the log",
    )
    .default("text");
    SECRET_KEY = Setting::flask(&["JWT_SECRET_KEY"]).secret();
    /// Secrets that verify tokens but do not sign them, separated by commas or line breaks.
    SECRET_KEY_PREVIOUS = Setting::flask(&["JWT_SECRET_KEY_PREVIOUS"]).secret();
    PRIVATE_KEY = Setting::flask(&["JWT_PRIVATE_KEY"]).secret();
    /// The value is not shown, because an operator might have set the private key here by mistake.
    PUBLIC_KEY = Setting::flask(&["JWT_PUBLIC_KEY"]).secret();
    ALGORITHM = Setting::flask(&["JWT_ALGORITHM"]);
    REFRESH =
        Setting::option("refresh", "MODE", "How to renew expired access tokens: transparent, redirect, sliding or off")
            .default("transparent");
    DEVICE_BINDING = Setting::option(
        "device_binding",
        "MODE",
        "Ask browsers to bind each session to its device, over https only: offer or off",
    )
    .default("off");
    ACCESS_LIFETIME = Setting::option("access_lifetime", "TIME", "Lifetime of an access token, such as 900, 15m or 1d")
        .or_flask(&["JWT_ACCESS_TOKEN_EXPIRES"])
        .default("15m");
    REFRESH_LIFETIME =
        Setting::option("refresh_lifetime", "TIME", "Lifetime of a refresh token, after which an unused session ends")
            .or_flask(&["JWT_REFRESH_TOKEN_EXPIRES"])
            .default("1d");
    FRESH_LIFETIME = Setting::option(
        "fresh_lifetime",
        "TIME",
        "How long users can open the account page after they have entered their password",
    )
    .default("15m");
    SESSION_LIFETIME =
        Setting::option("session_lifetime", "TIME", "Maximum lifetime of a session, even if the session is in use")
            .default("30d");
    CLOCK_SKEW = Setting::option(
        "clock_skew",
        "TIME",
        "Tolerated difference between the servers' clocks, at most 60s",
    )
    .default("3s");
    LEEWAY = Setting::option(
        "leeway",
        "TIME",
        "How long tokens are accepted after their expiry, at most 60s; replaces --clock-skew",
    )
    .or_flask(&["JWT_DECODE_LEEWAY"])
    .default_note("0");
    ISSUER = Setting::option("issuer", "TEXT", "Issuer (iss) of new tokens; tokens without this issuer are refused")
        .or_flask(&["JWT_ENCODE_ISSUER", "JWT_DECODE_ISSUER"]);
    AUDIENCE =
        Setting::option("audience", "TEXT", "Audience (aud) of new tokens; tokens without this audience are refused")
            .or_flask(&["JWT_ENCODE_AUDIENCE", "JWT_DECODE_AUDIENCE"]);
    IDENTITY_CLAIM = Setting::flask(&["JWT_IDENTITY_CLAIM"]).default("sub");
    ENCODE_NBF = Setting::flask(&["JWT_ENCODE_NBF"]).default("true");
    TOKEN_LOCATION = Setting::flask(&["JWT_TOKEN_LOCATION"]).default("cookies");
    HEADER_NAME = Setting::flask(&["JWT_HEADER_NAME"]).default("Authorization");
    HEADER_TYPE = Setting::flask(&["JWT_HEADER_TYPE"]).default("Bearer");
    QUERY_STRING_NAME = Setting::flask(&["JWT_QUERY_STRING_NAME"]).default("jwt");
    QUERY_STRING_VALUE_PREFIX = Setting::flask(&["JWT_QUERY_STRING_VALUE_PREFIX"]);
    JSON_KEY = Setting::flask(&["JWT_JSON_KEY"]).default("access_token");
    REALM = Setting::option(
        "realm",
        "NAME",
        "Name that separates this site from others with the same key or host; cookie names and aud contain this name",
    );
    PERSISTENT_COOKIES =
        Setting::switch("persistent_cookies", "Keep users logged in after they close the browser");
    SESSION_COOKIE = Setting::flask(&["JWT_SESSION_COOKIE"]);
    ACCESS_COOKIE_NAME = Setting::flask(&["JWT_ACCESS_COOKIE_NAME"]).default("access_token_cookie");
    REFRESH_COOKIE_NAME = Setting::flask(&["JWT_REFRESH_COOKIE_NAME"]).default("refresh_token_cookie");
    ACCESS_CSRF_COOKIE_NAME = Setting::flask(&["JWT_ACCESS_CSRF_COOKIE_NAME"]).default("csrf_access_token");
    REFRESH_CSRF_COOKIE_NAME = Setting::flask(&["JWT_REFRESH_CSRF_COOKIE_NAME"]).default("csrf_refresh_token");
    ACCESS_COOKIE_PATH = Setting::flask(&["JWT_ACCESS_COOKIE_PATH"]).default("/");
    REFRESH_COOKIE_PATH = Setting::flask(&["JWT_REFRESH_COOKIE_PATH"]);
    ACCESS_CSRF_COOKIE_PATH = Setting::flask(&["JWT_ACCESS_CSRF_COOKIE_PATH"]).default("/");
    REFRESH_CSRF_COOKIE_PATH = Setting::flask(&["JWT_REFRESH_CSRF_COOKIE_PATH"]).default("/");
    COOKIE_DOMAIN = Setting::flask(&["JWT_COOKIE_DOMAIN"]);
    COOKIE_SECURE = Setting::flask(&["JWT_COOKIE_SECURE"]);
    COOKIE_SAMESITE = Setting::flask(&["JWT_COOKIE_SAMESITE"]).default("Lax");
    COOKIE_CSRF_PROTECT = Setting::flask(&["JWT_COOKIE_CSRF_PROTECT"]);
    INSECURE_WITHOUT_CSRF = Setting::switch(
        "insecure_without_csrf",
        "Do not check CSRF tokens; pages on sibling domains can then act on behalf of users",
    )
    .default("false");
    CSRF_IN_COOKIES = Setting::flask(&["JWT_CSRF_IN_COOKIES"]).default("true");
    CSRF_HEADER_NAME = Setting::flask(&["JWT_ACCESS_CSRF_HEADER_NAME", "JWT_REFRESH_CSRF_HEADER_NAME"])
        .default("X-CSRF-TOKEN");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut seen = HashSet::new();
        let fixed = FIXED.iter().map(|fixed| fixed.name.to_owned());
        for name in ALL.iter().flat_map(Setting::env_names).chain(fixed) {
            assert!(seen.insert(name.clone()), "{name}");
        }
    }

    #[test]
    fn one_name_makes_three() {
        assert_eq!(ACCESS_LIFETIME.usual_name(), "--access-lifetime");
        assert_eq!(ACCESS_LIFETIME.name(), "access_lifetime");
        let names: Vec<_> = ACCESS_LIFETIME.env_names().collect();
        assert_eq!(names, ["HARDTACK_ACCESS_LIFETIME", "JWT_ACCESS_TOKEN_EXPIRES"]);
    }

    #[test]
    fn help_ends_with_the_default() {
        assert!(LISTEN.help().ends_with(" [default: 127.0.0.1:8080]"));
        assert!(DATABASE_URL.help().ends_with(" [default: hardtack.db in the data folder]"));
        assert!(!ISSUER.help().contains("default") && !INSECURE_HTTP.help().contains("default"));
    }

    #[test]
    fn a_url_with_a_password_is_secret_and_a_path_is_not() {
        assert!(DATABASE_URL.hides("postgres://me:canary@host/app"));
        assert!(!DATABASE_URL.hides("sqlite:app.db"));
        assert!(REDIS_URL.hides("redis://host") && !LISTEN.hides("127.0.0.1:1"));
    }
}

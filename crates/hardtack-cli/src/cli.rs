//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::options::{self, Opt};

/// Log in once, stay logged in, log out everywhere at once.
#[derive(Parser)]
#[command(name = "hardtack", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the site: sign-up, log-in, password and device pages, and their JSON API.
    ///
    /// Without any option it makes ./hardtack-data with a database (SQLite) and a key, and listens on
    /// 127.0.0.1:8080. The tokens' settings are also read under Flask-JWT-Extended's names
    /// (JWT_SECRET_KEY, JWT_ACCESS_TOKEN_EXPIRES, …) from the environment and the file.
    Serve(Box<ServeOptions>),
    /// Bring the database's tables up to date, as `serve` does when it starts, and print what was done.
    Migrate(Box<ServeOptions>),
    /// Print the configuration that `serve` would run with, without its secrets, or say what is wrong.
    CheckConfig(Box<ServeOptions>),
    /// Make, list and rotate keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// List users, disable or enable them, log them out everywhere.
    ///
    /// It works on the servers' database, whether they run or not, and has to be told of it as they are:
    /// --data-dir or --database-url, and --redis-url if a Redis keeps the sessions.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
}

/// A flag goes before its environment variable, that before the file, that before the default.
#[derive(Args, Default)]
#[command(next_line_help = false)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where to listen; 127.0.0.1:8080 unless set, and port 0 for any free one [env: HARDTACK_LISTEN].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// The database of accounts and sessions: postgres://USER:PASSWORD@HOST/DATABASE, which several servers
    /// can share, or sqlite:PATH; the file hardtack.db in the data folder unless set. A password is better
    /// kept in the environment or in the file: others may see a program's flags [env: HARDTACK_DATABASE_URL].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// A Redis or Valkey beside the database: redis://USER:PASSWORD@HOST:PORT/DATABASE. It keeps the sessions,
    /// and the accounts stay in the database; but see --redis-for [env: HARDTACK_REDIS_URL].
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// What the Redis is for: sessions, which it then keeps, or notice, where they stay in the database and
    /// Redis only tells the other servers that one has ended; sessions unless set [env: HARDTACK_REDIS_FOR].
    #[arg(long, value_name = "USE")]
    redis_for: Option<String>,
    /// The address under which people reach the site, such as `https://site.example` [env: HARDTACK_BASE_URL].
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Take a plain http base URL on an address that other machines reach: sessions can be read on the way.
    #[arg(long)]
    insecure_http: bool,
    /// What happens when an access token has expired: transparent, redirect, sliding or off
    /// [env: HARDTACK_REFRESH].
    #[arg(long, value_name = "MODE")]
    refresh: Option<String>,
    /// How long an access token lives, such as 900, 15m or 1d; 15m unless set
    /// [env: HARDTACK_ACCESS_LIFETIME, JWT_ACCESS_TOKEN_EXPIRES].
    #[arg(long, value_name = "TIME")]
    access_lifetime: Option<String>,
    /// How long a refresh token lives, and so a session that nobody uses; 1d unless set
    /// [env: HARDTACK_REFRESH_LIFETIME, JWT_REFRESH_TOKEN_EXPIRES].
    #[arg(long, value_name = "TIME")]
    refresh_lifetime: Option<String>,
    /// How long a session lives however much it is used; 30d unless set [env: HARDTACK_SESSION_LIFETIME].
    #[arg(long, value_name = "TIME")]
    session_lifetime: Option<String>,
    /// Tolerance for clocks out of step, at most 60s; none unless set
    /// [env: HARDTACK_LEEWAY, JWT_DECODE_LEEWAY].
    #[arg(long, value_name = "TIME")]
    leeway: Option<String>,
    /// The `iss` that is written and asked for [env: HARDTACK_ISSUER, JWT_ENCODE_ISSUER].
    #[arg(long, value_name = "TEXT")]
    issuer: Option<String>,
    /// The `aud` that is written and asked for [env: HARDTACK_AUDIENCE, JWT_ENCODE_AUDIENCE].
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// Keep people logged in when they close the browser, as long as the refresh token lives
    /// [env: HARDTACK_PERSISTENT_COOKIES].
    #[arg(long)]
    persistent_cookies: bool,
    /// Leave the double submit out: any page that the browser counts as this site's can act for its users.
    #[arg(long)]
    insecure_without_csrf: bool,
    /// Whom letters are from: those that confirm an address, and those with a link for a new password
    /// [env: HARDTACK_MAIL_FROM].
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// A program that takes a letter on its standard input, such as `/usr/sbin/sendmail -t -i`; without it and
    /// without an outbox no letters are sent [env: HARDTACK_MAIL_COMMAND].
    #[arg(long, value_name = "PROGRAM")]
    mail_command: Option<String>,
    /// A folder into which letters are put instead, to try things out [env: HARDTACK_MAIL_OUTBOX].
    #[arg(long, value_name = "DIR")]
    mail_outbox: Option<String>,
    /// How the log on the standard error looks: text or json [env: HARDTACK_LOG_FORMAT]. What is in it,
    /// RUST_LOG says.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// Where the configuration and the data are.
#[derive(Args, Default)]
pub(crate) struct Place {
    /// A file with settings; ./hardtack.toml, if there, unless set [env: HARDTACK_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the database and the keys; ./hardtack-data unless set [env: HARDTACK_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
}

impl From<Place> for ServeOptions {
    fn from(place: Place) -> Self {
        Self { place, ..Self::default() }
    }
}

/// What to do with keys.
#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Print a new secret for JWT_SECRET_KEY, or a private key (JWK) for JWT_PRIVATE_KEY.
    Generate {
        /// HS256, HS384 and HS512 make a secret; EdDSA, ES256, ES384, ES512, RS256, … a private key.
        #[arg(long, value_name = "ALG", default_value = "HS256")]
        alg: String,
        /// Write it to a new file that only its owner can read, instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make a new signing key in the data folder. The one before still verifies, so nobody is logged out.
    ///
    /// Servers use the new key once they are restarted: restart all that share the folder together.
    /// Keys that were replaced longer ago than any token of theirs lives are removed.
    Rotate {
        #[command(flatten)]
        place: Place,
        /// The new key's algorithm; that of the key before unless set.
        #[arg(long, value_name = "ALG")]
        alg: Option<String>,
        /// Remove all keys before, such as after one was stolen: everyone is logged out.
        #[arg(long)]
        discard_old: bool,
    },
    /// List the keys of the data folder.
    List {
        #[command(flatten)]
        place: Place,
    },
}

/// What to do with users.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// List who has signed up, and who is disabled.
    List(Box<ServeOptions>),
    /// Disable a user and end their sessions. They cannot log in until they are enabled again.
    Disable(Box<NamedUser>),
    /// Let a user log in again, with the password that they had.
    Enable(Box<NamedUser>),
    /// End all sessions of a user, who may log in again.
    LogOut(Box<NamedUser>),
}

/// A user, and where they are.
#[derive(Args)]
pub(crate) struct NamedUser {
    /// The user's name, in whatever capitals.
    pub(crate) name: String,
    #[command(flatten)]
    options: ServeOptions,
}

impl UserCommand {
    /// Where the users are.
    pub(crate) fn options(&self) -> &ServeOptions {
        match self {
            Self::List(options) => options,
            Self::Disable(named) | Self::Enable(named) | Self::LogOut(named) => &named.options,
        }
    }
}

impl ServeOptions {
    /// The flags that were given.
    pub(crate) fn given(&self) -> Vec<(&'static Opt, String)> {
        let text = [
            (&options::LISTEN, &self.listen),
            (&options::DATA_DIR, &self.place.data_dir),
            (&options::DATABASE_URL, &self.database_url),
            (&options::REDIS_URL, &self.redis_url),
            (&options::REDIS_FOR, &self.redis_for),
            (&options::BASE_URL, &self.base_url),
            (&options::REFRESH, &self.refresh),
            (&options::ACCESS_LIFETIME, &self.access_lifetime),
            (&options::REFRESH_LIFETIME, &self.refresh_lifetime),
            (&options::SESSION_LIFETIME, &self.session_lifetime),
            (&options::LEEWAY, &self.leeway),
            (&options::ISSUER, &self.issuer),
            (&options::AUDIENCE, &self.audience),
            (&options::MAIL_FROM, &self.mail_from),
            (&options::MAIL_COMMAND, &self.mail_command),
            (&options::MAIL_OUTBOX, &self.mail_outbox),
            (&options::LOG_FORMAT, &self.log_format),
        ];
        let switches = [
            (&options::INSECURE_HTTP, self.insecure_http),
            (&options::PERSISTENT_COOKIES, self.persistent_cookies),
            (&options::INSECURE_WITHOUT_CSRF, self.insecure_without_csrf),
        ];
        let text = text.into_iter().filter_map(|(opt, value)| Some((opt, value.clone()?)));
        text.chain(switches.into_iter().filter(|(_, on)| *on).map(|(opt, _)| (opt, "true".to_owned()))).collect()
    }
}

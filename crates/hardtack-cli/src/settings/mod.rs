//! The configuration: read from flags, environment and file, checked as a whole.

mod cookies;
mod duration;
mod env;
mod explain;
mod file;
mod given;
mod given_key;
mod mail;
mod merge;
mod nearest;
pub(crate) mod options;
mod places;
mod redis;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardtack::CsrfPolicy;
use hardtack::MemorySessions;
use hardtack::config::ClaimsPolicy;
use hardtack::config::Lifetime;
use hardtack::jwt::Algorithm;
use hardtack::session::SessionPolicy;
use hardtack::token_source::TokenSources;
use hardtack::{Authenticator, AuthenticatorBuilder, CookiePolicy, KeySet, RefreshMode, SigningKey};
use hardtack_sqlx::DatabaseUrl;

use crate::cli::ServeOptions;
use crate::error::Error;
use crate::logs::LogFormat;

use given::Layers;
pub(crate) use given::Source;
pub(crate) use mail::{MailSettings, MailWay};
use options::Opt;
pub(crate) use redis::{Redis, RedisFor};

/// Other servers may share the database: for how long a copied access token may outlive a log-out at one
/// of them where this one cannot read the log; each request asks the store from then on.
const MAX_STALENESS: Duration = Duration::from_secs(5);

/// Everything that can be set, typed.
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    /// Accounts and sessions.
    pub(crate) database: DatabaseUrl,
    /// What is beside the database, if anything is.
    pub(crate) redis: Option<Redis>,
    /// How letters leave, if any do.
    pub(crate) mail: Option<MailSettings>,
    pub(crate) log_format: LogFormat,
    /// The key from the environment or the file, which signs instead of the data folder's.
    pub(crate) given_key: Option<SigningKey>,
    /// `JWT_ALGORITHM`.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) access_lifetime: Lifetime,
    pub(crate) refresh_lifetime: Lifetime,
    session_lifetime: Duration,
    leeway: Duration,
    refresh: RefreshMode,
    issuer: Option<String>,
    audience: Option<String>,
    base_url: Option<String>,
    insecure_http: bool,
    cookies: CookiePolicy,
    csrf_header: String,
    identity_claim: String,
    encode_nbf: bool,
    sources: TokenSources,
    without_csrf: bool,
    /// What was set, and where.
    pub(crate) layers: Layers,
    /// What to tell the operator although it is no error.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads flags, environment and file.
    pub(crate) fn load(options: &ServeOptions) -> Result<Self, Error> {
        merge::load(options, std::env::vars_os())
    }

    /// The address under which people reach the site when it listens at `bound`.
    pub(crate) fn base_url(&self, bound: SocketAddr) -> String {
        self.base_url.clone().unwrap_or_else(|| format!("http://{bound}"))
    }

    /// Sets everything but keys and stores.
    pub(crate) fn apply(&self, builder: AuthenticatorBuilder, bound: SocketAddr) -> AuthenticatorBuilder {
        let url = self.base_url(bound);
        let builder = if self.insecure_http { builder.insecure_http_base_url(&url) } else { builder.base_url(&url) };
        builder
            .access_lifetime(self.access_lifetime)
            .refresh_lifetime(self.refresh_lifetime)
            .session_policy(
                SessionPolicy::default().absolute_lifetime(self.session_lifetime).max_staleness(MAX_STALENESS),
            )
            .claims(self.claims())
            .refresh_mode(self.refresh)
            .cookies(self.cookies.clone())
            .token_sources(self.sources.clone())
            .csrf(self.csrf())
    }

    fn claims(&self) -> ClaimsPolicy {
        let claims = ClaimsPolicy::default()
            .leeway(self.leeway)
            .identity_claim(self.identity_claim.clone())
            .encode_nbf(self.encode_nbf);
        let claims = self.issuer.iter().fold(claims, ClaimsPolicy::issuer);
        self.audience.iter().fold(claims, ClaimsPolicy::audience)
    }

    fn csrf(&self) -> CsrfPolicy {
        let csrf = CsrfPolicy::default().header(self.csrf_header.clone());
        if self.without_csrf { csrf.insecure_disabled() } else { csrf }
    }

    /// Lets the authenticator check the settings before anything is made or opened.
    pub(crate) fn check(&self, keys: KeySet) -> Result<(), Error> {
        if self.base_url.is_none() && !self.listen.ip().is_loopback() {
            return Err(Error::config(format_args!(
                "{}, which other machines reach, so --base-url has to say under which address; expected such as \
                 --base-url https://site.example, or a loopback address such as --listen 127.0.0.1:{}",
                self.layers.named(&options::LISTEN),
                self.listen.port()
            )));
        }
        let builder = self.apply(Authenticator::builder(keys), self.listen).sessions(MemorySessions::new());
        builder.build().map(drop).map_err(|error| self.explain(error))
    }

    /// Whether `key` makes refresh tokens that come out the same each time, or there are none.
    pub(crate) fn can_sign_with(&self, key: &SigningKey) -> bool {
        key.is_deterministic() || self.refresh == RefreshMode::Sliding
    }

    /// How long a token of a retired key may live on.
    pub(crate) fn longest_token(&self) -> Duration {
        let span = |lifetime| if let Lifetime::For(span) = lifetime { span } else { Duration::MAX };
        span(self.access_lifetime).max(span(self.refresh_lifetime)).saturating_add(self.leeway)
    }

    /// The folder of the keys.
    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// How error texts name the data folder.
    pub(crate) fn data_dir_label(&self) -> String {
        format!("{} {:?}", self.layers.label(&options::DATA_DIR), Path::new(&self.data_dir))
    }
}

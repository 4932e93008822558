//! The server's configuration. It is read from flags, environment variables and a file, and checked as a whole.

mod account_rules;
mod address;
mod advice_names;
mod config_error;
mod cookies;
mod csrf;
mod duration;
mod limits;
pub(crate) mod log_in_limits;
mod mail;
mod mail_files;
mod proxies;
pub(crate) mod settings;
pub(crate) mod signing_key;
pub(crate) mod sources;
mod storage;
mod token_sources;
mod tokens;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hardtack::client_address::TrustedProxies;
use hardtack::jwt::Algorithm;
use hardtack::session::SessionPolicy;
use hardtack::token_source::TokenSources;
use hardtack::{Authenticator, AuthenticatorBuilder, CookiePolicy, CsrfPolicy, KeySet, MemorySessions, SigningKey};
use hardtack_accounts::{Accounts, LogInLimits};
use hardtack_sqlx::DatabaseUrl;

use crate::error::Error;
use crate::log::LogFormat;
use crate::server::Limits;
use account_rules::AccountRules;
use address::Address;
pub(crate) use mail::{MailConfig, MailTransport};
#[cfg(feature = "smtp")]
pub(crate) use mail::{SmtpServer, SmtpTls};
pub(crate) use mail_files::{Unusable, find_trusted};
use sources::{FlagValues, Sources};
pub(crate) use storage::{RedisConfig, RedisPurpose, default_file, missing_file};
use tokens::Tokens;

/// The values of all settings.
pub(crate) struct Config {
    pub(crate) address: Address,
    proxies: TrustedProxies,
    pub(crate) limits: Limits,
    pub(crate) data_dir: PathBuf,
    /// The database that stores the accounts. It also stores the sessions, unless Redis stores them.
    pub(crate) database: DatabaseUrl,
    pub(crate) redis: Option<RedisConfig>,
    /// The sender and transport of mail. `None` if no mail is sent.
    pub(crate) mail: Option<MailConfig>,
    pub(crate) account_rules: AccountRules,
    pub(crate) log_in_limits: LogInLimits,
    /// How users can contact the operator: an email address, a URL or a few words.
    pub(crate) contact: Option<String>,
    pub(crate) log_format: LogFormat,
    /// The key from `JWT_SECRET_KEY` or `JWT_PRIVATE_KEY`. If this key is set, the server signs tokens with it instead
    /// of a key from the data folder.
    pub(crate) signing_key: Option<SigningKey>,
    /// The value of `JWT_ALGORITHM`.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) tokens: Tokens,
    sessions: SessionPolicy,
    token_sources: TokenSources,
    cookies: CookiePolicy,
    csrf: CsrfPolicy,
    /// The settings that the operator has set, and where each one was set.
    pub(crate) sources: Sources,
    /// Warnings to show to the operator.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// Reads flags, environment variables and the settings file.
    pub(crate) fn load(flags: &FlagValues) -> Result<Self, Error> {
        let (sources, mut warnings) = sources::read(flags, std::env::vars_os())?;
        let (log_in_limits, warning) = log_in_limits::read(&sources)?;
        warnings.extend(warning);
        let address = Address::read(&sources)?;
        let data_dir = storage::data_dir(&sources)?;
        let (proxies, warning) = proxies::read(&sources)?;
        warnings.extend(warning);
        let algorithm = signing_key::algorithm(&sources)?;
        Ok(Self {
            limits: limits::read(&sources, proxies.clone())?,
            proxies,
            database: storage::database(&sources, &data_dir)?,
            data_dir,
            redis: storage::redis(&sources)?,
            mail: mail::read(&sources)?,
            account_rules: account_rules::read(&sources)?,
            log_in_limits,
            contact: mail::contact(&sources)?,
            log_format: sources.parse_required(&settings::LOG_FORMAT, "text or json", LogFormat::from_name)?,
            signing_key: signing_key::read(&sources, algorithm)?,
            algorithm,
            tokens: Tokens::read(&sources)?,
            sessions: tokens::sessions(&sources)?,
            token_sources: token_sources::read(&sources)?,
            cookies: cookies::read(&sources, &address)?,
            csrf: csrf::read(&sources)?,
            address,
            sources,
            warnings,
        })
    }

    /// Applies all settings to an authenticator's builder, except for its keys and stores.
    pub(crate) fn apply(&self, builder: AuthenticatorBuilder, bound: SocketAddr) -> AuthenticatorBuilder {
        let builder = self.tokens.apply(self.address.apply(builder, bound)).cookies(self.cookies.clone());
        let builder = builder.trusted_proxies(self.proxies.clone()).name_settings(advice_names::of);
        builder.session_policy(self.sessions).token_sources(self.token_sources.clone()).csrf(self.csrf.clone())
    }

    /// Builds the authenticator. Its keys and stores must already have been added to `builder`.
    pub(crate) fn build(&self, builder: AuthenticatorBuilder) -> Result<Authenticator, Error> {
        let authenticator = builder.build().map_err(|error| config_error::explain(&self.sources, error))?;
        cookies::check_paths(&self.sources, &authenticator)?;
        Ok(authenticator)
    }

    /// Checks the configuration as a whole, before anything is created or opened.
    pub(crate) fn check(&self, keys: KeySet) -> Result<(), Error> {
        self.address.check(&self.sources)?;
        mail_files::check(&self.sources, self.mail.as_ref())?;
        let builder = self.apply(Accounts::reserve_names(Authenticator::builder(keys)), self.address.listen);
        self.build(builder.sessions(MemorySessions::new())).map(drop)
    }

    /// Checks the settings for token claims and clock skew, but no other settings. For a command that does not need the
    /// settings of a site.
    pub(crate) fn check_claims(&self, keys: KeySet) -> Result<(), Error> {
        let builder = Authenticator::builder(keys).claims(self.tokens.claims().clone());
        let built = builder.sessions(MemorySessions::new()).build();
        built.map(drop).map_err(|error| config_error::explain(&self.sources, error))
    }

    /// Returns the path of the folder that contains the keys.
    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Returns the text that error messages use to refer to the data folder.
    pub(crate) fn data_dir_label(&self) -> String {
        format!("{} {:?}", self.sources.label(&settings::DATA_DIR), Path::new(&self.data_dir))
    }
}

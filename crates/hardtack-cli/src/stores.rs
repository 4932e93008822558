//! Creates the data folder, and opens the session store.

use std::path::Path;

use hardtack::{AuthenticatorBuilder, BackendError, files};
use hardtack_accounts::Accounts;
use hardtack_db::{Component, Pool};
use hardtack_redis::{NotifyingSessions, RedisSessions, RedisThrottleStore};
use hardtack_sqlx::{Database, MigrateError, OpenError, SESSIONS};

use crate::config::{Config, MailConfig, RedisConfig, RedisPurpose};
use crate::error::Error;
use crate::private_file;
use crate::running::{SETTINGS, SessionsIn};

/// Prepares the folders for a server: creates the data folder, which holds the keys and, by default, the database.
/// Refuses a data folder in which another OS user can replace files. Logs a warning if another OS user can replace the
/// data folder itself, the folder of a database that is kept elsewhere, the folder for emails, or the mail program.
pub(crate) fn prepare_folders(config: &Config) -> Result<(), Error> {
    match create_data_dir(config) {
        // Here, the folder would contain only records for `hardtack keys`, and the server can run without them.
        Err(error) if config.signing_key.is_some() && !is_in_data_dir(config) && !config.data_dir.exists() => {
            tracing::debug!(event = "data_folder_not_created", %error);
        }
        created => created?,
    }
    for warning in untrusted_folders(config) {
        tracing::warn!(event = "folder_untrusted", "{warning}");
    }
    Ok(())
}

/// If the database is in the data folder, creates this folder. Refuses a data folder in which another OS user can
/// replace files.
pub(crate) fn create_folder_of_database(config: &Config) -> Result<(), Error> {
    if is_in_data_dir(config) { create_data_dir(config) } else { Ok(()) }
}

/// Returns whether the database is a file in the data folder.
fn is_in_data_dir(config: &Config) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let folder = config.database.file().and_then(Path::parent).and_then(absolute);
    folder.is_some_and(|folder| absolute(&config.data_dir) == Some(folder))
}

fn create_data_dir(config: &Config) -> Result<(), Error> {
    private_file::create_folder(&config.data_dir).map_err(|error| {
        let expected = "expected a folder that this user can write to";
        Error::runtime(format_args!("{} cannot be created: {error}; {expected}", config.data_dir_label()))
    })?;
    private_file::check_folder(&config.data_dir)
}

/// Returns a warning for each of the server's folders that another OS user can replace. Skips folders that do not exist
/// yet. Also returns a warning if another OS user can replace the mail program.
pub(crate) fn untrusted_folders(config: &Config) -> Vec<String> {
    let of_database = config.database.file().and_then(Path::parent).filter(|folder| *folder != config.data_dir);
    let of_mail = config.mail.as_ref().and_then(MailConfig::outbox).filter(|folder| folder.exists());
    let used = [Some(config.data_dir.as_path()), of_database, of_mail].into_iter().flatten();
    let replaceable = used.filter_map(|folder| {
        let untrusted = files::untrusted_above(folder)?;
        let folder = folder.display();
        Some(format!(
            "another user can replace {folder}, and this server would use the replacement when it starts: {untrusted}"
        ))
    });
    replaceable.chain(config.mail.as_ref().and_then(MailConfig::untrusted_folder)).collect()
}

/// If sessions are stored in the database, connects the session store to `accounts`. A change that ends sessions, such
/// as a password change, then ends them in the same transaction in which the change is stored.
pub(crate) fn with_sessions(accounts: Accounts, redis: Option<&RedisConfig>) -> Accounts {
    if are_in_database(redis) { accounts.with_sessions() } else { accounts }
}

/// Returns whether the sessions are stored in the database.
pub(crate) fn are_in_database(redis: Option<&RedisConfig>) -> bool {
    match redis.map(|redis| &redis.purpose) {
        Some(RedisPurpose::Sessions) => false,
        Some(RedisPurpose::Notice) | None => true,
    }
}

/// How many migrations [`migrate`] applied.
pub(crate) struct Migrated {
    pub(crate) sessions: usize,
    pub(crate) accounts: usize,
}

/// Returns the components that have tables in the database. The first ones are [`Accounts::COMPONENTS`]. The sessions
/// are included if `with_sessions` is set.
pub(crate) fn components(with_sessions: bool) -> Vec<Component<'static>> {
    let sessions = with_sessions.then_some(SESSIONS);
    Accounts::COMPONENTS.into_iter().chain([SETTINGS]).chain(sessions).collect()
}

/// Creates or upgrades the tables of all components in one transaction. So if one of the tables belongs to another
/// program, the database stays as it was. Then brings the users' names up to date. The tables of the sessions are
/// included if `with_sessions` is set.
///
/// A command calls this function once, before it opens the accounts and the stores.
pub(crate) async fn migrate(config: &Config, database: &Database, with_sessions: bool) -> Result<Migrated, Error> {
    let failed = |source| not_migrated(config, source);
    let pool = Pool::from(database.clone());
    let applied = pool.migrate_all(&components(with_sessions)).await.map_err(failed)?;
    Accounts::upgrade_names(database).await.map_err(failed)?;
    let accounts = applied.first().copied().unwrap_or_default();
    Ok(Migrated { sessions: applied.iter().skip(1).sum(), accounts })
}

fn not_migrated(config: &Config, source: MigrateError) -> Error {
    Error::with_causes(OpenError::Migrate { database: config.database.to_string(), source })
}

/// Upgrades the tables like [`migrate`], but creates none in a database without Hardtack's tables. For a command that
/// changes the servers' data: with a wrong setting, it would otherwise create an empty site.
pub(crate) async fn upgrade(config: &Config, database: &Database) -> Result<(), Error> {
    let (pool, with_sessions) = (Pool::from(database.clone()), are_in_database(config.redis.as_ref()));
    // If the tables belong to another program, say so.
    pool.check_tables(&components(with_sessions)).await.map_err(|source| not_migrated(config, source))?;
    let [accounts, ..] = Accounts::COMPONENTS;
    let has_tables = pool.has_tables(accounts).await;
    if !has_tables.map_err(|error| Error::database(&BackendError::new(error)))? {
        return Err(Error::config(format_args!(
            "the database {} does not contain Hardtack's tables; set --data-dir or --database-url to the value that \
             the servers use, or create the tables with: hardtack migrate",
            config.database
        )));
    }
    migrate(config, database, with_sessions).await.map(drop)
}

/// The stores that [`add_sessions`] returns.
pub(crate) struct SessionStores {
    pub(crate) builder: AuthenticatorBuilder,
    /// Where the sessions are stored.
    pub(crate) sessions: SessionsIn,
    /// Stores the attempt counters in the same Redis as the sessions. `None` if sessions are stored in the database.
    pub(crate) counters: Option<RedisThrottleStore>,
}

/// Adds the session store (the database or Redis) to the builder. Call [`migrate`] first.
pub(crate) async fn add_sessions(
    builder: AuthenticatorBuilder,
    database: &Database,
    redis: Option<&RedisConfig>,
) -> Result<SessionStores, Error> {
    if let Some(RedisConfig { url, purpose }) = redis {
        tracing::info!(event = "redis", redis = %url, purpose = purpose.name());
        if *purpose == RedisPurpose::Sessions {
            let sessions = RedisSessions::open(url.clone()).await.map_err(Error::with_causes)?;
            let counters = Some(sessions.throttle());
            let place = SessionsIn::Redis(sessions.clone(), url.to_string());
            return Ok(SessionStores { builder: builder.sessions(sessions), sessions: place, counters });
        }
    }
    let sessions = database.sessions();
    let place = SessionsIn::Database(Box::new(sessions.clone()));
    let builder = match redis {
        // If this Redis is down, servers do not learn which sessions have ended until they next poll the revocation
        // log.
        Some(RedisConfig { url, .. }) => {
            let sessions = NotifyingSessions::new(sessions, url.clone()).map_err(Error::with_causes)?;
            builder.sessions(sessions)
        }
        None => builder.sessions(sessions),
    };
    Ok(SessionStores { builder, sessions: place, counters: None })
}

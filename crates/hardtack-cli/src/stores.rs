//! The data folder, and the store of the sessions.

use std::path::Path;

use hardtack::{AuthenticatorBuilder, files};
use hardtack_accounts::Accounts;
use hardtack_redis::{NotifyingSessions, RedisSessions, RedisThrottleStore};
use hardtack_sqlx::Database;

use crate::config::{Config, RedisConfig, RedisPurpose};
use crate::error::Error;
use crate::{private_file, session_place};

/// Who uses a session store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreUser {
    /// A server, which decides where the sessions are.
    Server,
    /// A command, which looks for the servers' sessions.
    Command,
}

/// Creates the data folder, which holds the keys and, by default, the database. Refuses a folder in which another user
/// can replace them. Warns if another user can replace the folder itself, or the folder of a database that is kept
/// elsewhere.
pub(crate) fn create_data_dir(config: &Config) -> Result<(), Error> {
    private_file::create_folder(&config.data_dir).map_err(|error| {
        let expected = "expected a folder that this user can write to";
        Error::runtime(format_args!("{} cannot be created: {error}; {expected}", config.data_dir_label()))
    })?;
    private_file::check_folder(&config.data_dir)?;
    let of_database = config.database.file().and_then(Path::parent).filter(|folder| *folder != config.data_dir);
    for folder in [Some(config.data_dir.as_path()), of_database].into_iter().flatten() {
        if let Some(untrusted) = files::untrusted_above(folder) {
            tracing::warn!(
                event = "folder_untrusted",
                "another user can replace {}, and this server would use the replacement when it starts: {untrusted}",
                folder.display()
            );
        }
    }
    Ok(())
}

/// Tells the accounts where the sessions are. Sessions in the database end in the same transaction as a change of their
/// user, such as a new password.
pub(crate) fn with_sessions(accounts: Accounts, redis: Option<&RedisConfig>) -> Accounts {
    match redis.map(|redis| &redis.purpose) {
        Some(RedisPurpose::Sessions) => accounts,
        Some(RedisPurpose::Notice) | None => accounts.with_sessions(),
    }
}

/// Adds the session store: the database, or Redis. A server records which one it is. If it is Redis, also returns the
/// store for counters of tries that is beside it.
pub(crate) async fn add_sessions(
    builder: AuthenticatorBuilder,
    database: &Database,
    redis: Option<&RedisConfig>,
    user: StoreUser,
) -> Result<(AuthenticatorBuilder, Option<RedisThrottleStore>), Error> {
    if let Some(config @ RedisConfig { url, purpose }) = redis {
        tracing::info!(event = "redis", redis = %url, purpose = purpose.name());
        if *purpose == RedisPurpose::Sessions {
            let sessions = RedisSessions::open(url.clone()).await.map_err(Error::with_causes)?;
            if user == StoreUser::Server {
                session_place::record(database, Some((config, &sessions))).await?;
            }
            let throttle = sessions.throttle();
            return Ok((builder.sessions(sessions), Some(throttle)));
        }
    }
    let sessions = database.sessions();
    sessions.migrate().await.map_err(Error::with_causes)?;
    if user == StoreUser::Server {
        session_place::record(database, None).await?;
    }
    match redis {
        // If Redis is down, servers learn about ended sessions when they next poll the log.
        Some(RedisConfig { url, .. }) => {
            let sessions = NotifyingSessions::new(sessions, url.clone()).map_err(Error::with_causes)?;
            Ok((builder.sessions(sessions), None))
        }
        None => Ok((builder.sessions(sessions), None)),
    }
}

//! Where data is stored: the data folder, the database, and Redis.

use std::path::{Path, PathBuf};

use hardtack_redis::RedisUrl;
use hardtack_sqlx::DatabaseUrl;

use super::settings::{DATA_DIR, DATABASE_URL, REDIS_FOR, REDIS_URL};
use super::sources::Sources;
use crate::error::Error;

/// A Redis server that is used in addition to the database.
pub(crate) struct RedisConfig {
    pub(crate) url: RedisUrl,
    pub(crate) purpose: RedisPurpose,
}

/// What Redis is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RedisPurpose {
    /// Redis stores the sessions.
    #[default]
    Sessions,
    /// The database stores the sessions. Redis only notifies the other servers when a session has ended.
    Notice,
}

impl RedisPurpose {
    const ALL: [Self; 2] = [Self::Sessions, Self::Notice];

    /// Returns the value of the setting that selects this purpose.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Notice => "notice",
        }
    }
}

/// Reads the path of the data folder.
pub(super) fn data_dir(sources: &Sources) -> Result<PathBuf, Error> {
    sources.parse_required(&DATA_DIR, "a folder", |text| (!text.is_empty()).then(|| PathBuf::from(text)))
}

/// Returns the path of the database that is used if no database is set.
pub(crate) fn default_file(data_dir: &Path) -> PathBuf {
    data_dir.join("hardtack.db")
}

/// Reads the URL of the database. By default, the database is `hardtack.db` in the data folder.
pub(super) fn database(sources: &Sources, data_dir: &Path) -> Result<DatabaseUrl, Error> {
    let Some(url) = sources.text(&DATABASE_URL) else { return Ok(default_file(data_dir).into()) };
    // The URL may contain a password, so error messages name only the setting.
    let invalid = |error| Error::config(format_args!("{}: {error}", sources.label(&DATABASE_URL)));
    let database: DatabaseUrl = url.parse().map_err(invalid)?;
    if database.is_in_memory() {
        return Err(Error::config(format_args!(
            "{} names an in-memory database, so all accounts would be lost when the server stops; expected a file, such \
             as sqlite:app.db, or postgres://USER:PASSWORD@HOST/DATABASE",
            sources.label(&DATABASE_URL)
        )));
    }
    Ok(database)
}

/// Reads the Redis settings, if there are any: the server's URL, and what Redis is used for.
pub(super) fn redis(sources: &Sources) -> Result<Option<RedisConfig>, Error> {
    let by_name = |text: &str| RedisPurpose::ALL.into_iter().find(|purpose| purpose.name() == text);
    let purpose = sources.parse(&REDIS_FOR, "sessions or notice", by_name)?;
    let Some(url) = sources.text(&REDIS_URL) else {
        return match purpose {
            None => Ok(None),
            Some(_) => Err(Error::config(format_args!(
                "{}, but no Redis server is set; set --redis-url or HARDTACK_REDIS_URL too, or remove {}",
                sources.describe(&REDIS_FOR),
                sources.label(&REDIS_FOR)
            ))),
        };
    };
    let invalid = |error| Error::config(format_args!("{}: {error}", sources.label(&REDIS_URL)));
    Ok(Some(RedisConfig { url: url.parse().map_err(invalid)?, purpose: purpose.unwrap_or_default() }))
}

/// Returns the path of the database's file if the file does not exist. A command that creates no tables must not open
/// the database in this case, because this would create an empty one. If the path cannot be checked, for example
/// because the user cannot access the folder, returns `None`, so that opening the database fails with the reason.
pub(crate) fn missing_file(database: &DatabaseUrl) -> Option<&Path> {
    database.file().filter(|file| matches!(file.try_exists(), Ok(false)))
}

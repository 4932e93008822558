//! Records where the servers keep their sessions. Each server stores the place in the database, so that a command that
//! ends sessions does not look for them in the wrong place and report success.

use hardtack_db::{Migration, Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::Database;

use crate::config::{RedisConfig, RedisPurpose};
use crate::error::Error;

const MIGRATIONS: &[Migration] =
    &[Migration::new(1, "CREATE TABLE hardtack_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")];

/// The row of `hardtack_settings`.
const NAME: &str = "session_place";

/// The place of the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the database, beside the users.
    Database,
    /// In the Redis with this id, which the last server has reached at this address. The address has no password.
    Redis { id: String, address: String },
}

impl Place {
    /// Whether both are the same store. The address of a Redis may have changed.
    fn is_same_store(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Database, Self::Database) => true,
            (Self::Redis { id, .. }, Self::Redis { id: other, .. }) => id == other,
            (Self::Database, Self::Redis { .. }) | (Self::Redis { .. }, Self::Database) => false,
        }
    }

    /// The value of the row: `database`, or `redis`, the id and the address.
    fn to_text(&self) -> String {
        match self {
            Self::Database => "database".to_owned(),
            Self::Redis { id, address } => format!("redis {id} {address}"),
        }
    }

    /// Reads a value. Returns `None` for a value that this version does not know, which a newer program may have
    /// written.
    fn parse(text: &str) -> Option<Self> {
        match text.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["database"] => Some(Self::Database),
            ["redis", id, address] => Some(Self::Redis { id: id.to_owned(), address: address.to_owned() }),
            _ => None,
        }
    }
}

/// Creates the table, or brings it up to date, and returns how many migrations were applied.
pub(crate) async fn migrate(database: &Database) -> Result<usize, Error> {
    Pool::from(database.clone()).migrate("settings", MIGRATIONS).await.map_err(Error::with_causes)
}

/// Records where this server keeps its sessions: in `redis`, or in the database.
pub(crate) async fn record(database: &Database, redis: Option<(&RedisConfig, &RedisSessions)>) -> Result<(), Error> {
    let place = match redis {
        None => Place::Database,
        Some((config, sessions)) => Place::Redis {
            id: sessions.create_identity().await.map_err(Error::with_causes)?,
            address: config.url.to_string(),
        },
    };
    let pool = Pool::from(database.clone());
    if let Some(known) = read(database).await?.filter(|known| !known.is_same_store(&place)) {
        tracing::warn!(
            event = "sessions_moved",
            from = known.to_text(),
            to = place.to_text(),
            "sessions are now kept in another store; access tokens from before work until they expire, and log-outs do \
             not reach them; to log everyone out now, run: hardtack keys rotate --discard-old (or replace JWT_SECRET_KEY)"
        );
    }
    let sql = "INSERT INTO hardtack_settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let statement = Statement::new(sql).bind(NAME).bind(place.to_text());
    pool.execute(statement).await.map(drop).map_err(Error::with_causes)
}

/// Refuses settings that would make a command look for sessions where the servers do not keep them.
pub(crate) async fn check(database: &Database, redis: Option<&RedisConfig>) -> Result<(), Error> {
    let Some(place) = read(database).await? else { return Ok(()) };
    let redis = redis.filter(|redis| redis.purpose == RedisPurpose::Sessions);
    match (place, redis) {
        (Place::Database, None) => Ok(()),
        (Place::Database, Some(_)) => Err(Error::config(
            "the servers keep their sessions in the database, so this command would not find them in Redis; remove \
             --redis-url and HARDTACK_REDIS_URL, or set --redis-for notice as the servers do",
        )),
        (Place::Redis { address, .. }, None) => Err(Error::config(format_args!(
            "the servers keep their sessions in the Redis at {address}, so this command would not find them in the \
             database; set --redis-url or HARDTACK_REDIS_URL to the value that the servers use"
        ))),
        (Place::Redis { id, address }, Some(config)) => {
            if config.url.to_string() == address {
                return Ok(());
            }
            let sessions = RedisSessions::open(config.url.clone()).await.map_err(Error::with_causes)?;
            if sessions.identity().await.map_err(Error::with_causes)?.is_some_and(|found| found == id) {
                return Ok(());
            }
            Err(Error::config(format_args!(
                "the servers keep their sessions in the Redis at {address}, and {} is another one; set --redis-url or \
                 HARDTACK_REDIS_URL to the value that the servers use",
                config.url
            )))
        }
    }
}

/// Returns where the last server that was started keeps its sessions, if that is known.
async fn read(database: &Database) -> Result<Option<Place>, Error> {
    migrate(database).await?;
    let statement = Statement::new("SELECT value FROM hardtack_settings WHERE name = $1").bind(NAME);
    let rows: Vec<(String,)> = Pool::from(database.clone()).fetch(statement).await.map_err(Error::with_causes)?;
    Ok(rows.first().and_then(|(value,)| Place::parse(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        let redis = Place::Redis { id: "1f".into(), address: "unix:///run/a b.sock".into() };
        for place in [Place::Database, redis] {
            assert_eq!(Place::parse(&place.to_text()), Some(place));
        }
        assert_eq!(Place::parse("etcd x"), None);
    }

    #[test]
    fn a_redis_is_the_same_at_another_address() {
        let at = |id: &str, address: &str| Place::Redis { id: id.into(), address: address.into() };
        assert!(at("1", "a").is_same_store(&at("1", "b")) && Place::Database.is_same_store(&Place::Database));
        assert!(!at("1", "a").is_same_store(&at("2", "a")) && !at("1", "a").is_same_store(&Place::Database));
        assert!(!Place::Database.is_same_store(&at("1", "a")));
    }
}

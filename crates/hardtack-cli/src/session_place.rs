//! Records where the servers keep their sessions.
//!
//! Each server stores the place in the database. A command that ends sessions reads the place from the database. If it
//! relied only on its own settings, it might look in the wrong place, find no sessions, and report success. Each
//! running server also has a row of its own. These rows show whether all running servers agree.

use std::fmt;
use std::time::Duration;

use hardtack::session::SessionId;
use hardtack_db::{Migration, Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::Database;

use crate::config::{RedisConfig, RedisPurpose};
use crate::error::Error;

const MIGRATIONS: &[Migration] =
    &[Migration::new(1, "CREATE TABLE hardtack_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")];

/// The name of the row of `hardtack_settings` that says where the most recently started server keeps its sessions.
const NAME: &str = "session_place";

/// Each running server has a row in `hardtack_settings`. The name of the row begins with this prefix. The value of the
/// row is the time at which the server last renewed the row, in seconds since 1970, followed by a space and the value
/// of [`Place::to_text`].
const SERVER: &str = "session_place_of_server:";

/// How often a server renews its row.
const RENEWAL: Duration = Duration::from_secs(10);

/// The age in seconds beyond which a row shows that its server is no longer running.
const LAPSE: u64 = 60;

/// Where sessions are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the database, beside the users.
    Database,
    /// In Redis. `id` is the random id that is stored in this Redis. `address` is the URL that the server used to
    /// connect to this Redis, without the password.
    Redis { id: String, address: String },
}

impl Place {
    /// Whether both places are the same store. A Redis is recognized by its id, because its address may have changed.
    fn is_same_store(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Database, Self::Database) => true,
            (Self::Redis { id, .. }, Self::Redis { id: other, .. }) => id == other,
            (Self::Database, Self::Redis { .. }) | (Self::Redis { .. }, Self::Database) => false,
        }
    }

    /// Returns the text that is stored in a row: `database`, or `redis ID ADDRESS`.
    fn to_text(&self) -> String {
        match self {
            Self::Database => "database".to_owned(),
            Self::Redis { id, address } => format!("redis {id} {address}"),
        }
    }

    /// Parses the text that is stored in a row. Returns `None` for an unknown text, because a newer version may have
    /// written it.
    fn parse(text: &str) -> Option<Self> {
        match text.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["database"] => Some(Self::Database),
            ["redis", id, address] => Some(Self::Redis { id: id.to_owned(), address: address.to_owned() }),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("the database"),
            Self::Redis { address, .. } => write!(f, "the Redis at {address}"),
        }
    }
}

/// The row of a running server.
pub(crate) struct Presence {
    pool: Pool,
    name: String,
    place: Place,
}

impl Presence {
    async fn begin(database: &Database, place: Place) -> Result<Self, Error> {
        let pool = Pool::from(database.clone());
        let presence = Self { pool, name: format!("{SERVER}{}", SessionId::random()), place };
        presence.renew().await?;
        Ok(presence)
    }

    /// Renews the row every few seconds until the future is dropped. Logs an error if another server keeps its sessions
    /// elsewhere.
    pub(crate) async fn keep(&self) {
        let mut told = None;
        loop {
            tokio::time::sleep(RENEWAL).await;
            // Failures of the database are logged where they matter.
            let Ok(servers) = self.renew().await else { continue };
            let other = servers.into_iter().find(|other| !other.is_same_store(&self.place));
            if let Some(other) = other.as_ref().filter(|other| told.as_ref() != Some(*other)) {
                tracing::error!(
                    event = "session_places_differ",
                    here = self.place.to_text(),
                    there = other.to_text(),
                    "another server that uses this database keeps its sessions elsewhere; stop that server, or give \
                     both servers the same --redis-url or HARDTACK_REDIS_URL"
                );
            }
            told = other;
        }
    }

    /// Writes the time into the row, and returns the places of all running servers.
    async fn renew(&self) -> Result<Vec<Place>, Error> {
        let now = self.pool.unix_time().await.map_err(Error::with_causes)?;
        // RETURNING makes this a query, whose success does not prove that the database has room for more.
        let sql = "INSERT INTO hardtack_settings (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING name";
        let value = format!("{now} {}", self.place.to_text());
        let statement = Statement::new(sql).bind(self.name.as_str()).bind(value);
        let _: Vec<(String,)> = self.pool.fetch(statement).await.map_err(Error::with_causes)?;
        running(&self.pool).await
    }

    /// Deletes the row when the server stops. If the row cannot be deleted, servers and commands ignore it once it is
    /// more than [`LAPSE`] seconds old.
    pub(crate) async fn end(self) {
        if let Err(error) = delete(&self.pool, &self.name).await {
            tracing::debug!(event = "session_place_kept", %error);
        }
    }
}

/// Returns the places of the running servers, and deletes the rows of all others.
async fn running(pool: &Pool) -> Result<Vec<Place>, Error> {
    let now = pool.unix_time().await.map_err(Error::with_causes)?;
    let statement = Statement::new("SELECT name, value FROM hardtack_settings WHERE name LIKE $1 ORDER BY name");
    let statement = statement.bind(format!("{SERVER}%"));
    let rows: Vec<(String, String)> = pool.fetch(statement).await.map_err(Error::with_causes)?;
    let mut places = Vec::new();
    for (name, value) in rows {
        let (time, place) = value.split_once(' ').unwrap_or_default();
        if time.parse().is_ok_and(|time: i64| time.abs_diff(now) <= LAPSE) {
            places.extend(Place::parse(place));
        } else {
            delete(pool, &name).await?;
        }
    }
    Ok(places)
}

async fn delete(pool: &Pool, name: &str) -> Result<(), Error> {
    let statement = Statement::new("DELETE FROM hardtack_settings WHERE name = $1").bind(name);
    pool.execute(statement).await.map(drop).map_err(Error::with_causes)
}

/// Creates the table, or brings it up to date, and returns how many migrations were applied.
pub(crate) async fn migrate(database: &Database) -> Result<usize, Error> {
    Pool::from(database.clone()).migrate("settings", MIGRATIONS).await.map_err(Error::with_causes)
}

/// Records where this server keeps its sessions: in `redis`, or in the database.
pub(crate) async fn record(
    database: &Database,
    redis: Option<(&RedisConfig, &RedisSessions)>,
) -> Result<Presence, Error> {
    let place = match redis {
        None => Place::Database,
        Some((config, sessions)) => Place::Redis {
            id: sessions.create_identity().await.map_err(Error::with_causes)?,
            address: config.url.to_string(),
        },
    };
    let pool = Pool::from(database.clone());
    if let Some(known) = last(database).await?.filter(|known| !known.is_same_store(&place)) {
        tracing::warn!(
            event = "sessions_moved",
            from = known.to_text(),
            to = place.to_text(),
            "sessions are now kept in another store; access tokens that were issued earlier work until they expire, \
             even after a log-out; to log everyone out now, replace JWT_SECRET_KEY or JWT_PRIVATE_KEY, or, if neither \
             is set, run: hardtack keys rotate --discard-old"
        );
    }
    let sql = "INSERT INTO hardtack_settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let statement = Statement::new(sql).bind(NAME).bind(place.to_text());
    pool.execute(statement).await.map_err(Error::with_causes)?;
    Presence::begin(database, place).await
}

/// Checks that a command's settings name the store in which the servers keep their sessions. Returns an outer `Err` if
/// they name another store, in which the command would not find the sessions, or if this cannot be checked. Returns an
/// inner `Err` if the settings are right, but the store cannot be reached or has lost its id. In that case, only the
/// servers can end the sessions.
pub(crate) async fn check(database: &Database, redis: Option<&RedisConfig>) -> Result<Result<(), Error>, Error> {
    let Some(place) = known(database).await? else { return Ok(Ok(())) };
    let redis = redis.filter(|redis| redis.purpose == RedisPurpose::Sessions);
    match (place, redis) {
        (Place::Database, None) => Ok(Ok(())),
        (Place::Database, Some(_)) => Err(Error::config(
            "the servers keep their sessions in the database, so this command would not find them in Redis; remove \
             --redis-url and HARDTACK_REDIS_URL, or set --redis-for notice as the servers do",
        )),
        (Place::Redis { address, .. }, None) => Err(Error::config(format_args!(
            "the servers keep their sessions in the Redis at {address}, so this command would not find them in the \
             database; set --redis-url or HARDTACK_REDIS_URL to the value that the servers use"
        ))),
        (Place::Redis { id, address }, Some(config)) => {
            let same_address = config.url.to_string() == address;
            match identity(config).await {
                Ok(Some(found)) if found == id => Ok(Ok(())),
                Ok(None) if same_address => Ok(Err(Error::runtime(format_args!(
                    "the Redis that this command reaches at {address} has lost its data, or is not the one that the \
                     servers use"
                )))),
                Err(error) if same_address => Ok(Err(error)),
                Err(error) => Err(error),
                // The same address may lead elsewhere on another machine or in another container.
                Ok(_) if same_address => Err(Error::config(format_args!(
                    "the servers keep their sessions in a Redis that they reach at {address}, but this command reaches \
                     another Redis at that address; run the command on a machine where the address leads to the \
                     servers' Redis, or set --redis-url or HARDTACK_REDIS_URL to another address of the servers' Redis"
                ))),
                Ok(_) => Err(Error::config(format_args!(
                    "the servers keep their sessions in the Redis at {address}, but {} is another Redis; set \
                     --redis-url or HARDTACK_REDIS_URL to the value that the servers use",
                    config.url
                ))),
            }
        }
    }
}

/// Returns the id of a Redis, if it has one.
async fn identity(config: &RedisConfig) -> Result<Option<String>, Error> {
    let sessions = RedisSessions::open(config.url.clone()).await.map_err(Error::with_causes)?;
    sessions.identity().await.map_err(Error::with_causes)
}

/// Returns where the running servers keep their sessions. If no server is running, returns where the server that was
/// started last kept them.
///
/// # Errors
/// The running servers keep their sessions in different places.
async fn known(database: &Database) -> Result<Option<Place>, Error> {
    let last = last(database).await?;
    let mut running = running(&Pool::from(database.clone())).await?.into_iter();
    let Some(place) = running.next() else { return Ok(last) };
    match running.find(|other| !other.is_same_store(&place)) {
        None => Ok(last.filter(|last| last.is_same_store(&place)).or(Some(place))),
        Some(other) => Err(Error::config(format_args!(
            "some servers keep their sessions in {place}, and others in {other}, so this command might not find all \
             sessions; stop the servers with the wrong settings, and repeat the command; if one of these servers was \
             killed, first wait {LAPSE} seconds"
        ))),
    }
}

/// Returns where the server that was started last keeps its sessions, if that is known.
async fn last(database: &Database) -> Result<Option<Place>, Error> {
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

//! Where the servers keep their sessions.
//!
//! The database records where the servers keep their sessions. A command that ends sessions looks this up. If it relied
//! only on its own settings, it might look in the wrong place, find no sessions, and report success.

use hardtack_redis::RedisSessions;
use hardtack_sqlx::Database;

use super::place::Place;
use super::site;
use super::table::{LAPSE, Table};
use crate::config::{RedisConfig, RedisPurpose};
use crate::error::Error;

/// The name of the row in `hardtack_settings` that says where the servers kept their sessions when they last ran. While
/// all running servers keep their sessions in the same place, each server writes this place into the row every few
/// seconds. When a server stops, it writes another running server's place into the row. If no other server is running,
/// it writes its own place.
const NAME: &str = "session_place";

/// Each running server has a row in `hardtack_settings` whose name begins with this prefix. The row's value is the time
/// when the server last renewed the row (in seconds since 1970), a space, and the value of [`Place::to_text`].
pub(super) const SERVER: &str = "session_place_of_server:";

/// Records where the servers keep their sessions.
pub(super) async fn record(table: &Table, place: &Place) -> Result<(), Error> {
    table.set(NAME, &place.to_text()).await
}

/// Records where a running server keeps its sessions, unless another running server keeps its sessions elsewhere. For
/// example, if an operator tries out a server with a different store, the record still names the usual servers' store,
/// even if those servers are killed right after the trial.
pub(super) async fn record_if_agreed(table: &Table, place: &Place) -> Result<(), Error> {
    match of_running_servers(table).await?.iter().all(|other| other.is_same_store(place)) {
        true => record(table, place).await,
        false => Ok(()),
    }
}

/// Records where one of the other running servers keeps its sessions. If no other server is running, records `place`,
/// which is where the stopping server kept its sessions. Call this function when a server stops, after that server's
/// row has been deleted.
pub(super) async fn record_at_stop(table: &Table, place: &Place) -> Result<(), Error> {
    let others = of_running_servers(table).await?;
    record(table, others.first().unwrap_or(place)).await
}

/// Returns whether the starting server keeps its sessions in a different place than the servers did when they last ran.
/// If so, logs the difference.
pub(super) async fn has_moved(table: &Table, place: &Place) -> Result<bool, Error> {
    let Some(known) = last(table).await?.filter(|known| !known.is_same_store(place)) else { return Ok(false) };
    if known.address().is_some() && known.address() == place.address() {
        log_lost(&known, place);
    } else {
        tracing::warn!(
            event = "sessions_moved",
            from = known.to_text(),
            to = place.to_text(),
            "sessions are now stored in a different place, so users have to log in again"
        );
    }
    Ok(true)
}

/// Logs that another Redis instance is now at the address of the previous one.
pub(super) fn log_lost(from: &Place, to: &Place) {
    tracing::error!(
        event = "sessions_lost",
        from = from.to_text(),
        to = to.to_text(),
        "Redis has lost the sessions, or its address now leads to another Redis; users have to log in again; if the \
         address is wrong, correct it and restart the servers"
    );
}

/// Returns where each running server keeps its sessions.
pub(super) async fn of_running_servers(table: &Table) -> Result<Vec<Place>, Error> {
    Ok(table.of_running_servers(SERVER).await?.iter().filter_map(|row| Place::parse(&row.text)).collect())
}

/// Returns where each server that has renewed its row recently keeps its sessions. If a server is killed, it disappears
/// from this list sooner than from the list that [`of_running_servers`] returns.
pub(super) async fn in_use(table: &Table) -> Result<Vec<Place>, Error> {
    Ok(recent(table).await?.into_iter().map(|(place, _)| place).collect())
}

/// Returns when a server that keeps its sessions in `place` last renewed its row. Returns `None` if no such server has
/// renewed its row recently.
pub(super) async fn last_renewal(table: &Table, place: &Place) -> Result<Option<i64>, Error> {
    let rows = recent(table).await?;
    Ok(rows.iter().filter(|(other, _)| other.is_same_store(place)).map(|(_, renewed_at)| *renewed_at).max())
}

/// Returns one entry for each server that has renewed its row recently: where the server keeps its sessions, and when
/// it last renewed the row.
async fn recent(table: &Table) -> Result<Vec<(Place, i64)>, Error> {
    let rows = table.of_recent_servers(SERVER).await?;
    Ok(rows.iter().filter_map(|row| Some((Place::parse(&row.text)?, row.renewed_at))).collect())
}

/// The result of [`check`]: what is known about the servers' session store.
pub(crate) struct KnownStore {
    /// The id of the Redis instance that the servers use. `None` if the store is the database, or if no server has
    /// recorded its store.
    pub(crate) id: Option<String>,
    /// Contains an error if the command's settings are right, but the store cannot be reached or has lost its id. In
    /// that case, only the servers can end the sessions.
    pub(crate) usable: Result<(), Error>,
}

/// Checks that a command's settings name the store where the servers keep their sessions. Returns an error if the
/// settings name a different store, because the command would not find the sessions there, or if the store belongs to
/// another site. Also returns an error if the store cannot be checked.
pub(crate) async fn check(database: &Database, redis: Option<&RedisConfig>) -> Result<KnownStore, Error> {
    let table = Table::of(database);
    let places = known(&table).await?;
    let redis = redis.filter(|redis| redis.purpose == RedisPurpose::Sessions);
    let site = site::id(&table).await?;
    let Some(place) = places.first() else {
        let usable = match redis {
            Some(config) => identity(config, &site).await?.map(drop),
            None => Ok(()),
        };
        return Ok(KnownStore { id: None, usable });
    };
    let id = place.id().map(str::to_owned);
    Ok(KnownStore { id, usable: can_use(place, &places, redis, &site).await? })
}

/// Checks that a command's settings (`redis`) name the store where the servers keep their sessions (`place`). `places`
/// lists this store once for each server, with the address that the server uses. Returns an outer `Err` if the settings
/// name a different store, or if the store cannot be checked. Returns an inner `Err` if the settings are right, but the
/// store cannot be reached or has lost its id.
async fn can_use(
    place: &Place,
    places: &[Place],
    redis: Option<&RedisConfig>,
    site: &str,
) -> Result<Result<(), Error>, Error> {
    match (place, redis) {
        (Place::Database, None) => Ok(Ok(())),
        (Place::Database, Some(_)) => Err(Error::config(
            "the servers store their sessions in the database, but this command would search Redis for sessions; \
             remove --redis-url and HARDTACK_REDIS_URL, or set --redis-for notice, as the servers do",
        )),
        (Place::Redis { address, .. }, None) => Err(Error::config(format_args!(
            "the servers store their sessions in the Redis at {address}, but this command would search the database \
             for sessions; set --redis-url or HARDTACK_REDIS_URL to the value that the servers use"
        ))),
        (Place::Redis { id, address }, Some(config)) => {
            let own = config.url.to_string();
            let same_address = places.iter().any(|place| place.address() == Some(&own));
            match identity(config, site).await.flatten() {
                Ok(Some(found)) if found == *id => Ok(Ok(())),
                Ok(None) if same_address => Ok(Err(Error::runtime(format_args!(
                    "the Redis at {own} has lost its data, or this command reaches a different Redis at this address \
                     than the servers do"
                )))),
                // The change is possible even if Redis now belongs to another site, because this site's servers no
                // longer accept this site's sessions.
                Err(error) if same_address => Ok(Err(error)),
                // Redis works, but belongs to another site.
                Err(error @ Error::Config(_)) => Err(error),
                // Only the servers know whether this is their Redis, so this command must not count on them.
                Err(error) => Err(Error::runtime(format_args!(
                    "{error}; nothing was changed, because this command cannot find out whether {own} is the servers' \
                     Redis; if you write the address as the servers do ({address}), the command makes its changes, and \
                     the servers end the sessions when Redis is back"
                ))),
                // On another machine or in another container, the same address might lead to a different Redis.
                Ok(_) if same_address => Err(Error::config(format_args!(
                    "this command reaches a different Redis at {own} than the servers do; run the command on a machine \
                     where this address leads to the servers' Redis, or set --redis-url or HARDTACK_REDIS_URL to \
                     a different address of the servers' Redis"
                ))),
                Ok(_) => Err(Error::config(format_args!(
                    "the servers store their sessions in the Redis at {address}, but {own} is a different Redis; set \
                     --redis-url or HARDTACK_REDIS_URL to the value that the servers use"
                ))),
            }
        }
    }
}

/// Returns the id of a Redis instance, or `None` if the instance has no id. Returns an outer `Err` if the instance
/// belongs to another site than `site`, and an inner `Err` if the instance cannot be reached.
async fn identity(config: &RedisConfig, site: &str) -> Result<Result<Option<String>, Error>, Error> {
    let read = async {
        let sessions = RedisSessions::open(config.url.clone()).await.map_err(Error::with_causes)?;
        let owner = sessions.owner().await.map_err(|error| Error::redis(&error))?;
        Ok((owner, sessions.identity().await.map_err(|error| Error::redis(&error))?))
    };
    match read.await {
        Ok((Some(owner), _)) if owner != site => Err(site::is_another(&config.url.to_string())),
        Ok((_, id)) => Ok(Ok(id)),
        Err(error) => Ok(Err(error)),
    }
}

/// Returns where the running servers keep their sessions, with one entry for each server. All entries refer to the same
/// store, but the servers may use different addresses for it. If no server is running, returns where the last server
/// that stopped kept its sessions. If no server has recorded a place, returns an empty list.
///
/// # Errors
/// The running servers keep their sessions in different places.
async fn known(table: &Table) -> Result<Vec<Place>, Error> {
    let running = of_running_servers(table).await?;
    let Some(place) = running.first() else { return Ok(last(table).await?.into_iter().collect()) };
    match running.iter().find(|other| !other.is_same_store(place)) {
        None => Ok(running),
        Some(other) => Err(Error::config(format_args!(
            "some servers store their sessions in {place}, and others in {other}, so this command might miss sessions; \
             stop the servers with the wrong settings, and repeat the command; if a server was killed, first wait \
             {LAPSE} seconds; if Redis has just lost its data, the settings may be right, so just wait 20 seconds and \
             repeat the command"
        ))),
    }
}

/// Returns the last recorded place where servers kept their sessions, if any.
async fn last(table: &Table) -> Result<Option<Place>, Error> {
    Ok(table.get(NAME).await?.and_then(|value| Place::parse(&value)))
}

//! Detects that a Redis store has gone back to an older state, and ends the sessions in the store.
//!
//! If an older snapshot of Redis is restored, the sessions that have ended since the snapshot are live again. Nothing
//! in Redis then shows that these sessions have ended. Each server therefore increases a number in Redis every few
//! seconds, and writes the new number into the database.
//!
//! If Redis later returns a number that is clearly lower than expected, Redis has lost changes. The server that first
//! notices the loss ends all sessions. Users then have to log in again.
//!
//! Redis can also lose changes when no snapshot is restored. With `appendfsync everysec`, a crash loses the changes of
//! the last second or two. The number might therefore be too low by one for each running server.

use hardtack::clock::{Clock, SystemClock};
use hardtack_redis::RedisSessions;

use super::place::Place;
use super::session_place;
use super::table::Table;
use crate::error::Error;

/// A row of `hardtack_settings` contains the last known number of a session store in Redis. The name of the row
/// consists of this prefix and the id of the session store.
const COUNT: &str = "session_count:";

/// If Redis has lost changes, ends all sessions in Redis. Call this function every few seconds in each server.
pub(super) async fn end_sessions_if_any(table: &Table, sessions: &RedisSessions, place: &Place) -> Result<(), Error> {
    let Some(id) = place.id() else { return Ok(()) };
    let name = format!("{COUNT}{id}");
    // First read the number in the database, then let Redis increase its own number. The number in the database came
    // from Redis earlier, so the new number must be higher.
    let known = table.get(&name).await?.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    let servers = session_place::of_running_servers(table).await?.len().max(1) as u64;
    let count = sessions.count().await.map_err(Error::with_causes)?;
    if count + servers <= known {
        let ended = sessions.end_all_sessions(SystemClock.now()).await.map_err(Error::with_causes)?;
        tracing::error!(
            event = "sessions_went_back",
            ended,
            "Redis has lost its latest changes, probably because an older snapshot was restored; sessions that had \
             ended were live again, so all sessions were ended, and users have to log in again"
        );
    }
    table.set(&name, &count.to_string()).await
}

//! Notices that Redis has gone back to an older state, although it is still the same store, and ends its sessions.
//!
//! If an older snapshot of Redis is restored, the sessions that have ended since the snapshot are live again, and nothing
//! in Redis shows that they have ended. So each server increases a number in Redis every few seconds, and then writes it
//! into the database. If Redis returns a number that is not higher than one in the database, it has lost changes. The
//! server that notices this first ends all sessions. Users then have to log in again.
//!
//! Each server can lose one number without a restored snapshot: with `appendfsync everysec`, Redis loses the changes of
//! the last second or two in a crash. This is tolerated.

use hardtack::clock::{Clock, SystemClock};
use hardtack_redis::RedisSessions;

use super::place::Place;
use super::session_place;
use super::table::Table;
use crate::error::Error;

/// The prefix of the row of `hardtack_settings` that contains the highest number of a Redis. The id of the Redis follows.
const COUNT: &str = "session_count:";

/// Ends all sessions in Redis if it has lost changes. Call this function every few seconds in each server.
pub(super) async fn end_sessions_if_any(table: &Table, sessions: &RedisSessions, place: &Place) -> Result<(), Error> {
    let Some(id) = place.id() else { return Ok(()) };
    let name = format!("{COUNT}{id}");
    // Read before the count: every number in the database was returned by Redis before this moment.
    let known = table.get(&name).await?.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    let servers = session_place::of_running_servers(table).await?.len().max(1) as u64;
    let count = sessions.count().await.map_err(Error::with_causes)?;
    if count + servers <= known {
        let ended = sessions.end_all_sessions(SystemClock.now()).await.map_err(Error::with_causes)?;
        tracing::error!(
            event = "sessions_went_back",
            ended,
            "Redis has lost its latest changes, probably because an older snapshot was restored; sessions that had \
             ended were live again, so all sessions have been ended, and users have to log in again"
        );
    }
    table.set(&name, &count.to_string()).await
}

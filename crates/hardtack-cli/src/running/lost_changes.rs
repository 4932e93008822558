//! Detects that a Redis store has gone back to an older state, and ends the sessions in the store.
//!
//! If an older Redis snapshot is restored, sessions that ended after the snapshot was taken are live again, and nothing
//! in Redis shows that they ended. To detect this, each server increments a number in Redis every few seconds, and
//! writes the new number to the database.
//!
//! If Redis later returns a number that is clearly lower than the database says, Redis has lost changes. The first
//! server that notices this ends all sessions, so users have to log in again.
//!
//! Redis can also lose changes without a snapshot being restored. With `appendfsync everysec`, a crash loses the
//! changes of the last second or two. [`Counts::show_loss`] therefore accepts a number that is slightly too low.

use super::counts::Counts;
use super::place::Place;
use super::store::Store;
use super::table::Table;
use crate::error::Error;

/// Each Redis instance that servers have used has a row in `hardtack_settings`, which contains the instance's last
/// [`Counts`]. The row's name is this prefix followed by the id that is stored in Redis.
const COUNT: &str = "session_count:";

/// If Redis has lost changes, ends all sessions in Redis. Call this function every few seconds on each server.
pub(super) async fn end_sessions_if_any(table: &Table, store: &Store, place: &Place) -> Result<(), Error> {
    let (Some(redis), Some(id)) = (store.redis(), place.id()) else { return Ok(()) };
    let name = format!("{COUNT}{id}");
    // Read the numbers from the database before Redis increments its number. Redis has already returned the numbers in
    // the database, so its next number must be higher.
    let known = table.get(&name).await?;
    let time = table.now().await?;
    let mut counts = known.as_deref().map(Counts::parse).unwrap_or_default();
    let count = redis.count().await.map_err(|error| Error::redis(&error))?;
    if counts.show_loss(count) {
        let ended = store.end_all(table, place).await?;
        tracing::error!(
            event = "sessions_went_back",
            ended,
            "Redis has lost its latest changes, probably because an older snapshot was restored; sessions that had \
             ended were live again, so all sessions were ended, and users have to log in again"
        );
        return table.set(&name, &Counts::after_loss(time, count).to_text()).await;
    }
    counts.add(time, count);
    // If another server has written the row in the meantime, keep that server's number, which is just as good.
    table.replace(&name, known.as_deref(), &counts.to_text()).await
}

/// Returns the ids of all Redis instances that servers have used.
pub(super) async fn known_ids(table: &Table) -> Result<Vec<String>, Error> {
    let rows = table.rows(COUNT).await?;
    Ok(rows.iter().filter_map(|(name, _)| name.strip_prefix(COUNT)).map(str::to_owned).collect())
}

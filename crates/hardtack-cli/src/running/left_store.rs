//! Ends the sessions in a session store that the servers stopped using earlier and are now returning to.
//!
//! Servers switch to a different store if, for example, Redis is replaced by an empty Redis, or the servers are
//! restarted with a different `--redis-url`. While the servers use the new store, a log-out or a new password does not
//! end the sessions in the old store. If the servers returned to the old store, those sessions would be live again.
//!
//! Each store that servers have stopped using has a row in `hardtack_settings`, called the store's mark. There are two
//! kinds of marks:
//!
//! - *moved*: A server was using this store, and then found a different store at the same address. Other servers may
//!   not have noticed the change.
//! - *elsewhere*: At least one server is using a different store. Other servers may be using this store at the same
//!   time, for example because an operator is trying out the different store.
//!
//! From the moment it starts, each server keeps a mark on all stores except its own. The marks therefore exist no
//! matter when or how the server stops.
//!
//! Before a server starts to use a store that has a mark, the server ends all sessions in the store, and then deletes
//! the mark. If the server crashes in between, the mark is still there, so the next server ends the sessions. There is
//! one exception: an *elsewhere* mark ends no sessions if another server has been using the store the whole time. That
//! other server proves this by renewing its row.
//!
//! If a server has used the store the whole time, it deletes the store's *elsewhere* mark once no server is using a
//! different store.

use std::time::Duration;

use super::lost_changes;
use super::place::Place;
use super::session_place;
use super::store::Store;
use super::table::{RECENT, Table};
use crate::error::Error;

/// The name of a mark's row begins with this prefix, and ends with [`Place::key`]. The value of the row is the kind of
/// the mark, a space, and the time at which the mark was set, in seconds since 1970.
const LEFT: &str = "session_store_left:";

const MOVED: &str = "moved";
const ELSEWHERE: &str = "elsewhere";

/// How often a starting server checks whether another server has renewed its row.
const STEP: Duration = Duration::from_millis(500);

/// Marks the store that this server has been using, because a different store is now at the same address.
pub(super) async fn mark_left(table: &Table, place: &Place) -> Result<(), Error> {
    let now = table.now().await?;
    table.set(&name(place.key()), &format!("{MOVED} {now}")).await
}

/// Marks all stores except `own`, which is this server's store. If `is_starting`, also renews the *elsewhere* marks, so
/// that a server that is about to delete such a mark fails to delete it.
pub(super) async fn mark_others(table: &Table, own: &Place, is_starting: bool) -> Result<(), Error> {
    let mark = format!("{ELSEWHERE} {}", table.now().await?);
    let ids = lost_changes::known_ids(table).await?;
    let marks = table.rows(LEFT).await?;
    let keys = ids.iter().map(String::as_str).chain([Place::Database.key()]);
    for name in keys.filter(|key| *key != own.key()).map(name) {
        match marks.iter().find(|(marked, _)| *marked == name) {
            None => table.replace(&name, None, &mark).await?,
            Some((_, old)) if is_starting && old.starts_with(ELSEWHERE) => {
                table.replace(&name, Some(old), &mark).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Returns whether another server uses another store than `own`, or has used one since this server last checked.
pub(super) async fn is_another_in_use(table: &Table, own: &Place) -> Result<bool, Error> {
    // A server that has just stopped has no row any more, but its mark is still there.
    let mark = table.get(&name(own.key())).await?;
    Ok(mark.is_some_and(|mark| mark.starts_with(ELSEWHERE))
        || session_place::in_use(table).await?.iter().any(|other| !other.is_same_store(own)))
}

/// If the store has a mark, ends all sessions in the store, unless other servers have used the store the whole time.
/// Call this function before a server begins to use the store.
pub(super) async fn end_sessions_at_return(table: &Table, store: &Store, place: &Place) -> Result<(), Error> {
    match table.get(&name(place.key())).await? {
        Some(mark) if mark.starts_with(ELSEWHERE) && is_in_use(table, place).await? => Ok(()),
        Some(mark) => end_sessions(table, store, place, &mark).await,
        None => Ok(()),
    }
}

/// Returns whether a running server is using the store. If a server renewed its row recently, waits for the server to
/// renew the row again, because the server might have been killed after the last renewal.
async fn is_in_use(table: &Table, place: &Place) -> Result<bool, Error> {
    let (since, mut is_logged) = (table.now().await?, false);
    loop {
        let Some(renewed_at) = session_place::last_renewal(table, place).await? else { return Ok(false) };
        if renewed_at > since {
            return Ok(true);
        }
        if !is_logged {
            tracing::info!(
                event = "waiting_for_servers",
                "servers have used different session stores; this server waits up to {} s to see whether another \
                 server uses {place}; if none does, this server ends all sessions in {place}",
                RECENT
            );
            is_logged = true;
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Checks the mark on a store that this server has used the whole time. For a *moved* mark, ends all sessions in the
/// store and deletes the mark. For an *elsewhere* mark, deletes the mark once no server is using a different store.
pub(super) async fn check_while_in_use(table: &Table, store: &Store, place: &Place) -> Result<(), Error> {
    match table.get(&name(place.key())).await? {
        Some(mark) if mark.starts_with(ELSEWHERE) => {
            match session_place::in_use(table).await?.iter().all(|other| other.is_same_store(place)) {
                true => table.delete_value(&name(place.key()), &mark).await,
                false => Ok(()),
            }
        }
        Some(mark) => end_sessions(table, store, place, &mark).await,
        None => Ok(()),
    }
}

async fn end_sessions(table: &Table, store: &Store, place: &Place, mark: &str) -> Result<(), Error> {
    let ended = store.end_all(table, place).await?;
    if ended > 0 {
        tracing::error!(
            event = "sessions_went_back",
            ended,
            "while a server used a different session store, log-outs and new passwords may not have ended sessions in \
             {place}; all sessions in {place} have therefore been ended, and users have to log in again"
        );
    }
    // If the mark has been set again in the meantime, it is not deleted.
    table.delete_value(&name(place.key()), mark).await
}

fn name(key: &str) -> String {
    format!("{LEFT}{key}")
}

//! Ends the sessions of a session store to which the servers return.
//!
//! The servers leave a store if, for example, Redis is replaced by an empty Redis, or the servers are started with
//! another `--redis-url`. While they use another store, a log-out or a new password does not end the sessions in the
//! store that they left. When they return to that store, those sessions would be live again.
//!
//! Each store that was left therefore has a row in `hardtack_settings`, called its mark. There are two kinds of marks:
//!
//! - *moved*: A running server used this store, and then found another store at the same address. Other servers may
//!   not have noticed the change.
//! - *elsewhere*: A server uses another store, and no server that uses this store has renewed its row since then. The
//!   servers that use this store might have stopped, or might just be about to renew their rows.
//!
//! A server that begins to use a store with a mark of either kind first ends all sessions in the store. The server then
//! deletes the mark. If the server crashes before it deletes the mark, the next server ends the sessions.
//!
//! A server that has used the store all the time deletes a mark of the kind *elsewhere*, and ends no sessions. In this
//! case, the server that set the mark merely uses another store at the same time, for example because an operator is
//! trying out that store.

use super::lost_changes;
use super::place::Place;
use super::session_place;
use super::sessions_in::SessionsIn;
use super::table::Table;
use crate::error::Error;

/// The name of a mark's row begins with this prefix, and ends with [`Place::key`]. The value of the row is the kind of
/// the mark, a space, and the time at which the mark was set, in seconds since 1970.
const LEFT: &str = "session_store_left:";

const MOVED: &str = "moved";
const ELSEWHERE: &str = "elsewhere";

/// Marks a store that this server has used until now. Another store is now at the same address.
pub(super) async fn mark_left(table: &Table, place: &Place) -> Result<(), Error> {
    let now = table.now().await?;
    table.set(&name(place.key()), &format!("{MOVED} {now}")).await
}

/// Marks the stores that are not in use, except `own`, the store of this server. A store is in use if one of its
/// servers has renewed its row recently, and after this server started. `since` is when this server started, in seconds
/// since 1970.
pub(super) async fn mark_unused(table: &Table, own: &Place, since: i64) -> Result<(), Error> {
    let now = table.now().await?;
    let in_use = session_place::in_use(table, since).await?;
    let marked = table.names(LEFT).await?;
    let ids = lost_changes::known_ids(table).await?;
    let keys = ids.iter().map(String::as_str).chain([Place::Database.key()]);
    for key in keys.filter(|key| *key != own.key() && in_use.iter().all(|place| place.key() != *key)) {
        if !marked.contains(&name(key)) {
            table.replace(&name(key), None, &format!("{ELSEWHERE} {now}")).await?;
        }
    }
    Ok(())
}

/// If the store has a mark, ends all sessions in the store. Call this function before a server begins to use the store.
pub(super) async fn end_sessions_at_return(table: &Table, sessions: &SessionsIn, place: &Place) -> Result<(), Error> {
    match table.get(&name(place.key())).await? {
        Some(mark) => end_sessions(table, sessions, place, &mark).await,
        None => Ok(()),
    }
}

/// Deletes the mark of a store that this server has used all the time. If the mark is of the kind *moved*, first ends
/// all sessions in the store.
pub(super) async fn check_while_in_use(table: &Table, sessions: &SessionsIn, place: &Place) -> Result<(), Error> {
    match table.get(&name(place.key())).await? {
        Some(mark) if mark.starts_with(ELSEWHERE) => table.delete_value(&name(place.key()), &mark).await,
        Some(mark) => end_sessions(table, sessions, place, &mark).await,
        None => Ok(()),
    }
}

async fn end_sessions(table: &Table, sessions: &SessionsIn, place: &Place, mark: &str) -> Result<(), Error> {
    let ended = sessions.end_all(place).await?;
    if ended > 0 {
        tracing::error!(
            event = "sessions_went_back",
            ended,
            "the servers had used another session store in the meantime, and have returned to {place}; sessions that \
             had ended were live again, so all sessions have been ended, and users have to log in again"
        );
    }
    // If the mark has been set again in the meantime, it is not deleted.
    table.delete_value(&name(place.key()), mark).await
}

fn name(key: &str) -> String {
    format!("{LEFT}{key}")
}

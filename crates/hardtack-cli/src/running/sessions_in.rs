//! A server's session store.

use hardtack::clock::{Clock, SystemClock};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{Database, Sessions};

use super::place::Place;
use crate::error::Error;

/// Where a server keeps its sessions.
pub(crate) enum SessionsIn {
    /// The sessions are in the same database as the users.
    Database(Box<Sessions<Database>>),
    /// The sessions are in Redis, at this address. The address contains no password.
    Redis(RedisSessions, String),
}

impl SessionsIn {
    /// Returns where the sessions are now. If they are in a Redis that has no id yet, gives this Redis an id.
    pub(super) async fn place(&self) -> Result<Place, Error> {
        match self {
            Self::Database(_) => Ok(Place::Database),
            Self::Redis(sessions, address) => {
                let id = sessions.create_identity().await.map_err(Error::with_causes)?;
                Ok(Place::Redis { id, address: address.clone() })
            }
        }
    }

    /// Ends all sessions in `place`, and returns how many were ended. Fails if the address now leads to a different
    /// Redis, because the sessions in `place` might then still be live.
    pub(super) async fn end_all(&self, place: &Place) -> Result<u64, Error> {
        let now = SystemClock.now();
        let ended = match self {
            Self::Database(sessions) => sessions.end_all_sessions(now).await,
            Self::Redis(sessions, _) => sessions.end_all_sessions(now).await,
        };
        let ended = ended.map_err(Error::with_causes)?;
        match self.place().await?.is_same_store(place) {
            true => Ok(ended),
            false => Err(Error::runtime(format_args!(
                "{place} was replaced by another Redis while its sessions were being ended; try again"
            ))),
        }
    }
}

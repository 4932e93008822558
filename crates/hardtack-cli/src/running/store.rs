//! The session store of a server.

use hardtack::Authenticator;
use hardtack::clock::{Clock, SystemClock};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{Database, Sessions};

use super::place::Place;
use super::store_checks::StoreChecks;
use super::table::Table;
use crate::error::Error;

/// Where a server keeps its sessions.
pub(crate) enum SessionsIn {
    /// The sessions are in the same database as the users.
    Database(Box<Sessions<Database>>),
    /// The sessions are in Redis, at this address. The address contains no password.
    Redis(RedisSessions, String),
}

/// The session store of a running server.
pub(super) struct Store {
    sessions: SessionsIn,
    /// The id of the server's site.
    site: String,
    pub(super) checks: StoreChecks,
}

impl Store {
    /// `site` is the id of the server's site, and `server` is the id of the server.
    pub(super) fn new(sessions: SessionsIn, site: String, auth: &Authenticator, server: &str) -> Self {
        Self { sessions, site, checks: StoreChecks::new(auth, server) }
    }

    /// Returns the Redis that contains the sessions, or `None` if the sessions are in the database.
    pub(super) fn redis(&self) -> Option<&RedisSessions> {
        match &self.sessions {
            SessionsIn::Database(_) => None,
            SessionsIn::Redis(sessions, _) => Some(sessions),
        }
    }

    /// Returns the address of Redis without the password, or `None` if the sessions are in the database.
    pub(super) fn address(&self) -> Option<&str> {
        match &self.sessions {
            SessionsIn::Database(_) => None,
            SessionsIn::Redis(_, address) => Some(address),
        }
    }

    /// Returns where the sessions are now, or `None` if Redis contains the sessions of another site. If Redis belongs to
    /// no site yet, it belongs to this site from then on. Gives Redis an id if it has none.
    pub(super) async fn place(&self) -> Result<Option<Place>, Error> {
        let SessionsIn::Redis(sessions, address) = &self.sessions else { return Ok(Some(Place::Database)) };
        if sessions.claim(&self.site).await.map_err(|error| Error::redis(&error))? != self.site {
            return Ok(None);
        }
        let id = sessions.create_identity().await.map_err(|error| Error::redis(&error))?;
        Ok(Some(Place::Redis { id, address: address.clone() }))
    }

    /// Ends all sessions in `place`, and returns how many were ended. The store may also have lost sessions, so
    /// [`StoreChecks`] begin. Fails if the address now leads to another Redis, because the sessions in `place` might
    /// then still be live.
    pub(super) async fn end_all(&self, table: &Table, place: &Place) -> Result<u64, Error> {
        self.expect(place).await?;
        self.checks.begin(table).await?;
        let now = SystemClock.now();
        let ended = match &self.sessions {
            SessionsIn::Database(sessions) => {
                sessions.end_all_sessions(now).await.map_err(|error| Error::database(&error))?
            }
            SessionsIn::Redis(sessions, _) => {
                sessions.end_all_sessions(now).await.map_err(|error| Error::redis(&error))?
            }
        };
        self.expect(place).await?;
        Ok(ended)
    }

    /// Fails if the sessions are no longer in `place`.
    async fn expect(&self, place: &Place) -> Result<(), Error> {
        match self.place().await?.is_some_and(|found| found.is_same_store(place)) {
            true => Ok(()),
            false => Err(Error::runtime(format_args!(
                "{place} was replaced by another Redis while its sessions were being ended; try again"
            ))),
        }
    }
}

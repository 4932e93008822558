//! The rows of a running server.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hardtack::session::SessionId;
use hardtack_accounts::Accounts;
use hardtack_redis::RedisSessions;
use hardtack_sqlx::Database;

use super::given_keys::{self, GivenKeys};
use super::lost_changes;
use super::place::Place;
use super::session_place;
use super::table::Table;
use crate::error::Error;

/// How often a server renews its rows.
const RENEWAL: Duration = Duration::from_secs(10);

/// Where a server keeps its sessions.
pub(crate) enum SessionsIn {
    /// The sessions are in the database, beside the users.
    Database,
    /// The sessions are in Redis, at this address. The address contains no password.
    Redis(RedisSessions, String),
}

impl SessionsIn {
    async fn place(&self) -> Result<Place, Error> {
        match self {
            Self::Database => Ok(Place::Database),
            Self::Redis(sessions, address) => {
                let id = sessions.create_identity().await.map_err(Error::with_causes)?;
                Ok(Place::Redis { id, address: address.clone() })
            }
        }
    }
}

/// The rows of this server. They say that the server is running, where it keeps its sessions, and which keys it was
/// given.
pub(crate) struct Presence {
    table: Table,
    database: Database,
    accounts: Accounts,
    id: String,
    sessions: SessionsIn,
    place: Mutex<Place>,
    /// The id that Redis had before it lost its data. The database might still contain intentions (to end sessions)
    /// that name this id. After these intentions are assigned to Redis's new id, this field is `None`.
    previous: Mutex<Option<String>>,
    keys: GivenKeys,
}

impl Presence {
    /// Records that this server is running. Call this method only after all settings have been checked.
    pub(crate) async fn begin(
        database: &Database,
        accounts: &Accounts,
        sessions: SessionsIn,
        keys: GivenKeys,
    ) -> Result<Self, Error> {
        let table = Table::open(database).await?;
        let place = sessions.place().await?;
        session_place::warn_if_moved(&table, &place).await?;
        if let SessionsIn::Redis(sessions, _) = &sessions {
            lost_changes::end_sessions_if_any(&table, sessions, &place).await?;
        }
        accounts.set_session_store_id(place.id());
        let presence = Self {
            table,
            database: database.clone(),
            accounts: accounts.clone(),
            id: SessionId::random().to_string(),
            sessions,
            place: Mutex::new(place),
            previous: Mutex::default(),
            keys,
        };
        presence.write().await?;
        Ok(presence)
    }

    /// Renews the rows every few seconds until the future is dropped. Logs an error if another server keeps its
    /// sessions elsewhere.
    pub(crate) async fn keep(&self) {
        let mut told = None;
        loop {
            tokio::time::sleep(RENEWAL).await;
            // If the database fails, this loop logs nothing. The operations that need the database log the error.
            let Ok(servers) = self.renew().await else { continue };
            let here = self.place().clone();
            let other = servers.into_iter().find(|other| !other.is_same_store(&here));
            if let Some(other) = other.as_ref().filter(|other| told.as_ref() != Some(*other)) {
                tracing::error!(
                    event = "session_places_differ",
                    here = here.to_text(),
                    there = other.to_text(),
                    "another server that uses this database stores its sessions in a different place; stop that \
                     server, or give both servers the same --redis-url or HARDTACK_REDIS_URL"
                );
            }
            told = other;
        }
    }

    /// Returns whether another running server signs with a key that a setting gave it.
    pub(crate) async fn others_have_given_keys(&self) -> Result<bool, Error> {
        let servers = given_keys::of_running_servers(&self.table).await?;
        let own = self.row_of_keys();
        Ok(servers.iter().any(|(name, keys)| *name != own && keys.signing().is_some()))
    }

    /// Renews the rows, and returns where the running servers keep their sessions.
    async fn renew(&self) -> Result<Vec<Place>, Error> {
        self.find_lost_sessions().await?;
        let place = self.place().clone();
        if let SessionsIn::Redis(sessions, _) = &self.sessions {
            // If Redis does not respond, the check is repeated later.
            if let Err(error) = lost_changes::end_sessions_if_any(&self.table, sessions, &place).await {
                tracing::debug!(event = "lost_changes_unknown", %error);
            }
        }
        self.write().await?;
        session_place::of_running_servers(&self.table).await
    }

    /// Checks whether Redis has lost its data, for example in a restart. If Redis has a new id, records this id. The
    /// other servers do the same, so all servers record the same store again.
    async fn find_lost_sessions(&self) -> Result<(), Error> {
        // If Redis does not respond, the recorded place stays unchanged.
        let Ok(found) = self.sessions.place().await else { return Ok(()) };
        let known = self.place().clone();
        if !found.is_same_store(&known) {
            tracing::error!(
                event = "sessions_lost",
                from = known.to_text(),
                to = found.to_text(),
                "Redis has lost the sessions, or its address now leads to another Redis; users have to log in again \
                 when their access tokens expire; until then, a log-out on another device has no effect on these \
                 tokens; to log everyone out now, replace JWT_SECRET_KEY or JWT_PRIVATE_KEY; if neither is set, run: \
                 hardtack keys rotate --discard-old"
            );
            session_place::record(&self.table, &found).await?;
            // Set the new id first, so that no more intentions are written with the previous id.
            self.accounts.set_session_store_id(found.id());
            *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = known.id().map(str::to_owned);
            *self.place() = found.clone();
        }
        // From now on, this server carries out only intentions with the new id. Assign the intentions with the previous
        // id to the new id. Otherwise, they would stay in the database for ever.
        let previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(from), Some(to)) = (previous, found.id()) {
            self.database.pending_ends().move_to_store(&from, to).await.map_err(Error::with_causes)?;
            *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }

    /// Writes the rows with the current time.
    async fn write(&self) -> Result<(), Error> {
        let now = self.table.now().await?;
        let place = self.place().clone();
        session_place::record_if_agreed(&self.table, &place).await?;
        let place = place.to_text();
        self.table.set(&self.row_of_place(), &format!("{now} {place}")).await?;
        self.table.set(&self.row_of_keys(), &format!("{now} {}", self.keys.to_text())).await
    }

    /// Call this method when the server stops. The method deletes the server's rows, and records in the database where
    /// the servers that are still running keep their sessions. If no other server is running, the method records where
    /// this server kept its sessions. If the rows cannot be deleted, servers and commands ignore them once they are more
    /// than [`LAPSE`](super::LAPSE) seconds old.
    pub(crate) async fn end(self) {
        for name in [self.row_of_place(), self.row_of_keys()] {
            if let Err(error) = self.table.delete(&name).await {
                tracing::debug!(event = "presence_kept", %error);
            }
        }
        let place = self.place().clone();
        if let Err(error) = session_place::record_at_stop(&self.table, &place).await {
            tracing::debug!(event = "session_place_not_recorded", %error);
        }
    }

    fn row_of_place(&self) -> String {
        format!("{}{}", session_place::SERVER, self.id)
    }

    fn row_of_keys(&self) -> String {
        format!("{}{}", given_keys::SERVER, self.id)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A running server's rows in the database.

use std::time::Duration;

use hardtack::Authenticator;
use hardtack::session::SessionId;
use hardtack_accounts::Accounts;
use hardtack_sqlx::Database;

use super::difference::Difference;
use super::given_keys::{self, GivenKeys};
use super::place::Place;
use super::store::{SessionsIn, Store};
use super::table::{RENEWAL, Table};
use super::{left_store, lost_changes, session_place, site};
use crate::error::Error;

/// This server's rows in the database. They record that the server is running, where it keeps its sessions, which keys
/// it was given, and which key it signs with.
pub(crate) struct Presence {
    table: Table,
    database: Database,
    accounts: Accounts,
    id: String,
    store: Store,
    place: Place,
    /// What this server found at the address of its session store at the last renewal.
    found: Found,
    /// Whether another server was using a different session store at the last renewal.
    differed: bool,
    /// This server's previous session stores that have not been marked as left in the database yet.
    left: Vec<Place>,
    /// The ids of previous Redis instances. The database might still contain intentions that name one of these ids. An
    /// id is removed from this list once its intentions have been assigned to the new id.
    previous: Vec<String>,
    auth: Authenticator,
    keys: GivenKeys,
}

/// What this server found at the address of its session store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// The store that this server uses.
    InUse,
    /// A Redis instance that has replaced the previous one. This server might still have to end the sessions in the new
    /// instance.
    Replacement,
    /// A Redis that contains another site's sessions. The server stops.
    AnotherSite,
}

impl Presence {
    /// Records that this server is running. Call this method only after all settings have been checked. If the servers
    /// have used a different session store since they last used this server's store, or if Redis has gone back to an
    /// older state, ends all sessions.
    pub(crate) async fn begin(
        (database, accounts): (&Database, &Accounts),
        auth: &Authenticator,
        sessions: SessionsIn,
        keys: GivenKeys,
    ) -> Result<Self, Error> {
        let table = Table::of(database);
        let id = SessionId::random().to_string();
        let store = Store::new(sessions, site::id(&table).await?, auth, &id);
        let Some(place) = store.place().await? else {
            return Err(site::is_another(store.address().unwrap_or_default()));
        };
        store.checks.resume(&table).await?;
        store.checks.begin_if_tokens_live_longer(&table).await?;
        let differed = left_store::is_another_in_use(&table, &place).await?;
        if session_place::has_moved(&table, &place).await? || differed {
            // Servers refuse the access tokens of sessions in the other place.
            store.checks.begin(&table).await?;
        }
        left_store::end_sessions_at_return(&table, &store, &place).await?;
        lost_changes::end_sessions_if_any(&table, &store, &place).await?;
        accounts.set_session_store_id(place.id());
        let presence = Self {
            table,
            database: database.clone(),
            accounts: accounts.clone(),
            id,
            store,
            place,
            found: Found::InUse,
            differed,
            left: Vec::new(),
            previous: Vec::new(),
            auth: auth.clone(),
            keys,
        };
        presence.write().await?;
        // If this server crashes after this point, the next server can still tell that another store was in use.
        left_store::mark_others(&presence.table, &presence.place, true).await?;
        Ok(presence)
    }

    /// Renews this server's rows every few seconds until the future is dropped. `overlap` is how long a new key is used
    /// only to verify tokens. Logs an error if another server keeps its sessions in a different store for a long time,
    /// or if it signs, for longer than the overlap, with a key that this server does not have.
    ///
    /// # Errors
    /// Returns an error if the address of Redis now leads to a Redis that contains another site's sessions. The server
    /// must then stop, because it would store its sessions there.
    pub(crate) async fn keep(&mut self, overlap: Duration) -> Error {
        let (mut other_place, mut other_key) = (Difference::longer_than(RENEWAL), Difference::longer_than(overlap));
        loop {
            self.store.checks.wait(RENEWAL, tokio::time::sleep).await;
            if let Err(error) = self.find_lost_sessions().await {
                return error;
            }
            // If the database fails, this loop logs nothing, because the operations that need the database log the
            // error.
            let Ok(servers) = self.renew().await else { continue };
            let other = servers.iter().find(|other| !other.is_same_store(&self.place));
            if other_place.has_lasted(other.map(Place::key)) {
                tracing::error!(
                    event = "session_places_differ",
                    here = self.place.to_text(),
                    there = other.map(Place::to_text),
                    "another server that uses this database stores its sessions in a different place; stop that \
                     server, or give both servers the same --redis-url or HARDTACK_REDIS_URL"
                );
            }
            let Ok(servers) = given_keys::of_recent_servers(&self.table).await else { continue };
            let keys = self.auth.keys();
            let other = servers.iter().find_map(|server| Some((server, server.unverifiable_by(&keys)?)));
            if other_key.has_lasted(other.map(|(_, id)| id)) {
                tracing::error!(
                    event = "keys_differ",
                    here = self.keys.signing_with(&keys).signs(),
                    there = other.map(|(_, id)| id),
                    server = other.map(|(server, _)| server.address()),
                    "another server that uses this database signs tokens with a key that this server does not have, so \
                     users who log in there are refused here; stop that server, or give both servers the same \
                     --data-dir or the same JWT_SECRET_KEY or JWT_PRIVATE_KEY"
                );
            }
        }
    }

    /// Returns whether another running server signs with a key from its settings.
    pub(crate) async fn others_have_given_keys(&self) -> Result<bool, Error> {
        let servers = given_keys::of_running_servers(&self.table).await?;
        let own = self.row_of_keys();
        Ok(servers.iter().any(|(name, keys)| *name != own && keys.signing().is_some()))
    }

    /// Renews this server's rows, and returns where the running servers keep their sessions.
    async fn renew(&mut self) -> Result<Vec<Place>, Error> {
        self.mark_left().await?;
        self.check_other_stores().await?;
        // If Redis does not respond, the check is repeated later.
        if let Err(error) = self.end_sessions_that_came_back().await {
            tracing::debug!(event = "lost_changes_unknown", %error);
        }
        self.move_intentions().await?;
        self.write().await?;
        left_store::mark_others(&self.table, &self.place, false).await?;
        session_place::in_use(&self.table).await
    }

    /// Checks whether another Redis instance has replaced the previous one, for example because Redis lost its data in
    /// a restart. The other servers also run this check, so all servers soon record the same store again.
    ///
    /// # Errors
    /// The new instance contains the sessions of another site.
    async fn find_lost_sessions(&mut self) -> Result<(), Error> {
        // If Redis does not respond, the recorded place stays unchanged.
        let Ok(found) = self.store.place().await else { return Ok(()) };
        let Some(found) = found else { return Err(self.leave_to_another_site()) };
        if found.is_same_store(&self.place) {
            return Ok(());
        }
        session_place::log_lost(&self.place, &found);
        self.store.checks.begin_unrecorded();
        // Set the new id at once, so that no more intentions are written with the previous id.
        self.accounts.set_session_store_id(found.id());
        self.previous.extend(self.place.id().map(str::to_owned));
        self.left.push(std::mem::replace(&mut self.place, found));
        self.found = Found::Replacement;
        Ok(())
    }

    /// Marks the session stores that this server has left. If the database fails, the stores are marked later. By then,
    /// the server might have returned to one of these stores.
    async fn mark_left(&mut self) -> Result<(), Error> {
        while let Some(place) = self.left.last() {
            self.store.checks.record(&self.table).await?;
            left_store::mark_left(&self.table, place).await?;
            self.left.pop();
        }
        Ok(())
    }

    /// Call this method if Redis contains the sessions of another site. This server has left its own store, so if it
    /// returns to that store, it ends all sessions there. Returns the error that stops the server.
    fn leave_to_another_site(&mut self) -> Error {
        let address = self.store.address().unwrap_or_default();
        tracing::error!(
            event = "sessions_of_another_site",
            redis = address,
            "the address of Redis now leads to the Redis of another site; the server stops"
        );
        self.store.checks.begin_unrecorded();
        self.left.push(self.place.clone());
        self.found = Found::AnotherSite;
        site::is_another(address)
    }

    /// While another server uses another session store, this server checks each request against its own store, because
    /// the other server issues access tokens of sessions that are not in this store.
    async fn check_other_stores(&mut self) -> Result<(), Error> {
        let differs = left_store::is_another_in_use(&self.table, &self.place).await?;
        // The other server might have issued tokens between the last renewal and its end.
        if differs || self.differed {
            self.store.checks.begin(&self.table).await?;
        }
        self.differed = differs;
        Ok(())
    }

    /// Ends all sessions in the store if the servers have returned to it after leaving it, or if Redis has gone back to
    /// an older state.
    async fn end_sessions_that_came_back(&mut self) -> Result<(), Error> {
        if self.found == Found::Replacement {
            left_store::end_sessions_at_return(&self.table, &self.store, &self.place).await?;
            session_place::record(&self.table, &self.place).await?;
            self.found = Found::InUse;
        }
        left_store::check_while_in_use(&self.table, &self.store, &self.place).await?;
        lost_changes::end_sessions_if_any(&self.table, &self.store, &self.place).await
    }

    /// Assigns the intentions that name one of Redis's previous ids to the new id. Servers no longer carry out
    /// intentions that name a previous id, so these intentions would stay in the database.
    async fn move_intentions(&mut self) -> Result<(), Error> {
        let Some(to) = self.place.id() else { return Ok(()) };
        while let Some(from) = self.previous.last() {
            self.database.pending_ends().move_to_store(from, to).await.map_err(|error| Error::database(&error))?;
            self.previous.pop();
        }
        Ok(())
    }

    /// Writes this server's rows with the current time.
    async fn write(&self) -> Result<(), Error> {
        let now = self.table.now().await?;
        self.store.checks.renew(&self.table).await?;
        session_place::record_if_agreed(&self.table, &self.place).await?;
        let place = self.place.to_text();
        self.table.set(&self.row_of_place(), &format!("{now} {place}")).await?;
        let keys = self.keys.signing_with(&self.auth.keys()).to_text();
        self.table.set(&self.row_of_keys(), &format!("{now} {keys}")).await
    }

    /// Deletes this server's rows. Also records in the database where the servers that are still running keep their
    /// sessions or, if no other server is running, where this server kept them. Call this method when the server stops.
    /// If the rows cannot be deleted, servers and commands ignore them once they are more than [`LAPSE`](super::LAPSE)
    /// seconds old.
    pub(crate) async fn end(mut self) {
        for name in [self.row_of_place(), self.row_of_keys()] {
            if let Err(error) = self.table.delete(&name).await {
                tracing::debug!(event = "presence_kept", %error);
            }
        }
        let recorded = async {
            self.mark_left().await?;
            session_place::record_at_stop(&self.table, &self.place).await?;
            self.check_other_stores().await?;
            self.store.checks.record(&self.table).await?;
            if self.found == Found::InUse {
                // A server that used another store may have stopped since the last renewal.
                left_store::check_while_in_use(&self.table, &self.store, &self.place).await?;
            }
            left_store::mark_others(&self.table, &self.place, false).await
        };
        if let Err(error) = recorded.await {
            tracing::debug!(event = "session_place_not_recorded", %error);
        }
    }

    fn row_of_place(&self) -> String {
        format!("{}{}", session_place::SERVER, self.id)
    }

    fn row_of_keys(&self) -> String {
        format!("{}{}", given_keys::SERVER, self.id)
    }
}

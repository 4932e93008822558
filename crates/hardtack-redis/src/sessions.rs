//! Sessions in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionCursor, SessionStore, StoreAbility};
use redis::{Client, FromRedisValue, IntoConnectionInfo, ToRedisArgs};

use crate::connection::{Connection, Retry};
use crate::error::OpenError;
use crate::keys::{DEFAULT_NAME, key_prefix};
use crate::listen::StreamListener;
use crate::row::{self, LogEntry};
use crate::scripts::{
    BIND, CONFIRM, CREATE, LIST, LIST_PAGE, OUTDATE, PRUNE, REVOCATIONS, REVOKE, ROTATE, StoreScript,
};
use crate::server_info::check_server;

/// The maximum number of rows and log entries that one run of `prune.lua` deletes. The limit is low because Redis
/// executes nothing else while the script runs.
const PRUNE_BATCH: u64 = 200;

/// The maximum number of sessions that [`RedisSessions::end_all_sessions`] ends with one run of `revoke.lua`.
const END_BATCH: usize = 200;

/// A [`SessionStore`] that keeps sessions in Redis or Valkey.
///
/// Clones share two connections: one for all operations, and one that listens for revocations. The listening connection
/// is opened by the first call to [`SessionStore::revoked_elsewhere`].
#[derive(Clone)]
pub struct RedisSessions {
    pub(crate) connection: Arc<Connection>,
    pub(crate) prefix: Arc<str>,
    listener: StreamListener,
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions")
            .field("address", &self.connection.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisSessions {
    /// Connects to the Redis server at an address such as `redis://:password@127.0.0.1:6379/0`. The store's keys begin
    /// with `{hardtack}`.
    ///
    /// If the server's configuration might cause it to lose sessions, this method logs a warning through `tracing`.
    ///
    /// # Errors
    /// Returns an error if the address is not valid. Also returns an error if the server does not respond, refuses the
    /// connection, is older than Redis 6.2, or is a node of a Redis Cluster.
    pub async fn open(address: impl IntoConnectionInfo) -> Result<Self, OpenError> {
        Self::open_named(address, DEFAULT_NAME).await
    }

    /// Like [`Self::open`], but the store's keys begin with `name` in braces. Several applications can share a database
    /// if each uses its own name. A name consists of 1 to 64 ASCII letters, digits, `-`, `_`, `.` or `:`.
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`]. Also returns an error if the name is not valid.
    pub async fn open_named(address: impl IntoConnectionInfo, name: &str) -> Result<Self, OpenError> {
        let client = Client::open(address).map_err(|error| OpenError::invalid_address(&error))?;
        let prefix = key_prefix(name)?;
        let connection = Connection::new(client);
        check_server(&connection).await?;
        let listener = StreamListener::new(connection.client().clone(), format!("{prefix}:log"));
        Ok(Self { connection: Arc::new(connection), prefix: prefix.into(), listener })
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &StoreScript,
        arguments: impl ToRedisArgs,
    ) -> Result<T, BackendError> {
        script.run(&self.connection, &self.prefix, arguments).await.map_err(BackendError::new)
    }

    /// Returns the random id of this store, or `None` if [`Self::create_identity`] has not been called yet. If two
    /// addresses return the same id, they belong to the same store.
    ///
    /// # Errors
    /// Redis failed.
    pub async fn identity(&self) -> Result<Option<String>, BackendError> {
        let mut read = redis::cmd("GET");
        read.arg(self.identity_key());
        self.connection.query(&read, Retry::Safe).await.map_err(BackendError::new)
    }

    /// Returns the id of this store. If the store has no id yet, first gives it a random one.
    ///
    /// # Errors
    /// Redis failed.
    pub async fn create_identity(&self) -> Result<String, BackendError> {
        let mut create = redis::cmd("SET");
        // The store's id has the format of a session id: 128 random bits.
        create.arg(self.identity_key()).arg(SessionId::random().to_string()).arg("NX");
        let _: Option<String> = self.connection.query(&create, Retry::Safe).await.map_err(BackendError::new)?;
        self.identity().await?.ok_or_else(|| BackendError::new("Redis has lost the store's id"))
    }

    /// Returns the id of the site that owns this store, or `None` if [`Self::claim`] has not been called yet.
    ///
    /// # Errors
    /// Redis failed.
    pub async fn owner(&self) -> Result<Option<String>, BackendError> {
        let mut read = redis::cmd("GET");
        read.arg(self.owner_key());
        self.connection.query(&read, Retry::Safe).await.map_err(BackendError::new)
    }

    /// Returns the id of the site that owns this store. If the store has no owner yet, first makes `site` the owner.
    ///
    /// Call this method before [`Self::end_all_sessions`] if another site might use the same Redis by mistake. If the
    /// returned id is not `site`, the sessions belong to a different site.
    ///
    /// # Errors
    /// Redis failed.
    pub async fn claim(&self, site: &str) -> Result<String, BackendError> {
        let mut claim = redis::cmd("SET");
        claim.arg(self.owner_key()).arg(site).arg("NX");
        let _: Option<String> = self.connection.query(&claim, Retry::Safe).await.map_err(BackendError::new)?;
        self.owner().await?.ok_or_else(|| BackendError::new("Redis has lost the id of the site"))
    }

    /// Adds one to a counter in Redis and returns the new value. If Redis has gone back to an older state, for example
    /// because an old snapshot was restored, this method returns a number that it has returned before.
    ///
    /// To detect that Redis has gone back to an older state, save the highest number returned so far somewhere outside
    /// of Redis. If this method returns a number that is not higher than the saved one, call
    /// [`Self::end_all_sessions`].
    ///
    /// # Errors
    /// Redis failed.
    pub async fn count(&self) -> Result<u64, BackendError> {
        let mut count = redis::cmd("INCR");
        count.arg(format!("{}:count", self.prefix));
        // If the command is executed twice, a number is skipped. This does no harm.
        self.connection.query(&count, Retry::Safe).await.map_err(BackendError::new)
    }

    /// Ends the sessions of all users and returns how many it ended. Call this method if Redis has been restored to an
    /// older state. Otherwise, sessions that ended after that state was saved would be live again.
    ///
    /// # Errors
    /// Redis failed. Some of the sessions might already have ended.
    pub async fn end_all_sessions(&self, now: Timestamp) -> Result<u64, BackendError> {
        let mut read = redis::cmd("ZRANGE");
        read.arg(format!("{}:ends", self.prefix)).arg(0).arg(-1);
        let ids: Vec<String> = self.connection.query(&read, Retry::Safe).await.map_err(BackendError::new)?;
        let ids: Vec<SessionId> = decode_ids(ids)?;
        let mut ended = 0;
        for ids in ids.chunks(END_BATCH) {
            ended += self.revoke(RevokeTarget::Sessions(ids), now).await?.len() as u64;
        }
        Ok(ended)
    }

    fn identity_key(&self) -> String {
        format!("{}:id", self.prefix)
    }

    fn owner_key(&self) -> String {
        format!("{}:site", self.prefix)
    }

    /// Runs `script`, which rotates a session. `last` is the script's last argument.
    async fn rotate_by(
        &self,
        script: &StoreScript,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
        last: Vec<u8>,
    ) -> Result<Option<Session>, BackendError> {
        let Some(next) = generation.checked_add(1) else { return Ok(None) };
        let arguments = [
            text(id),
            text(generation),
            text(next),
            text(rotation.now),
            text(rotation.expires_at),
            text(row::time(rotation.auth_time)),
            last,
        ];
        let rotated: Option<Vec<u8>> = self.run(script, &arguments).await?;
        rotated.map(|rotated| row::decode(id, &rotated)).transpose().map_err(BackendError::new)
    }

    async fn insert(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: Option<u32>,
    ) -> Result<Vec<SessionId>, BackendError> {
        let end = session.revoked_at.map_or(session.expires_at, |at| at.min(session.expires_at));
        let mut arguments = vec![
            text(session.created_at.max(session.rotated_at)),
            text(session.id),
            row::encode(session).map_err(BackendError::new)?,
            text(&session.subject),
            text(end),
            text(u8::from(session.revoked_at.is_none())),
            limit.map_or_else(|| text('-'), text),
        ];
        arguments.extend(encode_target(target)?);
        let ended: Option<Vec<String>> = self.run(&CREATE, arguments).await?;
        decode_ids(ended.ok_or_else(|| BackendError::new(format!("session {} already exists", session.id)))?)
    }
}

impl SessionStore for RedisSessions {
    async fn create(&self, session: &Session, target: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        self.insert(session, target, None).await
    }

    fn can(&self, ability: StoreAbility) -> bool {
        matches!(ability, StoreAbility::LimitSessions | StoreAbility::ListPages | StoreAbility::BindSessions)
    }

    async fn create_within(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        self.insert(session, target, Some(limit)).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        let mut read = redis::cmd("GET");
        read.arg(format!("{}:session:{id}", self.prefix));
        let found: Option<Vec<u8>> = self.connection.query(&read, Retry::Safe).await.map_err(BackendError::new)?;
        found.map(|found| row::decode(id, &found)).transpose().map_err(BackendError::new)
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.rotate_by(&ROTATE, id, generation, rotation, text(u8::from(rotation.proven))).await
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.rotate_by(&BIND, id, generation, rotation, text(key)).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.run(&CONFIRM, &[text(id), text(generation)]).await
    }

    async fn revoke(&self, target: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let mut arguments = vec![text(now)];
        arguments.extend(encode_target(target)?);
        decode_ids(self.run(&REVOKE, arguments).await?)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let mut arguments = vec![text(now), text(subject)];
        arguments.extend(claims.map(text));
        let outdated: Vec<(String, String)> = self.run(&OUTDATE, arguments).await?;
        let outdated = outdated.iter().map(|(id, generation)| row::decode_generation(id, generation));
        outdated.collect::<Result<_, _>>().map_err(BackendError::new)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        let mut rows = decode_rows(self.run(&LIST, &[subject]).await?)?;
        rows.retain(|row| row.is_live(now));
        rows.sort_by_key(|row| (std::cmp::Reverse(row.created_at), row.id));
        Ok(rows)
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        let position =
            after.map_or_else(|| [text('-'), text('-')], |after| [text(after.created_at()), text(after.id())]);
        let arguments: Vec<Vec<u8>> = [text(subject), text(now), text(limit)].into_iter().chain(position).collect();
        decode_rows(self.run(&LIST_PAGE, arguments).await?)
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        let (head, entries, seconds): (u64, Vec<LogEntry>, Option<u64>) =
            self.run(&REVOCATIONS, &[after, u64::from(limit)]).await?;
        let entries = entries.into_iter().map(row::decode_revocation).collect::<Result<_, _>>();
        let page = RevocationPage::new(head, entries.map_err(BackendError::new)?);
        Ok(match seconds {
            Some(seconds) => page.complete_for(Duration::from_secs(seconds)),
            None => page,
        })
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let mut deleted = 0;
        while deleted < u64::from(limit) {
            let batch = PRUNE_BATCH.min(u64::from(limit) - deleted);
            let rows: u64 = self.run(&PRUNE, &[text(before), text(batch)]).await?;
            deleted += rows;
            if rows < batch {
                break;
            }
        }
        Ok(deleted)
    }

    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        let (seconds, _micros): (i64, i64) =
            self.connection.query(&redis::cmd("TIME"), Retry::Safe).await.map_err(BackendError::new)?;
        Ok(Some(Timestamp::from_unix_seconds(seconds)))
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        self.listener.wait().await
    }
}

/// Converts a script's argument to text.
fn text(argument: impl ToString) -> Vec<u8> {
    argument.to_string().into_bytes()
}

/// Returns the arguments that tell `end_sessions.lua` which sessions to end.
fn encode_target(target: RevokeTarget<'_>) -> Result<Vec<Vec<u8>>, BackendError> {
    let listed = |word: &str, ids: &[SessionId]| [text(word)].into_iter().chain(ids.iter().map(text)).collect();
    Ok(match target {
        RevokeTarget::Sessions(ids) => listed("sessions", ids),
        RevokeTarget::Replaced(ids) => listed("replaced", ids),
        RevokeTarget::AllOf(subject) => vec![text("all"), text(subject)],
        RevokeTarget::AllExcept(subject, kept) => vec![text("all_except"), text(subject), text(kept)],
        RevokeTarget::Renewed(subject, renewed) => vec![text("renewed"), text(subject), text(renewed)],
        _ => return Err(BackendError::unsupported("ending sessions that are selected in this way")),
    })
}

fn decode_rows(found: Vec<(String, Vec<u8>)>) -> Result<Vec<Session>, BackendError> {
    let rows = found.iter().map(|(id, found)| row::decode(row::decode_id(id)?, found));
    rows.collect::<Result<_, _>>().map_err(BackendError::new)
}

fn decode_ids(ended: Vec<String>) -> Result<Vec<SessionId>, BackendError> {
    ended.iter().map(|id| row::decode_id(id)).collect::<Result<_, _>>().map_err(BackendError::new)
}

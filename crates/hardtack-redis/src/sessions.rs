//! The session store.

use std::fmt;
use std::sync::Arc;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};
use redis::{Client, IntoConnectionInfo};

use crate::follower::Follower;
use crate::link::{Again, Link};
use crate::row::{self, LogEntry};
use crate::scripts::{CONFIRM, CREATE, LIST, OUTDATE, PRUNE, REVOCATIONS, REVOKE, ROTATE};
use crate::{OpenError, health, name};

/// Rows that one script of [`SessionStore::prune`] forgets: Redis does nothing else meanwhile.
const PRUNE_BATCH: u64 = 200;

/// A [`SessionStore`] on Redis or Valkey. Clones share the connections: one for all operations, and one
/// that waits for revocations as soon as somebody does.
#[derive(Clone)]
pub struct RedisSessions {
    link: Arc<Link>,
    tag: Arc<str>,
    follower: Follower,
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions").field("address", &self.link.address()).field("keys", &self.tag).finish()
    }
}

impl RedisSessions {
    /// Connects to the Redis at an address, such as `redis://:password@127.0.0.1:6379/0`. Its keys begin
    /// with `{hardtack}`.
    ///
    /// A configuration that may lose sessions is warned of, by a `tracing` event each.
    ///
    /// # Errors
    /// The address is none, nobody answers there, or whoever answers is too old or a cluster's node.
    pub async fn open(address: impl IntoConnectionInfo) -> Result<Self, OpenError> {
        Self::open_named(address, name::DEFAULT).await
    }

    /// [`Self::open`] with keys that begin with another name, for several applications in one database:
    /// letters, digits, `-`, `_`, `.` and `:`, at most 64 of them.
    ///
    /// # Errors
    /// As those of [`Self::open`], or the name is not one.
    pub async fn open_named(address: impl IntoConnectionInfo, name: &str) -> Result<Self, OpenError> {
        let client = Client::open(address).map_err(OpenError::Address)?;
        let tag = name::tag(name)?;
        let link = Link::new(client);
        health::check(&link).await?;
        let follower = Follower::new(link.client().clone(), format!("{tag}:log"));
        Ok(Self { link: Arc::new(link), tag: tag.into(), follower })
    }
}

impl SessionStore for RedisSessions {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let end = session.revoked_at.map_or(session.expires_at, |at| at.min(session.expires_at));
        let mut arguments = vec![
            text(session.created_at.max(session.rotated_at)),
            text(session.id),
            row::encode(session).map_err(BackendError::new)?,
            text(&session.subject),
            text(end),
            text(u8::from(session.revoked_at.is_none())),
        ];
        arguments.extend(which(ends)?);
        let ended: Option<Vec<String>> =
            CREATE.run(&self.link, &self.tag, arguments).await.map_err(BackendError::new)?;
        ids(ended.ok_or_else(|| BackendError::new(format!("a session {} exists already", session.id)))?)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        let mut read = redis::cmd("GET");
        read.arg(format!("{}:session:{id}", self.tag));
        let found: Option<Vec<u8>> = self.link.ask(&read, Again::Yes).await.map_err(BackendError::new)?;
        found.map(|found| row::decode(id, &found)).transpose().map_err(BackendError::new)
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let Some(next) = generation.checked_add(1) else { return Ok(None) };
        let arguments = [
            text(id),
            text(generation),
            text(next),
            text(rotation.now),
            text(rotation.expires_at),
            text(row::time(rotation.auth_time)),
        ];
        let rotated: Option<Vec<u8>> =
            ROTATE.run(&self.link, &self.tag, &arguments).await.map_err(BackendError::new)?;
        rotated.map(|rotated| row::decode(id, &rotated)).transpose().map_err(BackendError::new)
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        CONFIRM.run(&self.link, &self.tag, &[text(id), text(generation)]).await.map_err(BackendError::new)
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let mut arguments = vec![text(now)];
        arguments.extend(which(ends)?);
        ids(REVOKE.run(&self.link, &self.tag, arguments).await.map_err(BackendError::new)?)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let mut arguments = vec![text(now), text(subject)];
        arguments.extend(claims.map(text));
        let outdated: Vec<(String, String)> =
            OUTDATE.run(&self.link, &self.tag, arguments).await.map_err(BackendError::new)?;
        let outdated = outdated.iter().map(|(id, generation)| row::decode_generation(id, generation));
        outdated.collect::<Result<_, _>>().map_err(BackendError::new)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        let found: Vec<(String, Vec<u8>)> =
            LIST.run(&self.link, &self.tag, &[subject]).await.map_err(BackendError::new)?;
        let rows = found.iter().map(|(id, found)| row::decode(row::decode_id(id)?, found));
        let mut rows: Vec<Session> = rows.collect::<Result<_, _>>().map_err(BackendError::new)?;
        rows.retain(|row| row.is_live(now));
        rows.sort_by_key(|row| (std::cmp::Reverse(row.created_at), row.id));
        Ok(rows)
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        let (head, entries): (u64, Vec<LogEntry>) =
            REVOCATIONS.run(&self.link, &self.tag, &[after, u64::from(limit)]).await.map_err(BackendError::new)?;
        let entries = entries.into_iter().map(row::decode_revocation).collect::<Result<_, _>>();
        Ok(RevocationPage::new(head, entries.map_err(BackendError::new)?))
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let mut forgotten = 0;
        while forgotten < u64::from(limit) {
            let batch = PRUNE_BATCH.min(u64::from(limit) - forgotten);
            let rows: u64 =
                PRUNE.run(&self.link, &self.tag, &[text(before), text(batch)]).await.map_err(BackendError::new)?;
            forgotten += rows;
            if rows < batch {
                break;
            }
        }
        Ok(forgotten)
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        self.follower.grown().await
    }
}

/// An argument of a script.
fn text(argument: impl ToString) -> Vec<u8> {
    argument.to_string().into_bytes()
}

/// The sessions to end, as `ends.lua` reads them.
fn which(target: RevokeTarget<'_>) -> Result<Vec<Vec<u8>>, BackendError> {
    let named = |word: &str, ids: &[SessionId]| [text(word)].into_iter().chain(ids.iter().map(text)).collect();
    Ok(match target {
        RevokeTarget::Sessions(ids) => named("these", ids),
        RevokeTarget::Replaced(ids) => named("replacing", ids),
        RevokeTarget::AllOf(subject) => vec![text("all"), text(subject)],
        RevokeTarget::AllExcept(subject, kept) => vec![text("others"), text(subject), text(kept)],
        RevokeTarget::Renewed(subject, renewed) => vec![text("renewing"), text(subject), text(renewed)],
        _ => return Err(BackendError::unsupported("this choice of sessions to end")),
    })
}

fn ids(ended: Vec<String>) -> Result<Vec<SessionId>, BackendError> {
    ended.iter().map(|id| row::decode_id(id)).collect::<Result<_, _>>().map_err(BackendError::new)
}

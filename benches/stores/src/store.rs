//! The stores that are measured.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};
use hardtack::{MemorySessions, SessionId};
use hardtack_db::{Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{Database, Sessions};
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::redis::RedisServer;
use tempfile::TempDir;

use crate::Failed;

/// A store of any kind, with the files or server that it needs.
// There is only one value at a time.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Store {
    Memory(MemorySessions),
    Sql(Sessions<Database>, Pool, Option<TempDir>),
    Redis(RedisSessions, RedisServer),
}

/// Sizes in bytes. The size of the indexes is `None` if the store does not report it separately.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weights {
    pub(crate) rows: u64,
    pub(crate) indexes: Option<u64>,
    pub(crate) log: u64,
}

/// The names of the kinds, in the order in which they are measured.
pub(crate) const KINDS: [&str; 4] = ["memory", "SQLite", "PostgreSQL", "Redis"];

impl Store {
    pub(crate) async fn open(kind: &str, postgres: &PostgresServer) -> Result<Self, Failed> {
        match kind {
            "SQLite" => {
                let directory = tempfile::tempdir()?;
                let url = format!("sqlite:{}", directory.path().join("sessions.db").display());
                Self::sql(&url, Some(directory)).await
            }
            "PostgreSQL" => Self::sql(&postgres.database(), None).await,
            "Redis" => {
                let server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
                Ok(Self::Redis(RedisSessions::open(server.url()).await?, server))
            }
            _ => Ok(Self::Memory(MemorySessions::new())),
        }
    }

    async fn sql(url: &str, directory: Option<TempDir>) -> Result<Self, Failed> {
        let database = Database::open(url).await?;
        let sessions = database.sessions();
        sessions.migrate().await?;
        Ok(Self::Sql(sessions, database.into(), directory))
    }

    /// Returns the bytes on disk or in memory that the store reports.
    pub(crate) async fn size(&self) -> Result<Option<u64>, Failed> {
        let Self::Sql(_, database, directory) = self else {
            let Self::Redis(_, server) = self else { return Ok(None) };
            let info = server.command("INFO memory");
            return Ok(info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()));
        };
        if directory.is_some() {
            let pages: Vec<(i64,)> = database
                .fetch(Statement::new("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
                .await?;
            return Ok(pages.first().and_then(|(bytes,)| u64::try_from(*bytes).ok()));
        }
        let size = "SELECT pg_database_size(current_database())";
        let bytes: Vec<(i64,)> = database.fetch(Statement::new(size)).await?;
        Ok(bytes.first().and_then(|(bytes,)| u64::try_from(*bytes).ok()))
    }

    /// Returns the sizes of the rows, their indexes and the log.
    pub(crate) async fn weights(&self) -> Result<Weights, Failed> {
        let Self::Sql(_, database, directory) = self else {
            let Self::Redis(_, server) = self else { return Ok(Weights::default()) };
            let log = server.command("MEMORY USAGE {hardtack}:log SAMPLES 0");
            let log = log.trim_start_matches(':').trim().parse().unwrap_or_default();
            let all = self.size().await?.unwrap_or_default();
            return Ok(Weights { rows: all.saturating_sub(log), indexes: None, log });
        };
        let sql = if directory.is_some() {
            "SELECT sum(pgsize * (name = 'sessions')), sum(pgsize * (name LIKE '%sessions_%')),
                sum(pgsize * (name = 'revocations')) FROM dbstat"
        } else {
            "SELECT pg_table_size('sessions'), pg_indexes_size('sessions'), pg_total_relation_size('revocations')"
        };
        let sums: Vec<(i64, i64, i64)> = database.fetch(Statement::new(sql)).await?;
        let &[(rows, indexes, log)] = &sums[..] else { return Err("no sizes".into()) };
        Ok(Weights { rows: u64::try_from(rows)?, indexes: Some(u64::try_from(indexes)?), log: u64::try_from(log)? })
    }

    pub(crate) fn database(&self) -> Option<(&Pool, bool)> {
        match self {
            Self::Sql(_, database, directory) => Some((database, directory.is_some())),
            _ => None,
        }
    }
}

/// Calls a method of a store of any kind.
macro_rules! each {
    ($store:expr, $inner:ident => $call:expr) => {
        match $store {
            Store::Memory($inner) => $call.await,
            Store::Sql($inner, ..) => $call.await,
            Store::Redis($inner, _) => $call.await,
        }
    };
}

impl SessionStore for Store {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        each!(self, store => store.create(session, ends))
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        each!(self, store => store.find(id))
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        each!(self, store => store.rotate(id, generation, rotation))
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        each!(self, store => store.bind(id, generation, key, rotation))
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        each!(self, store => store.confirm(id, generation))
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        each!(self, store => store.revoke(ends, now))
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        each!(self, store => store.outdate(subject, claims, now))
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        each!(self, store => store.list(subject, now))
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        each!(self, store => store.revocations(after, limit))
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        each!(self, store => store.prune(before, limit))
    }

    fn is_durable(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }
}

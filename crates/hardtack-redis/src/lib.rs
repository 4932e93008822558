//! Keeps [Hardtack](hardtack)'s sessions in Redis (6.2 or newer) or Valkey. If you keep the sessions in another store,
//! Redis can notify the processes that share that store when a session ends.
//!
//! [`RedisSessions`] keeps the sessions and their revocation log in Redis:
//!
//! ```no_run
//! use hardtack::{Authenticator, KeySet};
//! use hardtack_redis::RedisSessions;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Authenticator::builder(KeySet::from_secret_env("JWT_SECRET_KEY")?)
//!     .base_url("https://site.example")
//!     .sessions(RedisSessions::open("redis://127.0.0.1/").await?)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`NotifyingSessions`] wraps the store that keeps the sessions. When one process ends a session, the wrapper notifies
//! the other processes through Redis:
//!
//! ```no_run
//! use hardtack::MemorySessions;
//! use hardtack::session::SessionStore;
//! use hardtack_redis::NotifyingSessions;
//!
//! # fn notifying(sessions: MemorySessions) -> Result<impl SessionStore, Box<dyn std::error::Error>> {
//! let sessions = NotifyingSessions::new(sessions, "redis://127.0.0.1/")?;
//! # Ok(sessions)
//! # }
//! ```
//!
//! [`RedisThrottleStore`] counts attempts, such as log-ins, across all of a site's servers.
//!
//! The adapter (`hardtack-axum` or `hardtack-actix`) follows the revocation log in the background. A server therefore
//! also refuses sessions that ended on another server, or that ended before the server started. The adapter also
//! deletes expired sessions.
//!
//! # Durability
//!
//! Every change runs as one script, so other clients see either the whole change or none of it. Only the deletion of
//! expired sessions and [`RedisSessions::end_all_sessions`] work in batches, with one script for each batch. Redis's
//! configuration determines whether a confirmed change can be lost:
//!
//! | configuration | killing Redis loses | a power failure loses |
//! | --- | --- | --- |
//! | `appendonly yes`, `appendfsync always` | nothing | nothing |
//! | `appendonly yes`, `appendfsync everysec` | nothing, or up to two seconds if the disk is slow | up to two seconds of log-ins, rotations and log-outs |
//! | snapshots only | everything since the last snapshot | everything since the last snapshot |
//!
//! Keep the append-only file enabled: if Redis loses a log-out, the session becomes live again. Also set
//! `maxmemory-policy noeviction`. If Redis evicts a session, the user is logged out. If Redis evicts the revocation
//! log, the other processes miss log-outs. [`RedisSessions::open`] logs a warning if the append-only file is disabled
//! or if the policy can evict these keys.
//!
//! If a replica becomes the primary, writes that had not yet reached it are lost. To limit how many writes can be lost,
//! set `min-replicas-to-write`.
//!
//! A Redis server can lose entries of the log when it is emptied, restarted, restored from a backup or replaced by its
//! replica. The next entry then gets a number that has never been used: the time on the server's clock, in
//! microseconds. Processes that read the log notice the gap and read the whole log again. If the clock was set back,
//! the processes might not notice the gap.
//!
//! A Redis server can lose sessions in the same cases in which it can lose log entries. Until all older access tokens
//! have expired, processes look up each request's session in Redis, and refuse sessions that have no row.
//!
//! # Requirements
//!
//! Keep the sessions on a single primary, with or without replicas. After a failover, the same address must reach the
//! new primary. [`RedisSessions::open`] refuses to use a Redis Cluster node, because this crate does not follow a
//! cluster's redirections. All keys begin with the store's name in braces (`{hardtack}:…`).
//!
//! A Redis user with restricted rights needs access to the keys `~{hardtack}*`, to the commands for strings, sets,
//! sorted sets, hashes and streams, and to `EVAL`, `EVALSHA`, `INFO`, `TIME` and `PING`.
//!
//! For TLS (`rediss://`), enable the `redis` crate's `tokio-rustls-comp` feature.
//!
//! # Outages
//!
//! If Redis does not respond, a command fails within five seconds. If Redis refuses the connection, the command fails
//! immediately. In either case, the next command tries to connect again.
//!
//! If the connection breaks during a read, the store sends the read once more. It also repeats a write if executing the
//! write twice has the same effect as executing it once. It never repeats other writes, because Redis might have
//! executed them before the connection broke.
//!
//! Suppose that the connection breaks after Redis has rotated a session. When the browser sends its refresh token
//! again, the authenticator finds that the session was rotated and issues the same new tokens, byte for byte.
//!
//! # How do I …?
//!
//! | How do I … | guide |
//! | --- | --- |
//! | … set up Redis so that it loses no log-out? | [Durability](#durability) |
//! | … choose between Redis, PostgreSQL and SQLite? | [Redis and Valkey](hardtack::guide::sessions#redis-and-valkey) |
//! | … let Redis only notify servers that share a database? | [`NotifyingSessions`] |
//! | … list a user's devices, or log out everywhere? | [Sessions](hardtack::guide::sessions#devices) |
//! | … change a role while the user is logged in? | [Roles](hardtack::guide::roles#change-a-role-while-the-user-is-logged-in) |
//! | … share counters of log-in attempts between servers? | [`RedisThrottleStore`], [Limiting log-in attempts](hardtack::guide::throttling) |
//! | … find out whether Redis has lost data? | [`RedisSessions::count`] |
//! | … run several servers, or prepare for production? | [In production](hardtack::guide::production#sessions) |
//!
//! # Links
//!
//! This crate has no features. [`hardtack`] defines the [`SessionStore`](hardtack::session::SessionStore) trait and the
//! [`Authenticator`](hardtack::Authenticator) that uses a store. [`hardtack-sqlx`](https://docs.rs/hardtack-sqlx) keeps
//! sessions in SQLite or PostgreSQL.

mod connection;
mod error;
mod keys;
mod listen;
mod notifying;
mod row;
mod scripts;
mod server_info;
mod sessions;
mod throttle;
mod url;

pub use error::{CommandError, OpenError};
pub use notifying::NotifyingSessions;
pub use sessions::RedisSessions;
pub use throttle::RedisThrottleStore;
pub use url::RedisUrl;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

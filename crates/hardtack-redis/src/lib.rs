//! Keeps [Hardtack](hardtack)'s sessions in Redis (6.2 or newer) or Valkey. If another store keeps the sessions, Redis
//! can notify the processes that share it.
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
//! [`NotifyingSessions`] wraps another store, which keeps the sessions. When a process ends a session, the other
//! processes are notified through Redis:
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
//! [`RedisThrottleStore`] counts attempts, such as log-ins, for all servers of a site.
//!
//! The adapter (`hardtack-axum` or `hardtack-actix`) follows the revocation log in the background. A server therefore
//! also refuses sessions that ended on another server or before the server started. The adapter also deletes expired
//! sessions.
//!
//! # Durability
//!
//! Expired sessions are deleted in batches. Every other change runs as one script, so other clients see either the
//! whole change or none of it. The configuration of Redis determines whether a change can be lost after Redis has
//! confirmed it:
//!
//! | configuration | killing Redis loses | a power failure loses |
//! | --- | --- | --- |
//! | `appendonly yes`, `appendfsync always` | nothing | nothing |
//! | `appendonly yes`, `appendfsync everysec` | nothing, or up to two seconds if the disk is slow | up to two seconds of log-ins, rotations and log-outs |
//! | snapshots only | everything since the last snapshot | everything since the last snapshot |
//!
//! Keep the append-only file on. If Redis loses a log-out, the session is live again. Also set
//! `maxmemory-policy noeviction`. If Redis evicts a session, its user is logged out. If Redis evicts the revocation
//! log, the other processes miss log-outs. [`RedisSessions::open`] logs a warning if the append-only file is off or if
//! the policy can evict these keys.
//!
//! A replica that becomes the primary lacks the writes that had not yet been copied to it. To limit how many writes can
//! be lost in this way, set `min-replicas-to-write`.
//!
//! A Redis server may lose entries of the log when it is emptied, restarted, restored from a backup or replaced by its
//! replica. The log then continues from a number that was never used: the server's clock in microseconds. The processes
//! that read the log see the gap and read the whole log again. If the clock was set back, they may not see the gap.
//!
//! # Requirements
//!
//! Sessions need a single primary. The primary may have replicas, if the same address leads to the new primary after a
//! failover. [`RedisSessions::open`] refuses a node of a Redis Cluster, because this client does not follow the
//! redirections of a cluster. All keys begin with the store's name in braces (`{hardtack}:…`).
//!
//! A Redis user with restricted rights needs access to the keys `~{hardtack}*`, and to the commands for strings, sets,
//! sorted sets, hashes and streams. The user also needs `EVAL`, `EVALSHA`, `INFO`, `TIME` and `PING`.
//!
//! For TLS (`rediss://`), turn on the feature `tokio-rustls-comp` of the `redis` crate.
//!
//! # Outages
//!
//! If Redis does not respond, a command fails after five seconds at most. If Redis refuses the connection, the command
//! fails at once. The next command connects again.
//!
//! If the connection breaks during a command, the command may be sent once more. This is done only for reads, and for
//! writes that have the same effect if they are executed twice. Other writes are never sent twice, because Redis may
//! have executed them although the response did not arrive.
//!
//! For example, the connection can break after Redis has rotated a session. When the browser sends its refresh token
//! again, the authenticator finds that the session was rotated. It then issues the same new tokens, byte for byte.
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

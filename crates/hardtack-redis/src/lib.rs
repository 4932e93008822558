//! Keeps [Hardtack](hardtack)'s sessions in Redis (6.2 or newer) or Valkey, or notifies the processes that share
//! another store.
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
//! [`NotifyingSessions`] wraps another store that keeps the sessions, and notifies the other processes through Redis
//! when a session has ended:
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
//! The adapter follows the revocation log in the background, so that a server refuses sessions that ended on another
//! server or before it started. The adapter also deletes expired sessions.
//!
//! # Durability
//!
//! Each change of sessions runs as one script, so no other client sees it half done. Only the deletion of many expired
//! sessions runs a script several times. How durable a confirmed change is depends on the configuration of Redis:
//!
//! | configuration | killing Redis loses | a power failure loses |
//! | --- | --- | --- |
//! | `appendonly yes`, `appendfsync always` | nothing | nothing |
//! | `appendonly yes`, `appendfsync everysec` | nothing, or up to two seconds if the disk is slow | up to two seconds of log-ins, rotations and log-outs |
//! | snapshots only | everything since the last snapshot | everything since the last snapshot |
//!
//! If a log-out is lost, its session is live again, so keep the append-only file on. Set `maxmemory-policy noeviction`
//! as well: an evicted session logs a user out, and an evicted log entry is a log-out that other processes miss.
//! [`RedisSessions::open`] logs a warning if either is missing. A replica that becomes the primary lacks the writes
//! that were not yet copied to it; `min-replicas-to-write` limits how many these are.
//!
//! After a server was emptied, restarted, restored from a backup or replaced by its replica, the log continues from a
//! number that was never used: the server's clock in microseconds. Readers then see a gap and read the whole log
//! again. This works unless the clock was set back.
//!
//! # Requirements
//!
//! One primary, with or without replicas behind the same address. All keys begin with the store's name in braces
//! (`{hardtack}:…`), which puts them into one hash slot. Redis Cluster is refused nevertheless, because this client
//! does not follow its redirections.
//!
//! A Redis user with restricted rights needs access to the keys `~{hardtack}*`, to the commands of strings, sets,
//! sorted sets, hashes and streams, and to `EVAL`, `EVALSHA`, `INFO`, `TIME` and `PING`.
//!
//! For `rediss://`, turn on the feature `tokio-rustls-comp` of the `redis` crate.
//!
//! # Outages
//!
//! A command fails after five seconds at most, and at once if the connection is refused. The next command connects
//! again. If the connection breaks, a read is retried once, and so is a write that has the same effect if it is
//! executed twice. Other writes are never sent twice, because Redis may have executed them before the response was
//! lost. The authenticator handles that: when the browser sends its token again, the authenticator finds the rotation
//! whose response was lost, and repeats its result byte for byte.
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

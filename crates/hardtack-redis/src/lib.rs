//! Hardtack's sessions on Redis (6.2 or newer) or Valkey, and word of revocations for other stores.
//!
//! [`RedisSessions`] keeps the sessions themselves and their revocation log in Redis:
//!
//! ```no_run
//! use hardtack::{Authenticator, KeySet, SigningKey};
//! use hardtack::jwt::Algorithm;
//! use hardtack_redis::RedisSessions;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
//!     .base_url("https://site.example")
//!     .sessions(RedisSessions::open("redis://127.0.0.1/").await?)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`NotifyingSessions`] keeps them wherever they are, and tells the other processes through Redis when a
//! session has ended:
//!
//! ```no_run
//! use hardtack::MemorySessions;
//! use hardtack::session::SessionStore;
//! use hardtack_redis::NotifyingSessions;
//!
//! # fn notifying(sql: MemorySessions) -> Result<impl SessionStore, Box<dyn std::error::Error>> {
//! let sessions = NotifyingSessions::new(sql, "redis://127.0.0.1/")?;
//! # Ok(sessions)
//! # }
//! ```
//!
//! # What is durable when
//!
//! Each operation is one script, so nothing is ever half done. What Redis has answered is as durable as
//! Redis is configured to make it:
//!
//! | configuration | killing Redis loses | a power cut loses |
//! | --- | --- | --- |
//! | `appendonly yes`, `appendfsync always` | nothing | nothing |
//! | `appendonly yes`, `appendfsync everysec` | nothing, or up to two seconds where the disk is slow | up to two seconds of log-ins, rotations and log-outs |
//! | snapshots only | all since the last one | all since the last one |
//!
//! A lost log-out is a session that lives again, so keep the append-only file on. Set `maxmemory-policy
//! noeviction` as well: an evicted row is a user who is logged out, and an evicted log entry a log-out
//! that others don't hear of. [`RedisSessions::open`] warns where it finds either missing. A replica that
//! takes over has lost what was not yet copied to it; `min-replicas-to-write` narrows that.
//!
//! When a server was emptied, restarted, restored from a backup or replaced by its replica, the log goes
//! on from a number that was never used (the server's clock in microseconds): readers see a gap, and
//! read the whole log again. The clock must not have been set back for that.
//!
//! # What is supported
//!
//! One primary, with or without replicas behind the same address. All keys begin with the store's name in
//! braces (`{hardtack}:…`) and so lie in one slot, but this client follows no redirections: a node of a
//! Redis Cluster is refused. A user with restricted rights needs the keys `~{hardtack}*` and the commands of
//! strings, sets, sorted sets, hashes and streams, `EVAL`, `EVALSHA`, `INFO`, `TIME` and `PING`. For `rediss://` an
//! application turns on TLS in the `redis` crate (`tokio-rustls-comp`), which is the one that is used here.
//!
//! # When Redis is gone
//!
//! An operation fails after five seconds at the latest, and at once where connections are refused. The
//! next one connects anew. Reads that found a broken connection are tried once more; a write is never
//! sent twice, since its answer may have been lost after it was done. The authenticator is made for that: a
//! rotation whose answer was lost is found, and repeated byte for byte, when the browser comes again.

mod error;
mod follower;
mod health;
mod link;
mod name;
mod notifying;
mod row;
mod scripts;
mod sessions;
mod url;

pub use error::{AskError, OpenError};
pub use notifying::NotifyingSessions;
pub use sessions::RedisSessions;
pub use url::RedisUrl;

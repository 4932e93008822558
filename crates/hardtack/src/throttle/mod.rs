//! Limits how often something, such as a log-in, can be tried: per account, per client address, or per anything else.
//!
//! A [`Throttle`] counts attempts in token buckets. Call [`Throttle::take`] *before* you do the work, such as checking
//! a password. This method takes a token from each [`Budget`]. If a budget is empty, it takes no tokens, and refuses
//! the attempt with [`TooManyAttempts`]. If the attempt succeeds, call [`Attempt::succeeded`], which returns the
//! tokens. For example:
//!
//! ```
//! use std::time::Duration;
//! use hardtack::{KeySet, SigningKey};
//! use hardtack::jwt::Algorithm;
//! use hardtack::throttle::{Budget, Rate, Throttle};
//!
//! # async fn check_password(_: &str, _: &str) -> bool { true }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let throttle = Throttle::new(&keys);
//!
//! let account = throttle.key("account", &["alice"]);
//! let budget = Budget::new(account, Rate::new(10, Duration::from_secs(30)))
//!     .failures_in_a_row(Rate::new(100, Duration::from_secs(3600)));
//!
//! match throttle.take(&[budget]).await {
//!     Err(refused) => println!("429, Retry-After: {}", refused.retry_after().as_secs()),
//!     Ok(attempt) => {
//!         if check_password("alice", "…").await {
//!             attempt.succeeded().await;
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. An attempt takes one token from each budget. If any budget is empty, the attempt is refused and takes no token. A
//!    refused attempt therefore never prolongs a wait.
//! 2. An attempt counts as a failure until it succeeds. Parallel attempts are therefore counted, and so are attempts
//!    during which the process crashes or the client disconnects.
//! 3. A successful attempt returns its tokens, and resets each budget's count of failures in a row.
//! 4. A client never has to wait longer than a bucket takes to gain one token.
//! 5. If a store shared by several servers fails, each server counts in its own memory until the store works again.

mod attempt;
mod budget;
mod counter;
mod counters;
mod handle;
mod memory;
mod rate;
mod store;
#[cfg(test)]
mod tests;

pub use attempt::{Attempt, TooManyAttempts};
pub use budget::{Budget, BudgetKey};
pub use counter::{Counter, take_all};
pub use handle::{Throttle, ThrottleBuilder};
pub use memory::MemoryThrottleStore;
pub use rate::Rate;
pub use store::{Now, ThrottleStore, Verdict};

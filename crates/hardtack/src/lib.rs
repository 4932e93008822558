//! Hardened JWT cookies: the framework-free core of Hardtack.
//!
//! A site or REST API signs its users in with two JSON Web Tokens in httpOnly cookies: a short-lived
//! **access token** that every request carries, and a longer-lived **refresh token** that only mints
//! new access tokens. This crate holds the tokens, keys, cookies, CSRF checks and session rules; it
//! takes bytes and answers verdicts, replies and `Set-Cookie` text. An adapter such as `hardtack-axum`
//! translates for a framework.
//!
//! ```
//! use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey, jwt::Algorithm};
//!
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let auth = Authenticator::builder(keys)
//!     .base_url("https://site.example")
//!     .sessions(MemorySessions::new())
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authenticator;
pub mod clock;
pub mod config;
mod constant_time;
pub mod cookie;
pub mod csrf;
pub mod event;
pub mod exchange;
pub mod failure;
pub mod jwt;
pub mod location;
pub mod request;
pub mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod user;

pub use authenticator::{Authenticator, Blocklist, Builder, Freshness, IssuedToken, LogIn, VerifiedToken};
pub use clock::{Clock, SystemClock, Timestamp};
pub use config::{ConfigError, Lifetime, RefreshMode, Urls};
pub use cookie::{CookiePolicy, CookiePrefix, SameSite, SetCookies};
pub use event::{Event, EventKind};
pub use exchange::{Exchange, Memo};
pub use failure::{Failure, FailureKind, Reason, Refused, Reply};
pub use jwt::{Claims, Fresh, KeySet, NoExtra, SigningKey, TokenKind, VerifyingKey};
pub use location::TokenLocation;
pub use request::{Need, NextPath, RequestHead, Wants};
pub use session::{MemorySessions, Session, SessionId, SessionStore};
pub use user::FindUser;

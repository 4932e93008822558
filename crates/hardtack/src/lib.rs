//! Hardened JWT cookies: the framework-free core of Hardtack.
//!
//! A site or REST API signs its users in with two JSON Web Tokens in httpOnly cookies: a short-lived
//! **access token** that every request carries, and a longer-lived **refresh token** that only mints
//! new access tokens. This crate holds the tokens, keys, cookies, CSRF checks and session rules; it
//! takes bytes and answers verdicts, replies and `Set-Cookie` text. An adapter such as `hardtack-axum`
//! translates for a framework.
//!
//! ```
//! use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
//! use hardtack::jwt::Algorithm;
//!
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let auth = Authenticator::builder(keys)
//!     .base_url("https://site.example")
//!     .sessions(MemorySessions::new())
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod adapter;
pub mod authenticator;
mod base_url;
mod body;
pub mod clock;
pub mod config;
mod constant_time;
pub mod cookie;
pub mod csrf;
pub mod error;
pub mod event;
pub mod flask_compat;
pub mod guide;
pub mod jwt;
pub mod refusal;
pub mod request;
mod revocation;
pub mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;
pub mod token_source;
mod urls;
mod user;

pub use authenticator::{Authenticator, AuthenticatorBuilder, LogIn};
pub use base_url::BaseUrl;
pub use config::RefreshMode;
pub use cookie::{CookiePolicy, SetCookies};
pub use csrf::CsrfPolicy;
pub use error::{BackendError, ConfigError};
pub use jwt::{KeySet, SigningKey, VerifyingKey};
pub use refusal::{Failure, FailureKind, Reply};
pub use session::{MemorySessions, SessionId};
pub use token::VerifiedToken;
pub use token_source::{Need, TokenLocation};
pub use urls::Urls;
pub use user::FindUser;

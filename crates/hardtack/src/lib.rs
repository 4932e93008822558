//! Hardened JWT cookies: the core of Hardtack, for any web framework.
//!
//! A site or REST API logs its users in with two JSON Web Tokens in httpOnly cookies: a short-lived **access token**
//! that every request carries, and a longer-lived **refresh token** that is only exchanged for new access tokens. This
//! crate issues and verifies the tokens and renders the cookies. It refuses requests that another site may have forged
//! (CSRF), and keeps sessions that users can list and end.
//!
//! The crate depends on no web framework and no async runtime. It reads a borrowed request head, and returns tokens,
//! replies and `Set-Cookie` values. An adapter translates these for its framework. While the crate handles a request,
//! it does I/O only through the session store and your callbacks.
//!
//! # Where to start
//!
//! Applications use an adapter, which re-exports this crate:
//!
//! - [`hardtack-axum`](https://docs.rs/hardtack-axum) for axum
//! - [`hardtack-actix`](https://docs.rs/hardtack-actix) for actix-web
//!
//! For axum, [`hardtack-accounts`](https://docs.rs/hardtack-accounts) adds ready-made pages: sign-up, log-in, account
//! and devices.
//!
//! Sessions can be stored in memory ([`MemorySessions`]), in SQLite or PostgreSQL
//! ([`hardtack-sqlx`](https://docs.rs/hardtack-sqlx)), in Redis ([`hardtack-redis`](https://docs.rs/hardtack-redis)),
//! or in [a store of your own](guide::stores).
//!
//! # Example
//!
//! Configure an [`Authenticator`] once, at startup. `build` checks the settings as a whole:
//!
//! ```
//! use hardtack::jwt::{Algorithm, NoExtra, TokenKind};
//! use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In production, KeySet::from_secret_env("JWT_SECRET_KEY").
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let auth = Authenticator::builder(keys)
//!     .base_url("https://site.example")
//!     .sessions(MemorySessions::new())
//!     .build()?;
//!
//! // An adapter does the rest for each request. Tokens can also be issued and verified directly:
//! let issued = auth.access_token("alice").claim("role", "editor").issue()?;
//! let token = auth.decode::<NoExtra>(issued.as_str(), TokenKind::Access)?;
//! assert_eq!(token.subject(), "alice");
//! assert_eq!(token.claim("role"), "editor");
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | module | what it contains |
//! | --- | --- |
//! | [`authenticator`] | the [`Authenticator`]: verifies requests, issues tokens, starts and ends sessions |
//! | [`config`] | [`RefreshMode`], [`ClaimsPolicy`](config::ClaimsPolicy), lifetimes |
//! | [`cookie`] | [`CookiePolicy`]: names, prefixes, paths, `SameSite`; [`SetCookies`] |
//! | [`csrf`] | [`CsrfPolicy`]: the origin check and the double submit |
//! | [`device_binding`] | sessions that are bound to a device, so that copied cookies become worthless on other devices |
//! | [`session`] | sessions, their lifetimes ([`SessionPolicy`](session::SessionPolicy)), and the [`SessionStore`](session::SessionStore) trait |
//! | [`token`] | [`VerifiedToken`], the proof that a request is authenticated |
//! | [`token_source`] | where requests carry tokens, and what a route needs ([`Need`]) |
//! | [`refusal`] | why requests are refused, and the [`Reply`] that they get |
//! | [`request`] | the request head that the core reads, the page to return to (`next`), the kind of response to send |
//! | [`throttle`] | limits on how often something may be tried, such as a log-in |
//! | [`event`] | session events, for logs and audit trails |
//! | [`explain`] | why a request was refused, step by step, for developers |
//! | [`error`] | [`ConfigError`], [`BackendError`] |
//! | [`jwt`] | keys, algorithms, claims: signing and verifying tokens without cookies |
//! | [`clock`] | the clock, which tests can replace |
//! | [`client_address`] | the client's address, even behind [trusted proxies](client_address::TrustedProxies) |
//! | [`adapter`] | the types that adapters are built on |
//! | [`flask_compat`] | the options of Flask-JWT-Extended |
//! | `testing` | users, browsers, a clock and a failing store for tests, and the conformance suites for stores (feature `testing`) |
//! | [`guide`] | the guides |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `testing` | no | the module `testing`, for `[dev-dependencies]` |
//!
//! # Guides
//!
//! - [How sessions work](guide::sessions): refresh, remember me, log out everywhere, roles, several processes, events.
//! - [Log-in pages](guide::log_in): ready-made routes, pages of your own.
//! - [Streams that end at log-out](guide::streams): event streams, WebSockets, long uploads.
//! - [Cookies](guide::cookies): names, paths, `SameSite`, proxies, tokens in headers.
//! - [CSRF protection](guide::csrf): forms, scripts, log-in forms.
//! - [Keys](guide::keys): algorithms, rotation, services that only verify tokens.
//! - [OAuth](guide::oauth), OpenID Connect and links in emails.
//! - ["Why was I logged out?"](guide::explain): each step of a verification, on a page or in the terminal.
//! - [Refused requests](guide::refusals): the responses that browsers, htmx and API clients get, and how to change
//!   them.
//! - [Limiting log-in attempts](guide::throttling): per account and address, on several servers.
//! - [Testing your routes](guide::testing).
//! - [The defaults, and why](guide::defaults).
//! - [A session store of your own](guide::stores).
//! - [An adapter for another framework](guide::adapters).

pub mod adapter;
pub mod authenticator;
mod base_url;
mod body;
pub mod client_address;
pub mod clock;
pub mod config;
pub mod cookie;
pub mod csrf;
mod developer_notice;
pub mod device_binding;
pub mod error;
pub mod event;
pub mod explain;
pub mod files;
pub mod flask_compat;
pub mod guide;
mod html;
pub mod jwt;
pub mod refusal;
pub mod request;
mod revocation;
pub mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod throttle;
pub mod token;
pub mod token_source;
mod urls;
mod user;

pub use adapter::Credentials;
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
pub use token_source::{Need, Role, TokenLocation};
pub use urls::Urls;
pub use user::FindUser;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Hardened JWT cookies: the core of Hardtack, for any web framework.
//!
//! A site or REST API logs its users in with two JSON Web Tokens in httpOnly cookies. Every request carries the
//! short-lived **access token**. The longer-lived **refresh token** is used only to get new access tokens. This crate
//! issues and verifies the tokens and renders the cookies. It refuses requests that another site may have forged
//! (CSRF), and maintains sessions that users can list and end.
//!
//! The crate does not depend on a web framework or an async runtime. It reads a borrowed request head, and returns
//! tokens, replies and `Set-Cookie` values. An adapter converts these values for its framework. While the crate handles
//! a request, it does I/O only through the session store and your callbacks.
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
//! Configure an [`Authenticator`] once, at startup. `build` checks that the combination of settings is safe:
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
//! | [`throttle`] | limits on attempts, such as log-ins |
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
//! | `asymmetric` | no | keys for ES256/384/512, RS256/384/512, PS256/384/512 and Ed25519 (see [Keys](guide::keys#algorithms)), and [device binding](device_binding); compiles aws-lc-rs, which needs a C compiler; without the feature, tokens are signed with HS256, HS384 or HS512 |
//! | `idn` | no | [base URLs](BaseUrl) with letters outside ASCII, such as `https://bücher.example` |
//! | `testing` | no | the module `testing`, for `[dev-dependencies]` |
//!
//! # How do I …?
//!
//! | How do I … | guide |
//! | --- | --- |
//! | … write my own log-in page? | [Log-in pages](guide::log_in#a-page-of-your-own) |
//! | … limit how often a password can be guessed? | [Limiting log-in attempts](guide::throttling) |
//! | … log users in with OAuth, OpenID Connect or a link in an email? | [OAuth](guide::oauth) |
//! | … let only admins in? | [Roles and permissions](guide::roles) |
//! | … keep users logged in, change a password, log out everywhere? | [Sessions](guide::sessions) |
//! | … keep customers and staff apart in one application? | [Several realms](guide::realms) |
//! | … send a form, or the CSRF value with `fetch`? | [CSRF protection](guide::csrf) |
//! | … write a single-page app, or use CORS? | [Single-page apps](guide::single_page_apps) |
//! | … use htmx? | [htmx](guide::htmx) |
//! | … end an event stream or a WebSocket at log-out? | [Streams](guide::streams) |
//! | … show my own page when a request is refused? | [Refused requests](guide::refusals) |
//! | … find out why a user was logged out, or why a cookie is missing? | ["Why was I logged out?"](guide::explain) |
//! | … test my routes? | [Testing your routes](guide::testing) |
//! | … change cookies, or run behind a proxy or below a path? | [Cookies](guide::cookies) |
//! | … choose an algorithm, or rotate keys? | [Keys](guide::keys) |
//! | … prepare my application for production? | [In production](guide::production) |
//! | … move from axum-login, tower-sessions, actix-session or actix-identity? | [Moving](guide::moving) |
//! | … find out why a default was chosen? | [The defaults, and why](guide::defaults) |
//! | … keep sessions somewhere else? | [A session store of your own](guide::stores) |
//! | … use another web framework? | [An adapter for another framework](guide::adapters) |

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
#[cfg(all(fuzzing, feature = "testing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
mod html;
#[cfg(test)]
mod json_mutations;
pub mod jwt;
mod log_limit;
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

pub use adapter::{ClientInfo, Credentials};
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

//! Ready-made sign-up, log-in, password and device pages for axum, built on Hardtack's hardened JWT cookies.
//!
//! This crate adds user accounts to [`hardtack_axum`]. It stores users and argon2id password hashes in SQLite or
//! PostgreSQL, and serves all its pages from one axum [`Router`](axum::Router). The pages work without scripts, and API
//! clients can use the same routes with JSON.
//!
//! # Example
//!
//! This is a complete server. It needs the environment variable `JWT_SECRET_KEY` and the dependencies `axum`,
//! `hardtack`, `hardtack-accounts`, `hardtack-axum`, `hardtack-sqlx` and `tokio`.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use hardtack::{Authenticator, KeySet};
//! use hardtack_accounts::{Accounts, Site};
//! use hardtack_axum::{AccessToken, AuthLayer};
//! use hardtack_sqlx::Database;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let database = Database::open("sqlite:app.db").await?; // or postgres://…
//!     database.sessions().migrate().await?;
//!
//!     let accounts = Accounts::open(database).await?.with_sessions();
//!     let auth = accounts
//!         .configure(Authenticator::builder(KeySet::from_secret_env("JWT_SECRET_KEY")?))
//!         .urls(Site::urls_at("/auth")) // the log-in page is at /auth/login
//!         .base_url("http://127.0.0.1:8000")
//!         .build()?;
//!     let site = Site::builder(auth.clone(), accounts).at("/auth").name("Corner Shop").build()?;
//!
//!     let shop = Router::new().route("/", get(home)).layer(AuthLayer::new(auth));
//!     let app = shop.merge(site.router());
//!
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//!     hardtack_axum::serve(listener, app).await?;
//!     Ok(())
//! }
//!
//! async fn home(token: AccessToken) -> String {
//!     format!("Hello, user {}", token.subject())
//! }
//! ```
//!
//! # Routes
//!
//! If the pages are served under a path such as `/auth` ([`SiteBuilder::at`]), prefix each route with this path.
//!
//! | route | for | what it does |
//! | --- | --- | --- |
//! | `/signup`, `/login`, `/logout` | visitors | form and submission; `/logout` asks for confirmation |
//! | `/password/forgot`, `/password/reset` | visitors | a forgotten password, by [email](mail) |
//! | `/email/confirm`, `/email/undo` | visitors | confirms a new email address; restores the previous one |
//! | `/token/refresh` | visitors | exchanges the refresh token for new tokens |
//! | `/reauthenticate` | users | asks for the password again |
//! | `/account` | users | profile and password; needs a recent log-in |
//! | `/account/sessions` | users | devices, recent activity; logs out other devices |
//! | `/account/activity` | users | recent activity as JSON |
//! | `/healthz`, `/openapi.json`, `/assets` | everyone | health check, OpenAPI 3.1 document, stylesheet, script |
//!
//! # Map
//!
//! - [`Accounts`]: opens the database, configures the authenticator, and finds, adds and changes users. You can use
//!   `Accounts` without the pages, in axum and actix-web. A [`NewUser`] describes a user who signs up, and a
//!   [`VerifiedUser`] can be logged in. An [`ActionError`] says why an operation failed.
//! - [`Site`]: the pages. [`SiteBuilder`] sets where they are and how they look; [`Page`] and [`PageView`] are for
//!   templates of your own.
//! - [`User`]: a user. Your own handlers extract it with [`CurrentUser<User>`](hardtack_axum::CurrentUser), on a router
//!   whose state is the [`Site`] or the [`Accounts`].
//! - [`NameRules`] and [`PasswordRules`]: which user names and passwords are accepted.
//! - [`LogInLimits`]: limits on password attempts, account creation and link requests.
//! - [`mail`]: the trait for sending email, and an implementation for development that writes emails to a folder.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `sqlite` | yes | accounts in an SQLite file |
//! | `postgres` | no | accounts in PostgreSQL |
//! | `asymmetric` | no | [keys](hardtack::guide::keys#algorithms) for ES256/384/512, RS256/384/512, PS256/384/512 and Ed25519, and [device binding](hardtack::device_binding); without the feature, tokens are signed with HS256, HS384 or HS512 |
//!
//! # Guides
#![cfg_attr(
    doc,
    doc = "\n- [Your own routes](guide::own_routes): users in your handlers, several databases, layers.\n\
           - [Your own pages](guide::own_pages): your own log-in page for [`Accounts`] users, in axum or actix-web.\n\
           - [Names and passwords](guide::names_and_passwords): which are accepted, and how they are compared.\n\
           - [Email](guide::email): confirmation and reset links, sending with the library of your choice.\n\
           - [JSON API](guide::json_api): how API clients use the routes, send CSRF tokens and handle errors.\n\
           - [Operation](guide::operation): disabling users, pruning, stopping, several servers.\n"
)]

mod accounts;
mod activity;
mod error_navigation;
mod error_pages;
mod extract;
mod flood_log;
#[cfg(any(doc, doctest))]
pub mod guide;
mod links;
pub mod mail;
mod misplaced;
mod page_cookie;
mod pages;
mod passwords;
mod respond;
mod router;
mod routes;
mod security_headers;
mod settings;
mod site;
mod task_queue;
mod throttling;
mod uninterrupted;
mod users;

pub use accounts::{
    Accounts, AccountsError, ActionError, DeadLink, DisplayNameProblem, EmailChangeProblem, MailProblem, NewUser,
    PasswordChangeProblem, PasswordLink, PasswordResetProblem, SessionOver, SignUpProblems, SignedUp, UserChangeError,
    VerifiedUser, WrongPassword,
};
pub use passwords::{PasswordProblem, PasswordRules, PasswordTable, PasswordTableError, TableSummary};
pub use settings::{Color, Page, PageView, Registration};
pub use site::{Site, SiteBuilder, SiteError};
pub use throttling::LogInLimits;
pub use users::{EmailAddress, NameCollision, NameRules, User, UserNameProblem, UserRecord};

/// Compiles the examples in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Ready sign-up, log-in, password and device pages on Hardtack.
//!
//! Mounted as an axum [`Router`](axum::Router); every route serves people (HTML forms, no script
//! needed) and programs (JSON) alike.
//!
//! ```no_run
//! use hardtack::{Authenticator, KeySet};
//! use hardtack_accounts::{Accounts, Site};
//! use hardtack_sqlx::Database;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let database = Database::open("sqlite:app.db").await?; // or postgres://…
//! let accounts = Accounts::open(database.clone()).await?;
//! let sessions = database.sessions();
//! sessions.migrate().await?;
//! let auth = accounts
//!     .wire(Authenticator::builder(KeySet::from_secret_env("JWT_SECRET_KEY")?))
//!     .base_url("https://site.example")
//!     .sessions(sessions)
//!     .build()?;
//! let app = Site::new(auth, accounts).router();
//! # Ok(())
//! # }
//! ```

mod accounts;
mod activity;
mod failures;
mod guard;
mod input;
mod links;
mod mail;
mod operator;
mod pages;
mod passwords;
mod queue;
mod router;
mod routes;
mod site;
mod users;

pub use accounts::{Accounts, AccountsError};
pub use failures::with_pages;
pub use mail::{Mail, MailError, Mailer, Outbox};
pub use operator::KnownUser;
pub use passwords::PasswordProblem;
pub use site::Site;
pub use users::{EmailAddress, Settings, User, UserNameProblem};

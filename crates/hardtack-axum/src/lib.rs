//! Hardened JWT cookies for axum.
//!
//! An [`AuthLayer`] around a router, and extractors in its handlers:
//!
//! | extractor | takes the request if | as Flask-JWT-Extended's |
//! | --- | --- | --- |
//! | [`AccessToken`] | someone is logged in | `@jwt_required()` |
//! | [`FreshAccessToken`] | and typed the password recently | `@jwt_required(fresh=True)` |
//! | `Option<AccessToken>` | no token is there, or a good one | `@jwt_required(optional=True)` |
//! | [`RefreshToken`] | a refresh token is there | `@jwt_required(refresh=True)` |
//! | [`CurrentUser<U>`] | the application knows the user | `current_user` |
//! | [`Auth`] | always: logs in and out, refreshes | `set_access_cookies`, … |
//!
//! ```
//! use axum::{Router, response::{Html, IntoResponse, Redirect}, routing::{get, post}};
//! use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
//! use hardtack::jwt::Algorithm;
//! use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer};
//!
//! async fn service(token: AccessToken) -> Html<String> {
//!     Html(format!("<p>Hello, {}", token.subject()))
//! }
//!
//! async fn log_out(auth: Auth) -> Result<impl IntoResponse, AuthError> {
//!     Ok((auth.log_out().await?, Redirect::to("/")))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
//!     .base_url("https://site.example")
//!     .sessions(MemorySessions::new())
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/service", get(service))
//!     .route("/logout", post(log_out))
//!     .layer(AuthLayer::new(auth));
//! # Ok(())
//! # }
//! ```

mod extract;
mod head;
mod layer;
mod peek;
mod require;
mod respond;

pub use extract::{AccessToken, Auth, CurrentUser, FreshAccessToken, RefreshToken};
pub use head::{HeaderFields, wants};
pub use layer::{AuthLayer, AuthService};
pub use require::{Require, RequireService};
pub use respond::{AuthError, SetCookies, reply_response};

pub use hardtack;

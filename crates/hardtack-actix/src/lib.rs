//! Hardened JWT cookies for actix-web.
//!
//! An [`AuthLayer`] around an `App`, and extractors in its handlers:
//!
//! | extractor | takes the request if | as Flask-JWT-Extended's |
//! | --- | --- | --- |
//! | [`AccessToken`] | someone is logged in | `@jwt_required()` |
//! | [`FreshAccessToken`] | and typed the password recently | `@jwt_required(fresh=True)` |
//! | [`Optional<AccessToken>`](Optional) | no token is there, or a good one | `@jwt_required(optional=True)` |
//! | [`RefreshToken`] | a refresh token is there | `@jwt_required(refresh=True)` |
//! | [`CurrentUser<U>`](CurrentUser) | the application knows the user | `current_user` |
//! | [`Auth`] | always: logs in and out, refreshes | `set_access_cookies`, … |
//!
//! ```
//! use actix_web::{App, Responder, web::{self, Html, Redirect}};
//! use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
//! use hardtack::jwt::Algorithm;
//! use hardtack_actix::{AccessToken, Auth, AuthError, AuthLayer};
//!
//! async fn service(token: AccessToken) -> Html {
//!     Html::new(format!("<p>Hello, {}", token.subject()))
//! }
//!
//! async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
//!     Ok(auth.log_out().await?.onto(Redirect::to("/").see_other()))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
//!     .base_url("https://site.example")
//!     .sessions(MemorySessions::new())
//!     .build()?;
//! // Each worker of an `HttpServer` makes an App; all of them share this one authenticator.
//! let app = move || {
//!     App::new()
//!         .route("/service", web::get().to(service))
//!         .route("/logout", web::post().to(log_out))
//!         .wrap(AuthLayer::new(auth.clone()))
//! };
//! # app();
//! # Ok(())
//! # }
//! ```
//!
//! # What actix-web makes different
//! - [`Optional<AccessToken>`](Optional) in place of `Option<AccessToken>`, whose errors actix-web drops.
//! - [`SetCookies::onto`] a response, where other frameworks take a tuple.
//! - `Redirect::to` is a 307, which repeats a posted form: say [`see_other`](actix_web::web::Redirect::see_other).

mod extract;
mod head;
mod layer;
mod peek;
mod require;
mod respond;

pub use extract::{
    AccessToken, Auth, CurrentUser, Extracting, FreshAccessToken, Optional, OptionalFromRequest, RefreshToken,
};
pub use head::wants;
pub use layer::{AuthLayer, AuthService};
pub use require::{Require, RequireService};
pub use respond::{AuthError, SetCookies, WithCookies, reply_response};

pub use hardtack;

//! Hardened JWT cookies for [actix-web](https://docs.rs/actix-web): log users in with tokens in httpOnly cookies.
//!
//! A short-lived **access token** in a cookie authenticates each request. When the access token expires, Hardtack
//! issues a new one in exchange for a longer-lived **refresh token** in another cookie. Hardtack sets, checks,
//! refreshes and deletes both tokens. It also protects forms against CSRF, and redirects browsers to the log-in page
//! and back. The application itself checks passwords.
//!
//! The logic is in [`hardtack`], and this crate connects it to actix-web. Most applications need only what this crate
//! re-exports; begin with `use hardtack_actix::prelude::*`. Everything else is in [`hardtack`].
//!
//! # A complete application
//!
//! ```sh
//! cargo add hardtack-actix actix-web tracing-subscriber
//! cargo add tokio --features macros,rt-multi-thread
//! ```
//!
//! This is `examples/quickstart.rs`. In the repository, run it with `cargo run -p hardtack-actix --example quickstart`:
//!
//! ```no_run
#![doc = include_str!("../examples/quickstart.rs")]
//! ```
//!
//! This example keeps sessions in memory. `hardtack-sqlx` keeps sessions in SQLite or PostgreSQL, and `hardtack-redis`
//! keeps them in Redis or Valkey.
//!
//! # Extractors
//!
//! | extractor | accepts the request if | Flask-JWT-Extended |
//! | --- | --- | --- |
//! | [`AccessToken<T>`](AccessToken) | the user is logged in; `T` reads claims of your own | `@jwt_required()` |
//! | [`FreshAccessToken<T>`](FreshAccessToken) | the user entered the password recently | `@jwt_required(fresh=True)` |
//! | [`Optional<AccessToken<T>>`](Optional) | the request has a valid token, no token, or invalid cookies | `@jwt_required(optional=True)` |
//! | [`Proven<SECONDS, T>`](Proven) | the client has recently proved that it has the [key of its device](hardtack::device_binding) | |
//! | [`RefreshToken`] | the request has a valid refresh token | `@jwt_required(refresh=True)` |
//! | [`HasRole<R>`](HasRole) | the token has the [role](Role) `R` | |
//! | [`CurrentUser<U>`](CurrentUser) | your [`FindUser`] finds the token's user | `current_user` |
//! | [`LogInForm<T>`](LogInForm) | the request posts a log-in form of your site, or JSON | |
//! | [`ReauthenticationForm<T>`](ReauthenticationForm) | the logged-in user posts the password again | |
//! | [`Auth`] | always. `Auth` logs users in and out, refreshes tokens, and re-authenticates users | `set_access_cookies`, … |
//! | [`ClientAddress`] | the server knows the client's address; also behind [trusted proxies](hardtack::AuthenticatorBuilder::trusted_proxies) | `request.remote_addr` |
//!
//! If an extractor does not accept a request, the request is [refused](hardtack::guide::refusals) before the handler
//! runs. If the user has to log in, a browser is redirected to the log-in page and, after the log-in, back to the
//! requested page. In most other cases, a browser gets an error page. An API client gets an error status, usually 401
//! or 403, with problem details (RFC 9457) that name the reason.
//!
//! If the token is in a cookie and the method is not `GET`, `HEAD`, `OPTIONS` or `TRACE`, the request must also contain
//! the token's CSRF value. A form sends this value in the hidden field `csrf_token`, and a script sends it in the
//! header `X-CSRF-TOKEN`. The token extractors check the value.
//!
//! # Differences from hardtack-axum
//!
//! The API is the same except where the frameworks differ:
//!
//! - Use [`Optional<AccessToken>`](Optional) instead of `Option<AccessToken>`. With an `Option`, actix-web turns an
//!   extractor's errors into `None`.
//! - Add cookies to a response with [`SetCookies::onto`].
//! - After a form, redirect with [`see_other`](actix_web::web::Redirect::see_other). `Redirect::to` alone responds with
//!   307, and the browser then posts the form again to the new URL.
//! - There is no `serve`. actix-web's `HttpServer` knows the clients' addresses, and stops gracefully on Ctrl-C and
//!   SIGTERM. See [In production](hardtack::guide::production).
//! - [`CurrentUser`] gets the state for [`FindUser`] from the `web::Data` of the `App`.
//!
//! # The rest of the crate
//!
//! - [`AuthLayer`] lets handlers use the extractors. It must wrap every route that uses them. Without the layer,
//!   clients get a 500, and the log says what to add.
//! - [`Require`] is a layer that requires a token for all routes of a scope or an `App`.
//! - [`routes`] has ready-made handlers and plain pages for the log-in flow.
//! - [`SetCookies`] adds cookies to a response. [`AuthError`] is the error of the extractors and of [`Auth`]; it
//!   converts into a response.
//! - [`OptionalFromRequest`] lets [`Optional`] work with extractors of your own.
//! - [`future`] contains the futures of the layers' services and of the extractors. It also contains
//!   [`Ended`](future::Ended), a future that you can use to end a stream when the user logs out.
//! - [`wants`], [`HeaderFields`] and [`reply_response`] help you write your own middleware.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `asymmetric` | no | [keys](hardtack::guide::keys#algorithms) for ES256/384/512, RS256/384/512, PS256/384/512 and Ed25519, and [device binding](hardtack::device_binding); needs a C compiler; without the feature, tokens are signed with HS256, HS384 or HS512 |
//! | `idn` | no | base URLs with non-ASCII letters, such as `https://bücher.example`; without the feature, write the ASCII form, `https://xn--bcher-kva.example` |
//! | `testing` | no | the module `testing`, for tests of your routes; enable it in `[dev-dependencies]` |
//!
//! # How do I …?
//!
//! | How do I … | guide |
//! | --- | --- |
//! | … write my own log-in page? | [Log-in pages](hardtack::guide::log_in#a-page-of-your-own) |
//! | … limit how often a password can be guessed? | [Limiting log-in attempts](hardtack::guide::throttling) |
//! | … log users in with OAuth, OpenID Connect or a link in an email? | [OAuth](hardtack::guide::oauth) |
//! | … let only admins in? | [Roles and permissions](hardtack::guide::roles) |
//! | … keep users logged in, change a password, log out everywhere? | [Sessions](hardtack::guide::sessions) |
//! | … keep customers and staff apart in one application? | [Several realms](hardtack::guide::realms) |
//! | … send a form, or the CSRF value with `fetch`? | [CSRF protection](hardtack::guide::csrf) |
//! | … write a single-page app, or use CORS? | [Single-page apps](hardtack::guide::single_page_apps) |
//! | … use htmx? | [htmx](hardtack::guide::htmx) |
//! | … end an event stream or a WebSocket at log-out? | [Streams](hardtack::guide::streams) |
//! | … show my own page when a request is refused? | [Refused requests](hardtack::guide::refusals) |
//! | … find out why a user was logged out, or why a cookie is missing? | ["Why was I logged out?"](hardtack::guide::explain) |
//! | … test my routes? | [Testing your routes](hardtack::guide::testing) |
//! | … change cookies, or run behind a proxy or below a path? | [Cookies](hardtack::guide::cookies) |
//! | … choose an algorithm, or rotate keys? | [Keys](hardtack::guide::keys) |
//! | … prepare my application for production? | [In production](hardtack::guide::production) |
//! | … move from axum-login, tower-sessions, actix-session or actix-identity? | [Moving](hardtack::guide::moving) |
//! | … find out why a default was chosen? | [The defaults, and why](hardtack::guide::defaults) |

mod auth;
mod background;
mod body;
mod extract;
mod extract_future;
pub mod future;
mod layer;
pub mod prelude;
mod request;
mod require;
mod respond;
pub mod routes;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use auth::Auth;
pub use extract::{
    AccessToken, ClientAddress, CurrentUser, FreshAccessToken, HasRole, LogInForm, Optional, OptionalFromRequest,
    Proven, ReauthenticationForm, RefreshToken,
};
pub use layer::AuthLayer;
pub use request::{HeaderFields, wants};
pub use require::{Require, RequireService};
pub use respond::{AuthError, SetCookies, WithCookies, reply_response};
pub use service::AuthService;

pub use hardtack;
#[doc(no_inline)]
pub use hardtack::{
    Authenticator, AuthenticatorBuilder, BackendError, ClientInfo, CookiePolicy, Credentials, CsrfPolicy, FailureKind,
    FindUser, KeySet, LogIn, MemorySessions, Need, RefreshMode, Role, SessionId, SigningKey, TokenLocation, Urls,
    VerifiedToken, VerifyingKey, jwt::Algorithm, refusal::Reason, request::Wants,
};

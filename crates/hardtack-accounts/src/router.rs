//! The routes of the site.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use hardtack_axum::AuthLayer;

use crate::error_navigation::add_navigation;
use crate::routes;
use crate::security_headers::add_security_headers;
use crate::site::Site;

/// The longest body that any route accepts, in bytes: several times the longest password.
const BODY_LIMIT: usize = 16 * 1024;

impl Site {
    /// The routes that, together with all routes below them, require a logged-in user. The paths of the access cookie
    /// must cover these routes. They should also cover `/reauthenticate`. Otherwise, `/reauthenticate` redirects
    /// browsers to `/login`.
    pub const PROTECTED_ROUTES: [&'static str; 2] = ["/account", "/service"];

    /// Returns a router with all routes and their layers. Serve it at the root of a host, alone or merged with the
    /// application's own routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(routes::home::show))
            .route("/signup", get(routes::signup::show).post(routes::signup::submit))
            .route("/login", get(routes::login::show).post(routes::login::submit))
            .route("/logout", get(routes::logout::show).post(routes::logout::submit))
            .route("/token/refresh", get(routes::refresh::show).post(routes::refresh::submit))
            .route("/token/bind", post(routes::device_binding::bind))
            .route("/token/bound", post(routes::device_binding::refresh))
            .route("/service", get(routes::service::show))
            .route("/account", get(routes::account::show))
            .route("/account/change_settings", post(routes::account::change_settings))
            .route("/account/password", post(routes::account::change_password))
            .route("/account/email/send", post(routes::confirm_email::send_again))
            .route("/email/confirm", get(routes::confirm_email::show).post(routes::confirm_email::submit))
            .route("/email/undo", get(routes::undo_email::show).post(routes::undo_email::submit))
            .route("/password/forgot", get(routes::forgot_password::show).post(routes::forgot_password::submit))
            .route("/password/reset", get(routes::reset_password::show).post(routes::reset_password::submit))
            .route("/reauthenticate", get(routes::reauthenticate::show).post(routes::reauthenticate::submit))
            .route("/account/sessions", get(routes::sessions::list))
            .route("/account/sessions/revoke-others", post(routes::sessions::revoke_others))
            .route("/account/sessions/{id}/revoke", post(routes::sessions::revoke))
            .route("/account/activity", get(routes::activity::list))
            .route("/healthz", get(routes::health::show))
            .route("/openapi.json", get(routes::openapi::show))
            .route("/assets/hardtack.css", get(routes::assets::stylesheet))
            .route("/assets/hardtack.svg", get(routes::assets::mark))
            .route("/assets/times.js", get(routes::assets::times_script))
            .route("/favicon.ico", get(routes::assets::favicon))
            .route("/robots.txt", get(routes::assets::robots))
            .route("/.well-known/change-password", get(routes::assets::change_password))
            .fallback(routes::fallback::not_found)
            .method_not_allowed_fallback(routes::fallback::method_not_allowed)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(from_fn_with_state(self.clone(), add_navigation))
            .layer(AuthLayer::new(self.auth.clone()))
            .layer(from_fn_with_state(self.clone(), add_security_headers))
            .with_state(self)
    }
}

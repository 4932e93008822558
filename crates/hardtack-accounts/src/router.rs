//! The routes of the site.

use std::sync::{Arc, Once};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use hardtack_axum::AuthLayer;

use crate::error_navigation::add_navigation;
use crate::misplaced::refuse_misplaced;
use crate::routes;
use crate::security_headers::add_security_headers;
use crate::site::Site;

/// The longest body that any route accepts, in bytes: several times the longest password.
const BODY_LIMIT: usize = 16 * 1024;

impl Site {
    /// The paths of the routes that require a logged-in user. All routes nested under these paths require one as well.
    /// The access cookie's paths must cover all of these routes. They should also cover `/reauthenticate`, because
    /// otherwise `/reauthenticate` redirects browsers to the log-in page. If the pages have a
    /// [path](crate::SiteBuilder::at), prefix each route with it.
    pub const PROTECTED_ROUTES: [&'static str; 2] = ["/account", "/service"];

    /// Returns a router with all routes and their layers. Merge it into the router of your application:
    /// `shop.merge(site.router())`. Your other routes, their fallback and their headers stay as they are.
    ///
    /// If the application has a route with the same path as a route of the site, axum panics. To avoid this, give the
    /// pages a path of their own with [`SiteBuilder::at`](crate::SiteBuilder::at). If `/healthz` is the only conflict,
    /// you can instead call [`without_health_check`](crate::SiteBuilder::without_health_check).
    pub fn router(self) -> Router {
        let at = self.path_in_router().to_owned();
        let site = self.clone();
        let routes = self.router_to_nest();
        if at.is_empty() {
            return routes;
        }
        // A nested router has no route for its own path with a trailing slash.
        let root = Router::new()
            .route(&format!("{at}/"), get(routes::fallback::root))
            .method_not_allowed_fallback(routes::fallback::method_not_allowed)
            .layer(from_fn_with_state(site.clone(), add_security_headers))
            .with_state(site);
        Router::new().nest(&at, routes).merge(root)
    }

    /// Returns a router for [`Router::nest`]. The routes in this router do not include the path of the pages. If the
    /// pages are at `/auth`, write `shop.nest("/auth", site.router_to_nest())`. The result is the same as with
    /// `shop.merge(site.router())`, except for the path `/auth/`. axum does not pass `/auth/` to a nested router, so
    /// your application must handle it. To redirect it to the pages, add a route:
    ///
    /// ```
    /// use axum::{Router, response::Redirect, routing::get};
    /// use hardtack_accounts::Site;
    ///
    /// fn app(site: Site) -> Router {
    ///     Router::new()
    ///         .route("/auth/", get(|| async { Redirect::permanent("/auth") }))
    ///         .nest("/auth", site.router_to_nest())
    /// }
    /// ```
    ///
    /// If you nest the router at a path other than the path of the pages, every request gets a 500 response. On the
    /// first such request, a `pages_misplaced` log event tells you how to nest the router correctly.
    pub fn router_to_nest(self) -> Router {
        let settings = &self.settings;
        let mut routes = routes_of_every_site();
        if settings.has_health_check {
            routes = routes.route("/healthz", get(routes::health::show));
        }
        if settings.has_openapi {
            routes = routes.route("/openapi.json", get(routes::openapi::show));
        }
        routes = match (settings.is_demo, self.path_in_router().is_empty()) {
            (true, _) => with_demo(routes),
            // If the pages are at the root of the host, the application handles every path that has no page.
            (false, true) => routes.route(STYLESHEET, get(routes::assets::stylesheet)),
            (false, false) => {
                let routes = routes.route(STYLESHEET, get(routes::assets::stylesheet));
                // These routes take the place of a fallback, because axum cannot merge two routers that both have a
                // fallback.
                routes.route(ROOT, get(routes::fallback::root)).route(OTHER_PATHS, any(routes::fallback::not_found))
            }
        };
        routes
            .method_not_allowed_fallback(routes::fallback::method_not_allowed)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(from_fn_with_state((self.clone(), Arc::new(Once::new())), refuse_misplaced))
            .layer(from_fn_with_state(self.clone(), add_navigation))
            .layer(AuthLayer::new(self.auth.clone()))
            .layer(from_fn_with_state(self.clone(), add_security_headers))
            .with_state(self)
    }
}

/// Paths that exist only if the site is part of an application. `hardtack serve` has other routes instead.
const STYLESHEET: &str = "/assets/site.css";
const ROOT: &str = "/";
const OTHER_PATHS: &str = "/{*path}";

fn routes_of_every_site() -> Router<Site> {
    Router::new()
        .route("/signup", get(routes::signup::show).post(routes::signup::submit))
        .route("/login", get(routes::login::show).post(routes::login::submit))
        .route("/logout", get(routes::logout::show).post(routes::logout::submit))
        .route("/token/refresh", get(routes::refresh::show).post(routes::refresh::submit))
        .route("/token/bind", post(routes::device_binding::bind))
        .route("/token/bound", post(routes::device_binding::refresh))
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
        .route("/assets/times.js", get(routes::assets::times_script))
}

/// Adds the routes that exist only on the site that `hardtack serve` runs.
fn with_demo(routes: Router<Site>) -> Router<Site> {
    routes
        .route("/", get(routes::home::show))
        .route("/service", get(routes::service::show))
        .route("/assets/hardtack.css", get(routes::assets::stylesheet))
        .route("/assets/hardtack.svg", get(routes::assets::mark))
        .route("/favicon.ico", get(routes::assets::favicon))
        .route("/robots.txt", get(routes::assets::robots))
        .route("/.well-known/change-password", get(routes::assets::change_password))
        .fallback(routes::fallback::not_found)
}

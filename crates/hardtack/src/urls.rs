//! The routes of the log-in flow.

use crate::error::ConfigError;
use crate::request::NextPath;

/// The routes of the log-in flow, such as the log-in page to which browsers are redirected.
///
/// ```
/// let urls = hardtack::Urls::default().login("/auth/login");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Urls {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) signup: String,
    pub(crate) refresh: String,
    pub(crate) reauthenticate: String,
    pub(crate) home: String,
    pub(crate) bind: String,
    pub(crate) bound: String,
}

impl Default for Urls {
    fn default() -> Self {
        Self {
            login: "/login".into(),
            logout: "/logout".into(),
            signup: "/signup".into(),
            refresh: "/token/refresh".into(),
            reauthenticate: "/reauthenticate".into(),
            home: "/".into(),
            bind: "/token/bind".into(),
            bound: "/token/bound".into(),
        }
    }
}

/// Generates a setter for each route.
macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, path: impl Into<String>) -> Self {
            self.$name = path.into();
            self
        }
    )*};
}

impl Urls {
    routes! {
        /// Sets the log-in page. Default: `/login`.
        login,
        /// Sets the log-out route. Default: `/logout`.
        logout,
        /// Sets the sign-up page. Default: `/signup`.
        signup,
        /// Sets the route that exchanges a refresh token. Default: `/token/refresh`.
        refresh,
        /// Sets the page that asks for the password again. Default: `/reauthenticate`.
        reauthenticate,
        /// Sets the page where users continue after a log-in if the request has no valid `next`. Default: `/`.
        home,
        /// Sets the route to which browsers post the public key of their device. Default: `/token/bind`.
        bind,
        /// Sets the route to which browsers post to refresh a session that is bound to a device. Default:
        /// `/token/bound`.
        bound,
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let routes = [
            ("log-in URL", &self.login),
            ("log-out URL", &self.logout),
            ("sign-up URL", &self.signup),
            ("refresh URL", &self.refresh),
            ("re-authentication URL", &self.reauthenticate),
            ("home URL", &self.home),
            ("URL for binding sessions", &self.bind),
            ("refresh URL of bound sessions", &self.bound),
        ];
        // No query is allowed, because the URL is compared with paths and becomes the Path of the refresh cookie.
        let is_path =
            |url: &str| !url.contains(['?', '#']) && NextPath::parse(url).is_some_and(|path| path.as_str() == url);
        match routes.into_iter().find(|(_, url)| !is_path(url)) {
            Some((what, url)) => Err(ConfigError::BadFlowUrl { what, url: url.clone() }),
            None => Ok(()),
        }
    }

    /// The routes that end or replace the browser's session.
    pub(crate) fn end_sessions(&self) -> [&str; 3] {
        [&self.login, &self.logout, &self.signup]
    }

    /// The routes that `next` must not lead to.
    pub(crate) fn never_next(&self) -> [&str; 7] {
        [&self.login, &self.logout, &self.signup, &self.refresh, &self.reauthenticate, &self.bind, &self.bound]
    }
}

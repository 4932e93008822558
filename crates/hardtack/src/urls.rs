//! The routes of the log-in flow.

use crate::error::ConfigError;
use crate::request::NextPath;

/// The routes that the flow sends people to.
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
        /// Where someone logs in.
        login,
        /// Where someone logs out.
        logout,
        /// Where someone signs up.
        signup,
        /// Where a refresh token is exchanged.
        refresh,
        /// Where the password is asked for again.
        reauthenticate,
        /// Where someone goes who asked for nothing in particular.
        home,
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let routes = [
            ("log-in URL", &self.login),
            ("log-out URL", &self.logout),
            ("sign-up URL", &self.signup),
            ("refresh URL", &self.refresh),
            ("re-authentication URL", &self.reauthenticate),
            ("home URL", &self.home),
        ];
        // No query: the URL is compared with paths, and is the refresh cookie's Path.
        let is_path =
            |url: &str| !url.contains(['?', '#']) && NextPath::parse(url).is_some_and(|path| path.as_str() == url);
        match routes.into_iter().find(|(_, url)| !is_path(url)) {
            Some((what, url)) => Err(ConfigError::BadFlowUrl { what, url: url.clone() }),
            None => Ok(()),
        }
    }

    /// The routes that nobody is sent back to.
    pub(crate) fn never_next(&self) -> [&str; 5] {
        [&self.login, &self.logout, &self.signup, &self.refresh, &self.reauthenticate]
    }
}

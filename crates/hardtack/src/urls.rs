//! The routes of the log-in flow.

use crate::base_url::BaseUrl;
use crate::error::ConfigError;
use crate::request::NextPath;

/// The routes of the log-in flow, such as the log-in page to which browsers are redirected.
///
/// If the [base URL](crate::AuthenticatorBuilder::base_url) has a path, such as `/app`, it is added in front of the
/// routes: `/login` means `/app/login`. A route that already begins with this path is not changed.
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
    /// The path of the base URL, which all routes begin with. Empty if the base URL has no path.
    base_path: String,
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
            base_path: String::new(),
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
        /// Sets the page that a user sees after a log-in without a valid `next`. Default: `/`.
        home,
        /// Sets the route to which browsers post their device's public key. Default: `/token/bind`.
        bind,
        /// Sets the route that browsers post to when they refresh a device-bound session. Default: `/token/bound`.
        bound,
    }

    /// Returns the path of the log-in page.
    pub fn login_path(&self) -> &str {
        &self.login
    }

    /// Returns the path of the log-out route.
    pub fn logout_path(&self) -> &str {
        &self.logout
    }

    /// Returns the path of the sign-up page.
    pub fn signup_path(&self) -> &str {
        &self.signup
    }

    /// Returns the path of the route that exchanges a refresh token.
    pub fn refresh_path(&self) -> &str {
        &self.refresh
    }

    /// Returns the path of the page that asks for the password again.
    pub fn reauthenticate_path(&self) -> &str {
        &self.reauthenticate
    }

    /// Returns the path of the page that a user sees after a log-in if `next` is missing or not valid.
    pub fn home_path(&self) -> &str {
        &self.home
    }

    /// Returns the path of the route to which browsers post their device's public key.
    pub fn bind_path(&self) -> &str {
        &self.bind
    }

    /// Returns the path of the route that refreshes a device-bound session.
    pub fn bound_path(&self) -> &str {
        &self.bound
    }

    /// Returns a route without the base URL's path: `/login` for `/shop/login`. A router sees this path if it is nested
    /// below the base URL's path, or if a proxy strips the base URL's path.
    ///
    /// ```
    /// use hardtack::{Authenticator, KeySet};
    ///
    /// let keys = KeySet::from_secret(b"Zk3vQ8xW2bN7mT5rLp9dYh4cGs6fJu1e")?;
    /// let auth = Authenticator::builder(keys).base_url("https://site.example/shop").build()?;
    /// let urls = auth.urls();
    /// assert_eq!(urls.login_path(), "/shop/login");
    /// assert_eq!(urls.without_base_path(urls.login_path()), "/login");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without_base_path<'a>(&self, route: &'a str) -> &'a str {
        route.strip_prefix(self.base_path.as_str()).filter(|inner| inner.starts_with('/')).unwrap_or(route)
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
        // A route must not have a query, because the route is compared with paths and becomes the `Path` attribute of
        // the refresh cookie.
        let is_path =
            |url: &str| !url.contains(['?', '#']) && NextPath::parse(url).is_some_and(|path| path.as_str() == url);
        match routes.into_iter().find(|(_, url)| !is_path(url)) {
            Some((what, url)) => Err(ConfigError::BadFlowUrl { what, url: url.clone() }),
            None => Ok(()),
        }
    }

    /// Returns the routes, prefixed with the base URL's path.
    pub(crate) fn below(self, base: &BaseUrl) -> Self {
        let public = |path: String| base.public_path(&path).into_owned();
        Self {
            login: public(self.login),
            logout: public(self.logout),
            signup: public(self.signup),
            refresh: public(self.refresh),
            reauthenticate: public(self.reauthenticate),
            home: public(self.home),
            bind: public(self.bind),
            bound: public(self.bound),
            base_path: base.path().to_owned(),
        }
    }

    /// Returns the routes that end or replace the browser's session.
    pub(crate) fn end_sessions(&self) -> [&str; 3] {
        [&self.login, &self.logout, &self.signup]
    }

    /// The routes that a browser may be posting to when it is redirected to the refresh URL. `next` must not lead to
    /// them, so a query parameter of the refresh URL names the route instead. Each entry is the parameter and the
    /// route.
    pub(crate) fn posted_again(&self) -> [(&'static str, &str); 2] {
        [("reauthenticate", &self.reauthenticate), ("logout", &self.logout)]
    }

    /// The routes that `next` must not lead to.
    pub(crate) fn never_next(&self) -> [&str; 7] {
        [&self.login, &self.logout, &self.signup, &self.refresh, &self.reauthenticate, &self.bind, &self.bound]
    }
}

//! Where the pages are, what they are called and how they look.
//!
//! In the code of handlers and pages, the path of a page is the one in `router.rs`, such as `/account`.
//! [`SiteSettings::path`] converts it into the public path, such as `/auth/account`.

mod colors;
mod page;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use colors::Color;
pub(crate) use colors::Colors;
pub(crate) use page::Templates;
pub use page::{Page, PageView};

/// Who can create an account on the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registration {
    /// Everyone can create an account on the sign-up page.
    #[default]
    Open,
    /// Visitors cannot create accounts. The sign-up page says so, and the other pages have no link to the sign-up page.
    /// `POST /signup` responds with 403 and the code `registration_closed`. Your application and the operator can still
    /// create accounts.
    Closed,
}

/// The settings that a site's pages, emails and cookies need. The authenticator's settings determine whether cookies
/// are `Secure`.
#[derive(Clone, Debug)]
pub(crate) struct SiteSettings {
    /// The public path of the pages, without a trailing slash. Empty if the pages are at the root of the host.
    pub(crate) prefix: String,
    /// The public path of the application's home page.
    pub(crate) home: String,
    /// The public path of the log-in page, which can be a page of the application.
    pub(crate) log_in: String,
    /// The public path of the sign-up page, which can be a page of the application.
    pub(crate) sign_up: String,
    /// The name of the site. Empty if no name was set and there is no base URL.
    pub(crate) name: String,
    /// The path of the logo.
    pub(crate) logo: Option<String>,
    /// The paths of the application's stylesheets.
    pub(crate) stylesheets: Vec<String>,
    pub(crate) colors: Colors,
    pub(crate) registration: Registration,
    pub(crate) templates: Templates,
    pub(crate) has_health_check: bool,
    pub(crate) has_openapi: bool,
    /// Whether this is the site of `hardtack serve`, with a home page, a `/service` page and the brand "Hardtack".
    pub(crate) is_demo: bool,
}

impl Default for SiteSettings {
    /// Returns the settings of a site that has no name and whose pages are at the root of its host.
    fn default() -> Self {
        Self {
            prefix: String::new(),
            home: "/".into(),
            log_in: "/login".into(),
            sign_up: "/signup".into(),
            name: String::new(),
            logo: None,
            stylesheets: Vec::new(),
            colors: Colors::default(),
            registration: Registration::Open,
            templates: Templates::default(),
            has_health_check: true,
            has_openapi: true,
            is_demo: false,
        }
    }
}

impl SiteSettings {
    /// Returns the settings of `hardtack serve`.
    pub(crate) fn demo() -> Self {
        Self { name: "Hardtack".into(), logo: Some("/assets/hardtack.svg".into()), is_demo: true, ..Self::default() }
    }

    /// Returns the public path of a page. The path can have a query.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Returns the `Path` attribute of a cookie for the page at `path`. If `path` is `/`, the cookie is for all of the
    /// site's pages.
    pub(crate) fn cookie_path(&self, path: &str) -> Cow<'_, str> {
        match (self.prefix.as_str(), path) {
            ("", path) => Cow::Owned(path.to_owned()),
            (prefix, "/") => Cow::Borrowed(prefix),
            (prefix, path) => Cow::Owned(format!("{prefix}{path}")),
        }
    }

    /// Converts a public path into the path that `router.rs` uses. Returns `None` if the public path is outside the
    /// site.
    pub(crate) fn own_path<'p>(&self, public: &'p str) -> Option<&'p str> {
        public.strip_prefix(self.prefix.as_str()).filter(|path| path.starts_with('/'))
    }

    /// Returns the URL of the site's stylesheet.
    pub(crate) fn stylesheet(&self) -> String {
        self.path(if self.is_demo { "/assets/hardtack.css" } else { "/assets/site.css" })
    }

    /// Returns whether visitors can sign up.
    pub(crate) fn lets_sign_up(&self) -> bool {
        self.registration == Registration::Open
    }
}

/// The site's settings, for `Accounts`. The application opens `Accounts` before it builds the site. The site then
/// stores its settings here, because the emails and error pages of `Accounts` need them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedSettings(Arc<OnceLock<Arc<SiteSettings>>>);

impl SharedSettings {
    /// Stores the settings. Returns `false` if settings have already been stored.
    pub(crate) fn set(&self, settings: &Arc<SiteSettings>) -> bool {
        self.0.set(Arc::clone(settings)).is_ok()
    }

    /// Returns the settings, or the defaults if no site has been built yet.
    pub(crate) fn get(&self) -> Arc<SiteSettings> {
        self.0.get().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_below_the_prefix() {
        let root = SiteSettings::default();
        let below = SiteSettings { prefix: "/auth".into(), ..SiteSettings::default() };
        assert_eq!((root.path("/login?a"), below.path("/login?a")), ("/login?a".into(), "/auth/login?a".into()));
        assert_eq!((root.cookie_path("/"), root.cookie_path("/account")), ("/".into(), "/account".into()));
        assert_eq!((below.cookie_path("/"), below.cookie_path("/account")), ("/auth".into(), "/auth/account".into()));
        assert_eq!((root.own_path("/login"), below.own_path("/auth/login")), (Some("/login"), Some("/login")));
        for foreign in ["/login", "/authority", "/auth"] {
            assert_eq!(below.own_path(foreign), None, "{foreign}");
        }
    }
}

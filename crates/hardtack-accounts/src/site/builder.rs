//! Builds a site.

use std::sync::Arc;

use hardtack::Authenticator;
use hardtack::request::NextPath;

use super::{Site, SiteError};
use crate::accounts::Accounts;
use crate::settings::{Color, Page, PageView, Registration, SiteSettings};

/// Builds a [`Site`]. The builder sets the path of the pages, the name of the site, and the look of the pages.
///
/// By default, the pages are at the root of the host, and the name of the site is the name of the host. The section
/// [Routes](crate#routes) lists the paths of the pages.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SiteBuilder {
    auth: Authenticator,
    accounts: Accounts,
    at: String,
    name: Option<String>,
    colors: Vec<(Color, String, String)>,
    settings: SiteSettings,
}

impl Site {
    /// Returns a builder for a site whose users are in `accounts`. Configure the authenticator with
    /// [`Accounts::configure`]. If the pages are not at the root of the host, also pass the result of
    /// [`urls_at`](Self::urls_at) to the authenticator's builder.
    ///
    /// ```no_run
    /// use axum::{Router, response::Html, routing::get};
    /// use hardtack::{Authenticator, KeySet};
    /// use hardtack_accounts::{Accounts, Color, Registration, Site};
    /// use hardtack_axum::AuthLayer;
    ///
    /// # async fn app(keys: KeySet, accounts: Accounts) -> Result<Router, Box<dyn std::error::Error>> {
    /// let auth = accounts
    ///     .configure(Authenticator::builder(keys))
    ///     .urls(Site::urls_at("/auth"))
    ///     .base_url("https://shop.example")
    ///     .build()?;
    /// let site = Site::builder(auth.clone(), accounts)
    ///     .at("/auth")
    ///     .name("Corner Shop")
    ///     .color(Color::Button, "#7a1f3d", "#f2a7bf")
    ///     .registration(Registration::Closed)
    ///     .build()?;
    /// let shop = Router::new().route("/", get(|| async { Html("<h1>Corner Shop</h1>") }));
    /// let app = shop.merge(site.router()).layer(AuthLayer::new(auth));
    /// # Ok(app)
    /// # }
    /// ```
    pub fn builder(auth: Authenticator, accounts: Accounts) -> SiteBuilder {
        SiteBuilder::new(auth, accounts)
    }

    /// Builds the site that `hardtack serve` runs. It has a home page, a page `/service`, and the brand "Hardtack".
    #[doc(hidden)]
    pub fn demo(auth: Authenticator, accounts: Accounts) -> Self {
        SiteBuilder::new(auth, accounts).build_demo()
    }
}

impl SiteBuilder {
    fn new(auth: Authenticator, accounts: Accounts) -> Self {
        let (at, name, colors) = (String::new(), None, Vec::new());
        Self { auth, accounts, at, name, colors, settings: SiteSettings::default() }
    }

    /// Sets the path of the pages, such as `/auth`. The log-in page is then at `/auth/login`. Build the authenticator
    /// with [`Site::urls_at`] and the same path.
    ///
    /// If the [base URL](hardtack::AuthenticatorBuilder::base_url) has a path, the path of the pages is appended to it.
    /// For example, if the base URL is `https://site.example/shop`, browsers find the log-in page at
    /// `/shop/auth/login`. Either let a proxy strip `/shop`, or nest your whole router at `/shop`.
    pub fn at(mut self, path: &str) -> Self {
        self.at = if path == "/" { String::new() } else { path.to_owned() };
        self
    }

    /// Sets the site's name, which appears in the title and the header of each page, and in emails. Default: the host
    /// of the base URL.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the logo: the path of an image that your application serves. The header of each page shows the logo next to
    /// the site's name, 36 pixels wide. Browsers also use the logo as the favicon. Default: none.
    pub fn logo(mut self, path: &str) -> Self {
        self.settings.logo = Some(path.to_owned());
        self
    }

    /// Sets one of the pages' colors. `light` and `dark` are the CSS colors for light and for dark backgrounds. The
    /// contrast between text and background should be at least 4.5:1.
    pub fn color(mut self, color: Color, light: &str, dark: &str) -> Self {
        self.colors.push((color, light.to_owned(), dark.to_owned()));
        self
    }

    /// Adds a stylesheet of your application to each page. It is loaded after the site's own stylesheet. Your
    /// application must serve it at `path`.
    pub fn stylesheet(mut self, path: &str) -> Self {
        self.settings.stylesheets.push(path.to_owned());
        self
    }

    /// Sets who may create an account. Default: everyone.
    pub const fn registration(mut self, registration: Registration) -> Self {
        self.settings.registration = registration;
        self
    }

    /// Renders a page with one of your application's templates. The template gets the parts of the page and returns the
    /// HTML document. The page's handlers, checks and limits stay the same.
    ///
    /// The page's Content-Security-Policy allows stylesheets and images from your site. It forbids inline styles and
    /// your application's scripts.
    ///
    /// ```
    /// # use hardtack_accounts::{Page, SiteBuilder};
    /// # fn with_template(builder: SiteBuilder) -> SiteBuilder {
    /// builder.page(Page::LogIn, |page| {
    ///     let (head, notice, content) = (page.head_html(), page.notice_html(), page.content_html());
    ///     format!("<!DOCTYPE html><html lang=en><head>{head}</head><body>{notice}{content}</body></html>")
    /// })
    /// # }
    /// ```
    pub fn page(mut self, page: Page, template: impl Fn(&PageView<'_>) -> String + Send + Sync + 'static) -> Self {
        self.settings.templates.set(page, template);
        self
    }

    /// Leaves out the route `/healthz`. Call this method if your application defines its own `/healthz`.
    pub const fn without_health_check(mut self) -> Self {
        self.settings.has_health_check = false;
        self
    }

    /// Leaves out `/openapi.json`, the description of the routes for API clients.
    pub const fn without_openapi(mut self) -> Self {
        self.settings.has_openapi = false;
        self
    }

    /// Builds the site.
    ///
    /// # Errors
    /// - The path of the pages does not begin with a slash, ends with a slash, or contains a character that is not
    ///   allowed in a path.
    /// - One of the authenticator's URLs for log-out, refresh, re-authentication or device binding differs from the URL
    ///   of the corresponding page.
    /// - The site address that was passed to [`Accounts::with_mail`] is not the address of the pages.
    /// - The site's name is empty or contains control characters.
    /// - A color is not a valid CSS color.
    /// - The path of a stylesheet or the logo is not a path on this site.
    /// - A site has already been built from these accounts.
    pub fn build(mut self) -> Result<Site, SiteError> {
        let path = NextPath::parse(&self.at);
        let is_folder = path.is_some_and(|path| path.as_str() == self.at)
            && !self.at.ends_with('/')
            && !self.at.contains("//")
            && !self.at.contains(['?', '#', ';', '{', '}', '*', '%', '"']);
        if !(self.at.is_empty() || is_folder) {
            return Err(SiteError::BadPath { path: self.at });
        }
        self.read_urls();
        self.check_urls()?;
        self.check_mail_address()?;
        self.settings.name = match self.name.take() {
            Some(name) if name.trim().is_empty() || name.chars().any(char::is_control) => {
                return Err(SiteError::BadName { name });
            }
            Some(name) => name.trim().to_owned(),
            None => self.auth.origin().and_then(|origin| origin.split_once("://")).map_or("", |(_, host)| host).into(),
        };
        let files = self.settings.stylesheets.iter().map(|path| ("stylesheet", path));
        for (what, path) in files.chain(self.settings.logo.iter().map(|path| ("logo", path))) {
            if NextPath::parse(path).is_none_or(|parsed| parsed.as_str() != path) {
                return Err(SiteError::ForeignFile { what, path: path.clone() });
            }
        }
        for (color, light, dark) in &self.colors {
            let set = self.settings.colors.set(*color, light, dark);
            set.map_err(|value| SiteError::BadColor { color: *color, value })?;
        }
        let accounts = self.accounts.clone();
        let site = self.finish();
        if !accounts.settings().set(&site.settings) {
            return Err(SiteError::SecondSite);
        }
        Ok(site)
    }

    fn build_demo(mut self) -> Site {
        self.settings = SiteSettings::demo();
        self.read_urls();
        self.settings.logo = Some(self.settings.path("/assets/hardtack.svg"));
        let site = self.finish();
        site.accounts.settings().set(&site.settings);
        site
    }

    fn finish(self) -> Site {
        let Self { auth, accounts, at, settings, .. } = self;
        let accounts = Arc::new(accounts.for_site(&auth));
        Site { auth, accounts, settings: Arc::new(settings), at: at.into(), contact: None }
    }

    /// Reads the URLs from the authenticator. If the path of the pages does not begin with the base URL's path, puts
    /// the base URL's path in front of it.
    fn read_urls(&mut self) {
        let urls = self.auth.urls();
        self.settings.home = urls.home_path().to_owned();
        self.settings.log_in = urls.login_path().to_owned();
        self.settings.sign_up = urls.signup_path().to_owned();
        let base = self.auth.base_url().unwrap_or_default();
        let base = base.strip_prefix(self.auth.origin().unwrap_or_default()).unwrap_or_default();
        let has_base = self.at.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.settings.prefix = if has_base { self.at.clone() } else { format!("{base}{}", self.at) };
    }

    /// Checks the authenticator's URLs, except for the URLs of the log-in page and the sign-up page. The application
    /// can have log-in and sign-up pages of its own.
    fn check_urls(&self) -> Result<(), SiteError> {
        let urls = self.auth.urls();
        let pages = [
            ("log-out URL", urls.logout_path(), "/logout"),
            ("refresh URL", urls.refresh_path(), "/token/refresh"),
            ("re-authentication URL", urls.reauthenticate_path(), "/reauthenticate"),
            ("URL for binding sessions", urls.bind_path(), "/token/bind"),
            ("refresh URL of bound sessions", urls.bound_path(), "/token/bound"),
        ];
        for (what, url, page) in pages {
            let expected = self.settings.path(page);
            if url != expected {
                let at = if self.at.is_empty() { "/".to_owned() } else { self.at.clone() };
                return Err(SiteError::UrlMismatch { at, what, url: url.to_owned(), expected });
            }
        }
        Ok(())
    }

    fn check_mail_address(&self) -> Result<(), SiteError> {
        let (Some(address), Some(origin)) = (self.accounts.mail_address(), self.auth.origin()) else { return Ok(()) };
        let expected = format!("{origin}{}", self.settings.prefix);
        if address == expected {
            return Ok(());
        }
        Err(SiteError::MailAddressMismatch { address: address.to_owned(), expected })
    }
}

//! A browser for testing an application's routes. It keeps cookies, and its requests contain the header fields that
//! Hardtack checks.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, UNIX_EPOCH};

use super::{CookieJar, StoredCookie, TestRequest};
use crate::authenticator::{Authenticator, LogIn};
use crate::cookie::{SetCookies, Setting};
use crate::csrf::PreSessionKey;
use crate::jwt::TokenKind;

/// A web framework. A [`TestBrowser`] creates requests for applications that use this framework. Adapters implement
/// this trait.
pub trait Framework: 'static {
    /// The type of the requests that a [`TestBrowser`] creates. Tests convert these requests into the framework's own
    /// requests.
    type Request: From<TestRequest>;
}

/// A response from which a [`TestBrowser`] takes cookies. Adapters implement this trait for the response type of the
/// framework `F`.
pub trait SetCookieFields<F> {
    /// Returns the values of the `Set-Cookie` fields, in order.
    fn set_cookies(&self) -> Vec<String>;
}

/// A stand-in framework for tests of the core, which does not depend on any framework.
#[derive(Clone, Copy, Debug)]
pub struct NoFramework;

impl Framework for NoFramework {
    type Request = TestRequest;
}

impl SetCookieFields<NoFramework> for SetCookies {
    fn set_cookies(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

/// A browser for testing an application's routes. A clone is a second browser with the same cookies.
///
/// A `TestBrowser` sends its requests as a browser does from a page of the site, with the cookies, `Host` and
/// `Sec-Fetch-Site`. For methods that are not safe, it adds `Origin` and sends the CSRF value in the `X-CSRF-TOKEN`
/// header. The authenticator's settings determine the names of the cookies and of the CSRF header. `Accept` is not set,
/// so a refused request gets a problem document. To get the redirects and pages that browsers get, add
/// `.header("accept", "text/html")`.
///
/// Cookies expire according to the authenticator's clock.
///
/// ```
/// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
/// use hardtack::testing::{NoFramework, TestBrowser};
///
/// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
/// let visitor = TestBrowser::<NoFramework>::new(&auth);
/// let request = visitor.post("/login").form(&[("username", "alice")]);
/// assert_eq!(request.head().header_text("origin"), Some("https://site.example"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TestBrowser<F> {
    authenticator: Authenticator,
    jar: CookieJar,
    framework: PhantomData<fn() -> F>,
}

impl<F: Framework> TestBrowser<F> {
    /// Creates a browser for a visitor who is not logged in. The browser has already opened a page with a log-in form,
    /// so it can post this form.
    pub fn new(authenticator: &Authenticator) -> Self {
        let clock = authenticator.clone();
        let now = move || UNIX_EPOCH + Duration::from_secs(clock.now().unix_seconds().unsigned_abs());
        let mut browser =
            Self { authenticator: authenticator.clone(), jar: CookieJar::with_clock(now), framework: PhantomData };
        let policy = authenticator.cookies();
        let setting = Setting { domain: None, max_age: None, now: authenticator.now() };
        let mut cookies = SetCookies::default();
        // If a cookie is too long for browsers, it is not stored.
        let _ = policy.set(&policy.pre_session, &PreSessionKey::nonce(), &setting, &mut cookies);
        browser.store(cookies.iter());
        browser
    }

    /// Logs the browser in without calling the application's log-in route. The browser's previous session does not end.
    ///
    /// # Panics
    /// Panics if the log-in fails, for example because the session store fails.
    #[allow(clippy::panic, reason = "a panic with a message is how a test fails")]
    pub async fn log_in(&mut self, log_in: impl Into<LogIn>) {
        match self.authenticator.log_in(log_in).await {
            Ok(cookies) => self.store(cookies.iter()),
            Err(error) => panic!("the log-in failed: {error}"),
        }
    }

    /// Creates a GET request. `target` is a path, which may have a query.
    pub fn get(&self, target: &str) -> F::Request {
        self.request("GET", target)
    }

    /// Creates a POST request.
    pub fn post(&self, target: &str) -> F::Request {
        self.request("POST", target)
    }

    /// Creates a PUT request.
    pub fn put(&self, target: &str) -> F::Request {
        self.request("PUT", target)
    }

    /// Creates a PATCH request.
    pub fn patch(&self, target: &str) -> F::Request {
        self.request("PATCH", target)
    }

    /// Creates a DELETE request.
    pub fn delete(&self, target: &str) -> F::Request {
        self.request("DELETE", target)
    }

    /// Creates a request with any method.
    pub fn request(&self, method: &str, target: &str) -> F::Request {
        let (origin, host) = self.origin_and_host();
        let mut request = TestRequest::new(method, target).host(host).field("sec-fetch-site", "same-origin");
        let public = self.authenticator.settings().public_path(target);
        if let Some(cookies) = self.jar.header(&public, self.authenticator.sets_secure_cookies()) {
            request = request.field("cookie", cookies);
        }
        if !request.head().is_safe() {
            request = request.field("origin", origin);
            for (name, value) in self.csrf_fields(&request) {
                request = request.header(&name, value);
            }
        }
        request.into()
    }

    /// Stores, replaces or deletes cookies according to the response's `Set-Cookie` fields.
    pub fn receive(&mut self, response: &impl SetCookieFields<F>) {
        self.store(response.set_cookies().iter().map(String::as_str));
    }

    /// Returns the unexpired cookie with this name.
    pub fn cookie(&self, name: &str) -> Option<&StoredCookie> {
        self.jar.get(name)
    }

    /// Returns the cookie jar.
    pub fn jar(&mut self) -> &mut CookieJar {
        &mut self.jar
    }

    fn store<'c>(&mut self, cookies: impl Iterator<Item = &'c str>) {
        cookies.for_each(|cookie| self.jar.store(cookie, "/"));
    }

    /// Returns the site's origin and host. If no base URL is set, Hardtack accepts any origin that matches the
    /// request's host.
    fn origin_and_host(&self) -> (&str, &str) {
        let origin = self.authenticator.origin().unwrap_or("https://site.example");
        (origin, origin.split_once("://").map_or(origin, |(_, host)| host))
    }

    /// Returns the header fields that carry the CSRF value. The value belongs to the pre-session cookie if the browser
    /// is not logged in, or if the request is for the log-in or sign-up URL. In all other cases, the value belongs to
    /// the session.
    fn csrf_fields(&self, request: &TestRequest) -> Vec<(String, String)> {
        let (settings, head) = (self.authenticator.settings(), request.head());
        let (urls, path) = (&settings.urls, settings.public_path(head.path()));
        let mut fields = Vec::new();
        if path != urls.login.as_str() && path != urls.signup.as_str() {
            let mut kinds = [TokenKind::Refresh, TokenKind::Access];
            if path == urls.refresh.as_str() {
                kinds.reverse();
            }
            for kind in kinds {
                let token = self.authenticator.cookie_token(&head, kind).ok().flatten();
                let value = token.and_then(|token| token.any_age().csrf_value().map(str::to_owned));
                fields.extend(value.map(|value| (settings.csrf.names(kind).header.clone(), value)));
            }
        }
        if fields.is_empty()
            && let Some(nonce) = self.jar.get(self.authenticator.cookies().pre_session.name.as_str())
        {
            let value = self.authenticator.keys_in_use().pre_session.token(nonce.value.as_bytes());
            fields.push((settings.csrf.access.header.clone(), value));
        }
        fields
    }
}

impl<F> Clone for TestBrowser<F> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), jar: self.jar.clone(), framework: PhantomData }
    }
}

impl<F> fmt::Debug for TestBrowser<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBrowser").field("jar", &self.jar).finish_non_exhaustive()
    }
}

//! A test case's site: its authenticator, keys, clock, store and address.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use hardtack::jwt::Algorithm;
use hardtack::testing::{FailingSessions, TestClock};
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, LogIn, SetCookies, SigningKey};

use super::findings::Findings;
use super::summary::{RawResponse, summary};
use crate::adapter::{Adapter, Serving};
use crate::client::Client;

pub(crate) const HTTPS: &str = "https://site.example";
pub(crate) const HTTP: &str = "http://localhost:8080";

pub(crate) const ACCESS: &str = "__Host-access_token_cookie";
pub(crate) const REFRESH: &str = "__Host-Http-refresh_token_cookie";
pub(crate) const CSRF_ACCESS: &str = "__Host-csrf_access_token";
pub(crate) const PRE_SESSION: &str = "__Host-Http-csrf_pre_session";

/// The lifetime of the site's access tokens.
pub(crate) const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The lifetime of the site's refresh tokens.
pub(crate) const REFRESH_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings for a test case's site.
pub(crate) struct Setup {
    pub(crate) origin: &'static str,
    pub(crate) has_layer: bool,
    pub(crate) has_store: bool,
    pub(crate) algorithm: Algorithm,
    pub(crate) configure: Box<dyn FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            origin: HTTPS,
            has_layer: true,
            has_store: true,
            algorithm: Algorithm::HS256,
            configure: Box::new(|builder| builder),
        }
    }
}

/// The site under test.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) authenticator: Authenticator,
    pub(crate) keys: KeySet,
    pub(crate) clock: TestClock,
    pub(crate) store: FailingSessions,
    pub(crate) address: SocketAddr,
    pub(crate) origin: &'static str,
    findings: Findings,
}

impl Site {
    pub(crate) async fn start(adapter: &impl Adapter, setup: Setup) -> (Self, Serving) {
        let Setup { origin, has_layer, has_store, algorithm, configure } = setup;
        let keys = KeySet::new(SigningKey::generate(algorithm).unwrap());
        let (clock, store) = (TestClock::start_now(), FailingSessions::new());
        let builder = Authenticator::builder(keys.clone())
            .base_url(origin)
            .access_lifetime(ACCESS_LIFETIME)
            .refresh_lifetime(REFRESH_LIFETIME)
            .clock(clock.clone());
        let builder = if has_store { builder.sessions(store.clone()) } else { builder };
        let authenticator = configure(builder).build().unwrap();
        let serving = adapter.serve(has_layer.then(|| authenticator.clone())).await;
        let address = serving.address();
        (Self { authenticator, keys, clock, store, address, origin, findings: Findings::default() }, serving)
    }

    pub(crate) fn findings(&self) -> Findings {
        self.findings.clone()
    }

    /// Returns a browser without cookies.
    pub(crate) fn visitor(&self) -> Client {
        Client::new(self.address).at_origin(self.origin)
    }

    /// Returns a browser in which `alice` has just logged in.
    pub(crate) async fn alice(&self) -> Client {
        self.logged_in("alice").await
    }

    /// Returns a browser in which the given user has just logged in.
    pub(crate) async fn logged_in(&self, log_in: impl Into<LogIn>) -> Client {
        self.browser_with(&self.authenticator.log_in(log_in).await.unwrap())
    }

    /// Returns a browser with these cookies.
    pub(crate) fn browser_with(&self, cookies: &SetCookies) -> Client {
        let mut client = self.visitor();
        cookies.iter().for_each(|cookie| client.set_cookie_raw(cookie));
        client
    }

    /// Advances the clock until every access token has expired. Refresh tokens stay valid.
    pub(crate) fn expire_access(&self) {
        self.clock.advance(ACCESS_LIFETIME);
    }

    /// Advances the clock until every token has expired.
    pub(crate) fn expire_all(&self) {
        self.clock.advance(REFRESH_LIFETIME);
    }

    /// Adds a finding if `got` does not equal the expected value.
    #[track_caller]
    pub(crate) fn expect_eq<E: Debug, G: Debug + PartialEq<E>>(&self, what: &str, got: G, expected: E) {
        if got != expected {
            let line = std::panic::Location::caller();
            self.findings.add(format!(
                "  {what} ({}:{})\n    expected: {expected:?}\n         got: {got:?}",
                line.file().rsplit('/').next().unwrap_or_default(),
                line.line()
            ));
        }
    }

    /// Returns the [summary](summary()) of a response, and adds a finding for every general rule that the response
    /// breaks.
    #[track_caller]
    pub(crate) fn summary(&self, response: impl Into<RawResponse>) -> String {
        let response = response.into();
        for broken in response.broken_rules() {
            self.expect_eq(&broken, false, true);
        }
        summary(&response)
    }

    /// Adds a finding if the response's [summary](summary()) differs from the expected one. Also adds a finding for
    /// every general rule that the response breaks.
    #[track_caller]
    pub(crate) fn expect(&self, what: &str, response: impl Into<RawResponse>, expected: impl AsRef<str>) {
        self.expect_eq(what, self.summary(response), expected.as_ref().to_owned());
    }

    /// Returns how often the handlers that count their runs have been called. The request that this method itself sends
    /// does not count.
    pub(crate) async fn calls(&self) -> u64 {
        let cookies = self.authenticator.log_in("counter").await.unwrap();
        let response = self.browser_with(&cookies).get("/protected").send().await;
        response.json()["calls"].as_u64().unwrap() - 1
    }
}

/// Returns the double-submit value from a browser's cookie jar.
pub(crate) fn csrf_token(client: &Client) -> String {
    client.cookie(CSRF_ACCESS).unwrap().value.clone()
}

/// Returns the value of a cookie from a browser's cookie jar.
pub(crate) fn cookie_value(client: &Client, name: &str) -> String {
    client.cookie(name).unwrap_or_else(|| panic!("no cookie {name}")).value.clone()
}

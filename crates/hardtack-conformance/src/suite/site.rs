//! The site of one case: its authenticator, its clock, its address, and what was found amiss.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack::jwt::Algorithm;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, LogIn, SetCookies, SigningKey};

use super::store::SuiteStore;
use super::told::{Answer, told};
use super::{Adapter, Serving};
use crate::client::{Client, Response};

pub(super) const HTTPS: &str = "https://site.example";
pub(super) const HTTP: &str = "http://localhost:8080";

pub(super) const ACCESS: &str = "__Host-access_token_cookie";
pub(super) const REFRESH: &str = "__Host-refresh_token_cookie";
pub(super) const CSRF_ACCESS: &str = "__Host-csrf_access_token";
pub(super) const PRE_SESSION: &str = "__Host-csrf_pre_session";

/// How long the site's access tokens live.
pub(super) const ACCESS_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long its refresh tokens do.
pub(super) const REFRESH_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What went wrong in a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<Vec<String>>>);

impl Findings {
    pub(super) fn add(&self, finding: impl Into<String>) {
        self.0.lock().unwrap().push(finding.into());
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// How a case's site differs from the usual one.
pub(super) struct Setup {
    pub(super) origin: &'static str,
    pub(super) layered: bool,
    pub(super) stored: bool,
    pub(super) algorithm: Algorithm,
    pub(super) configure: Box<dyn FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            origin: HTTPS,
            layered: true,
            stored: true,
            algorithm: Algorithm::HS256,
            configure: Box::new(|builder| builder),
        }
    }
}

/// The site under test.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) authenticator: Authenticator,
    pub(super) keys: KeySet,
    pub(super) clock: TestClock,
    pub(super) store: SuiteStore,
    pub(super) address: SocketAddr,
    pub(super) origin: &'static str,
    findings: Findings,
}

impl Site {
    pub(super) async fn start(adapter: &impl Adapter, setup: Setup) -> (Self, Serving) {
        let Setup { origin, layered, stored, algorithm, configure } = setup;
        let keys = KeySet::new(SigningKey::generate(algorithm).unwrap());
        let (clock, store) = (TestClock::start_now(), SuiteStore::default());
        let builder = Authenticator::builder(keys.clone())
            .base_url(origin)
            .access_lifetime(ACCESS_LIFE)
            .refresh_lifetime(REFRESH_LIFE)
            .clock(clock.clone());
        let builder = if stored { builder.sessions(store.clone()) } else { builder };
        let authenticator = configure(builder).build().unwrap();
        let serving = adapter.serve(layered.then(|| authenticator.clone())).await;
        let address = serving.address;
        (Self { authenticator, keys, clock, store, address, origin, findings: Findings::default() }, serving)
    }

    pub(super) fn findings(&self) -> Findings {
        self.findings.clone()
    }

    /// A browser that was never here.
    pub(super) fn visitor(&self) -> Client {
        Client::new(self.address).at_origin(self.origin)
    }

    /// A browser in which alice has just logged in.
    pub(super) async fn alice(&self) -> Client {
        self.browser_of("alice").await
    }

    /// A browser in which someone has just logged in.
    pub(super) async fn browser_of(&self, log_in: impl Into<LogIn>) -> Client {
        self.browser_with(&self.authenticator.log_in(log_in).await.unwrap())
    }

    /// A browser that was sent these cookies.
    pub(super) fn browser_with(&self, cookies: &SetCookies) -> Client {
        let mut client = self.visitor();
        cookies.iter().for_each(|cookie| client.set_cookie_raw(cookie));
        client
    }

    /// Lets every access token expire, and no refresh token.
    pub(super) fn expire_access(&self) {
        self.clock.advance(ACCESS_LIFE);
    }

    /// Lets every token expire.
    pub(super) fn expire_all(&self) {
        self.clock.advance(REFRESH_LIFE);
    }

    /// Notes a finding unless both are the same.
    #[track_caller]
    pub(super) fn same<E: Debug, G: Debug + PartialEq<E>>(&self, what: &str, got: G, expected: E) {
        if got != expected {
            let line = std::panic::Location::caller();
            self.findings.add(format!(
                "  {what} ({}:{})\n    expected: {expected:?}\n         got: {got:?}",
                line.file().rsplit('/').next().unwrap_or_default(),
                line.line()
            ));
        }
    }

    /// A response in one line, once it has kept what holds of every response.
    #[track_caller]
    pub(super) fn told(&self, response: &Response) -> String {
        self.told_of(&Answer::of(response))
    }

    /// The same of an answer read by other means.
    #[track_caller]
    pub(super) fn told_of(&self, answer: &Answer) -> String {
        for broken in answer.broken_rules() {
            self.same(&broken, false, true);
        }
        told(answer)
    }

    /// Notes a finding unless a response reads so.
    #[track_caller]
    pub(super) fn expect(&self, what: &str, response: &Response, expected: impl AsRef<str>) {
        self.same(what, self.told(response), expected.as_ref().to_owned());
    }

    /// How often the handlers of `/protected` and `/echo` have run, this question not counted.
    pub(super) async fn calls(&self) -> u64 {
        let cookies = self.authenticator.log_in("counter").await.unwrap();
        let answer = self.browser_with(&cookies).get("/protected").send().await;
        answer.json()["calls"].as_u64().unwrap() - 1
    }
}

/// The double-submit value in a browser's jar.
pub(super) fn csrf_of(client: &Client) -> String {
    client.cookie(CSRF_ACCESS).unwrap().value.clone()
}

/// The value of a cookie in a browser's jar.
pub(super) fn value_of(client: &Client, name: &str) -> String {
    client.cookie(name).unwrap_or_else(|| panic!("no cookie {name}")).value.clone()
}

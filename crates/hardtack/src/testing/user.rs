//! A user for tests of an application's routes.

use std::fmt;
use std::marker::PhantomData;

use serde_json::Value;

use super::{Framework, TestBrowser};
use crate::authenticator::{Authenticator, Freshness, LogIn};

/// A user who is about to log in. The log-in does not go through the application's log-in route, so the test needs
/// no password and no row in the application's table of users.
///
/// By default, the log-in does not count as recent, so a route that needs a fresh token refuses the user's requests.
/// Call [`fresh`](Self::fresh) for a user who has just typed the password.
///
/// ```
/// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm, MemorySessions};
/// use hardtack::testing::{NoFramework, TestUser};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new()).build()?;
/// let alice = TestUser::<NoFramework>::new("alice").claim("role", "admin").fresh().log_in(&auth).await;
/// assert!(alice.get("/account").head().header_text("cookie").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
#[must_use = "a user has no cookies until log_in() is called"]
pub struct TestUser<F> {
    log_in: LogIn,
    framework: PhantomData<fn() -> F>,
}

impl<F: Framework> TestUser<F> {
    /// Creates a user with this id, which becomes the claim `sub`.
    pub fn new(subject: impl Into<String>) -> Self {
        Self::from_log_in(LogIn::new(subject).freshness(Freshness::Not))
    }

    /// Creates a user from a [`LogIn`], for example one that uses [`LogIn::remember`].
    pub fn from_log_in(log_in: LogIn) -> Self {
        Self { log_in, framework: PhantomData }
    }

    /// Adds a claim to every access token of the session.
    pub fn claim(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::from_log_in(self.log_in.claim(name, value))
    }

    /// Marks the log-in as recent, as if the user had just typed the password.
    pub fn fresh(self) -> Self {
        Self::from_log_in(self.log_in.freshness(Freshness::FreshLifetime))
    }

    /// Logs the user in and returns the user's browser.
    ///
    /// # Panics
    /// Panics if the log-in fails, for example because the session store fails or a claim has a reserved name.
    pub async fn log_in(self, authenticator: &Authenticator) -> TestBrowser<F> {
        let mut browser = TestBrowser::new(authenticator);
        browser.log_in(self.log_in).await;
        browser
    }
}

impl<F> fmt::Debug for TestUser<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestUser").field("log_in", &self.log_in).finish_non_exhaustive()
    }
}

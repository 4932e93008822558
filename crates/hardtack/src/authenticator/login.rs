//! A log-in, before it becomes a session.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::extra_claims::ClaimMap;
use crate::clock::Timestamp;
use crate::cookie::SetCookies;
use crate::event::cut_user_agent;
use crate::jwt::Fresh;
use crate::refusal::Reason;

/// How long a log-in counts as recent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// The log-in counts as recent for [`fresh_lifetime`](crate::AuthenticatorBuilder::fresh_lifetime), or until the
    /// access token expires, whichever comes first (`fresh=True`).
    #[default]
    FreshLifetime,
    /// The log-in counts as recent for this duration, or until the access token expires, whichever comes first.
    For(Duration),
    /// The log-in does not count as recent (`fresh=False`), for example because the user was recognized without a
    /// password.
    Not,
}

impl Freshness {
    pub(super) fn at(self, now: Timestamp) -> Fresh {
        match self {
            Self::FreshLifetime => Fresh::Yes,
            Self::For(span) => Fresh::Until(now + span),
            Self::Not => Fresh::No,
        }
    }
}

/// A log-in: the subject (the user's id), and the properties of the new session. A string converts into a log-in with
/// that string as its subject.
///
/// ```
/// use hardtack::LogIn;
/// let log_in = LogIn::new("alice").claim("role", "editor");
/// let short: LogIn = "alice".into();
/// ```
#[must_use = "a log-in does nothing until it is passed to log_in()"]
pub struct LogIn {
    pub(super) subject: String,
    pub(super) freshness: Freshness,
    pub(super) extra: ClaimMap,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
    pub(super) remember: Option<bool>,
    pub(super) confirm: Option<Confirm>,
}

/// The check that was passed to [`LogIn::confirm`].
pub(super) type Confirm =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<SetCookies, Reason>> + Send>> + Send + Sync>;

impl LogIn {
    /// Creates a log-in for `subject`, which becomes the claim `sub`. Use an id that never changes, not a name.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            freshness: Freshness::default(),
            extra: ClaimMap::default(),
            user_agent: None,
            address: None,
            remember: None,
            confirm: None,
        }
    }

    /// Returns the subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Sets how long the log-in counts as recent. Default: [`Freshness::FreshLifetime`].
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// Adds a claim to every access token of the session.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.set(name.into(), value.into());
        self
    }

    /// Adds claims to every access token of the session. `claims` must serialize to a JSON object.
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.extra.set_all(claims);
        self
    }

    /// Sets whether the cookies outlive the browser ("remember me"). The default is set with
    /// [`CookiePolicy::session_cookies`](crate::CookiePolicy::session_cookies).
    ///
    /// Cookies that outlive the browser last as long as the session. The choice applies to the whole session, and is
    /// stored in the session's row. Without a store, it is stored in the tokens, as the claim `persistent_cookies`.
    pub fn remember(mut self, remember: bool) -> Self {
        self.remember = Some(remember);
        self
    }

    /// Sets the user agent to show in a list of the user's devices. It is truncated to 256 bytes.
    pub fn user_agent(mut self, agent: &str) -> Self {
        self.user_agent = Some(cut_user_agent(agent).to_owned());
        self
    }

    /// Sets the address to show in a list of the user's devices.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Sets a check that runs after the session has been stored. If the check returns an error, the new session ends,
    /// and the log-in is refused with that error. If the check succeeds, the cookies that it returns are set together
    /// with the session's cookies.
    ///
    /// A user's password can change while a log-in is in progress. The password change ends only the sessions that are
    /// already in the store, so it misses the session that the log-in is about to store. To prevent this, let `check`
    /// find out whether the user still has the password that was verified.
    ///
    /// ```
    /// use hardtack::refusal::Reason;
    /// use hardtack::{BackendError, LogIn, SetCookies};
    /// # async fn password_version(_: &str) -> Result<u64, std::io::Error> { Ok(1) }
    ///
    /// fn log_in(id: String, verified_version: u64) -> LogIn {
    ///     LogIn::new(id.clone()).confirm(async move || {
    ///         match password_version(&id).await {
    ///             Ok(version) if version == verified_version => Ok(SetCookies::default()),
    ///             Ok(_) => Err(Reason::from("The password has just been changed. Log in with the new password.")),
    ///             Err(error) => Err(BackendError::new(error).into()),
    ///         }
    ///     })
    /// }
    /// ```
    pub fn confirm<F>(mut self, check: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<SetCookies, Reason>> + Send + 'static,
    {
        self.confirm = Some(Box::new(move || Box::pin(check())));
        self
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, freshness, extra, user_agent, address, remember, confirm } = self;
        f.debug_struct("LogIn")
            .field("subject", subject)
            .field("freshness", freshness)
            .field("extra", extra)
            .field("user_agent", user_agent)
            .field("address", address)
            .field("remember", remember)
            .field("confirm", &confirm.as_ref().map(|_| "…"))
            .finish()
    }
}

impl From<&str> for LogIn {
    fn from(subject: &str) -> Self {
        Self::new(subject)
    }
}

impl From<String> for LogIn {
    fn from(subject: String) -> Self {
        Self::new(subject)
    }
}

impl From<&String> for LogIn {
    fn from(subject: &String) -> Self {
        Self::new(subject.as_str())
    }
}

//! What a log-in may say beyond who logs in.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::given_claims::GivenClaims;
use crate::clock::Timestamp;
use crate::event::cut_user_agent;
use crate::jwt::Fresh;

/// How long a log-in counts as recent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// As long as the first access token lives (`fresh=True`).
    #[default]
    TokenLife,
    /// For this long.
    For(Duration),
    /// Not at all (`fresh=False`): the user was recognised otherwise than by a password.
    Not,
}

impl Freshness {
    pub(super) fn at(self, now: Timestamp) -> Fresh {
        match self {
            Self::TokenLife => Fresh::Yes,
            Self::For(span) => Fresh::Until(now + span),
            Self::Not => Fresh::No,
        }
    }
}

/// A log-in: a subject, and what goes with it. A bare string is one, too.
///
/// ```
/// use hardtack::LogIn;
/// let log_in = LogIn::new("alice").claim("role", "editor");
/// let short: LogIn = "alice".into();
/// ```
#[derive(Debug)]
#[must_use = "a log-in does nothing until it is given to log_in()"]
pub struct LogIn {
    pub(super) subject: String,
    pub(super) freshness: Freshness,
    pub(super) extra: GivenClaims,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
    pub(super) remember: Option<bool>,
}

impl LogIn {
    /// A log-in of `subject`, the claim `sub`: an id that stays, not a name that changes.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            freshness: Freshness::default(),
            extra: GivenClaims::default(),
            user_agent: None,
            address: None,
            remember: None,
        }
    }

    /// How long it counts as recent.
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// A claim that every access token of the session repeats.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.set(name.into(), value.into());
        self
    }

    /// Claims from a value that serialises to a JSON object.
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.extra.set_all(claims);
        self
    }

    /// Whether the cookies outlive the browser: "remember me". They last as long as the session then,
    /// and those of its refreshes too; otherwise they end with the browser. As
    /// [`CookiePolicy::session_cookies`](crate::CookiePolicy::session_cookies) says unless called.
    ///
    /// The session keeps the choice; without a store the tokens carry it, as the claim
    /// `persistent_cookies`.
    pub fn remember(mut self, remember: bool) -> Self {
        self.remember = Some(remember);
        self
    }

    /// The browser, for the device page; cut to 256 bytes.
    pub fn user_agent(mut self, agent: &str) -> Self {
        self.user_agent = Some(cut_user_agent(agent).to_owned());
        self
    }

    /// The address, for the device page.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
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

//! The steps of a verification, as plain data.

use std::fmt;

use serde_json::{Value, json};

use crate::clock::Timestamp;

/// An explanation of how a request was verified, or of what a browser does with a `Set-Cookie` field.
///
/// The `Display` form of an explanation is a short text with one line for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// When the request was verified.
    pub at: Timestamp,
    /// What the explanation is about, such as `GET /account`. The query is left out, because it might contain tokens.
    pub what: String,
    /// The result.
    pub outcome: Outcome,
    /// The checks, in the order in which they are made.
    pub steps: Vec<Step>,
    /// What to change if the request was refused or something looks wrong.
    pub advice: Option<String>,
}

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The request was accepted.
    Accepted,
    /// The route also serves visitors, and treated the client as a visitor.
    Visitor,
    /// The request was refused. The code is the one that [`Reason::code`](crate::refusal::Reason::code) returns. For a
    /// `Set-Cookie` field that the browser ignores, the code is `ignored`.
    Refused(&'static str),
}

/// One check in a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What was checked.
    pub check: Check,
    /// The result of the check.
    pub verdict: Verdict,
    /// What was found, in one or two sentences.
    pub text: String,
}

/// What a step checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The adapter's layer wraps the route.
    Layer,
    /// The request has a token.
    Token,
    /// The token was signed with one of the application's keys.
    Signature,
    /// The token's claims: kind, issuer, audience and times.
    Claims,
    /// The refresh token can replace an access token that is missing or has expired.
    Refresh,
    /// The request comes from this site and contains the token's CSRF value.
    Csrf,
    /// The token's session has not ended.
    Session,
    /// The client has proved that it has the session's device key.
    Binding,
    /// The user has entered the password recently.
    Freshness,
    /// The application's own checks (of the user, claims, permissions and store) succeeded.
    Application,
    /// The name and size of a cookie, and the requirements of its name's prefix.
    Name,
    /// The scheme over which a browser stores and sends a cookie (`Secure`).
    Scheme,
    /// The hosts and paths to which a browser sends a cookie (`Domain`, `Path`).
    Scope,
    /// Whether a browser sends a cookie with requests from other sites (`SameSite`).
    SameSite,
    /// How long a browser keeps a cookie (`Max-Age`, `Expires`).
    Lifetime,
}

impl Check {
    /// Returns a stable name in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Token => "token",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Refresh => "refresh",
            Self::Csrf => "csrf",
            Self::Session => "session",
            Self::Binding => "binding",
            Self::Freshness => "freshness",
            Self::Application => "application",
            Self::Name => "name",
            Self::Scheme => "scheme",
            Self::Scope => "scope",
            Self::SameSite => "same_site",
            Self::Lifetime => "lifetime",
        }
    }
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The check succeeded.
    Passed,
    /// The check found something noteworthy, but did not refuse the request. For example, the access token had expired
    /// and was replaced.
    Noted,
    /// This check refused the request.
    Refused,
    /// The check was skipped, because the route does not need it or an earlier check refused the request.
    Skipped,
}

impl Verdict {
    /// Returns a stable name in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Noted => "noted",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

impl Step {
    pub(crate) fn new(check: Check, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { check, verdict, text: text.into() }
    }
}

impl Explanation {
    /// Returns the step that refused the request. If the client was served as a visitor, returns the step that refused
    /// the client's cookies.
    pub fn refusal(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.verdict == Verdict::Refused)
    }

    /// Returns the explanation as JSON: the members `at` (seconds since 1970), `what`, `outcome` (`accepted`, `visitor`
    /// or `refused`), `code` (for `refused`), `steps` (each with `check`, `verdict` and `text`) and `advice`.
    pub fn to_json(&self) -> Value {
        let step =
            |step: &Step| json!({ "check": step.check.name(), "verdict": step.verdict.name(), "text": step.text });
        json!({
            "at": self.at.unix_seconds(),
            "what": self.what,
            "outcome": self.outcome.name(),
            "code": self.outcome.code(),
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "advice": self.advice,
        })
    }

    /// Logs the step that refused the request, and the advice. If the code is `missing_token` or `refresh_needed`, or
    /// if the client was served as a visitor, the level is `DEBUG`. Otherwise, the level is `INFO`.
    pub(crate) fn log(&self) {
        let Some(step) = self.refusal() else { return };
        let (what, check, text) = (self.what.as_str(), step.check.name(), step.text.as_str());
        let advice = self.advice.as_deref();
        match self.outcome {
            Outcome::Refused(code) if !matches!(code, "missing_token" | "refresh_needed") => {
                tracing::info!(event = "refusal_explained", what, code, check, advice, "{text}");
            }
            Outcome::Refused(_) | Outcome::Visitor | Outcome::Accepted => {
                tracing::debug!(event = "refusal_explained", what, code = self.outcome.code(), check, advice, "{text}");
            }
        }
    }
}

impl Outcome {
    /// Returns `accepted`, `visitor` or `refused`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Visitor => "visitor",
            Self::Refused(_) => "refused",
        }
    }

    /// Returns the code of a refusal.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Refused(code) => Some(code),
            Self::Accepted | Self::Visitor => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused ({code})"),
            Self::Visitor => f.write_str("served as a visitor"),
            Self::Accepted => f.write_str("accepted"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.outcome)?;
        for Step { check, verdict, text } in &self.steps {
            write!(f, "\n  {:<8} {:<11} {text}", verdict.name(), check.name())?;
        }
        match &self.advice {
            Some(advice) => write!(f, "\n  What to change: {advice}"),
            None => Ok(()),
        }
    }
}

//! One failure, one reply: status, fields, body and cookies, free of any framework.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub(crate) mod flask;

use super::{FailureKind, Reason};
use crate::config::{RefreshMode, Settings};
use crate::cookie::SetCookies;
use crate::error::BackendError;
use crate::request::{NextPath, RequestHead, Wants};
use crate::token::VerifiedToken;

/// `Cache-Control` of what is for one person only (ASVS 5.0 V14.3.2).
pub const NO_STORE: &str = "private, no-store";

/// A response in plain data, for an adapter to translate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header fields except `Set-Cookie`.
    pub headers: Vec<(&'static str, String)>,
    /// The body; its `Content-Type` is among the fields.
    pub body: String,
    /// `Set-Cookie` fields.
    pub cookies: SetCookies,
}

impl Reply {
    /// A reply with a status and nothing else.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), cookies: SetCookies::default() }
    }

    /// A redirect: 303 turns any method into GET, 307 repeats method and body (RFC 9110 §15.4).
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::new(status).header("location", location)
    }

    /// A page.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "text/html; charset=utf-8")
    }

    /// A line of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "text/plain; charset=utf-8")
    }

    /// A JSON document.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { body: body.to_string(), ..Self::new(status) }.header("content-type", "application/json")
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What a handler of failures gets to see.
#[non_exhaustive]
pub struct Refused<'a> {
    /// Why.
    pub reason: &'a Reason,
    /// The form in which the client wants its answer.
    pub wants: Wants,
    /// The request.
    pub head: RequestHead<'a>,
    /// The page to come back to, if the request names one.
    pub next: Option<NextPath>,
    /// The token that was refused, as far as it was verified: expired, not fresh, revoked, of an unknown user, or
    /// with claims that were not accepted.
    pub token: Option<&'a VerifiedToken>,
    pub(crate) settings: &'a Settings,
    /// What Flask-JWT-Extended says, where its words depend on the request.
    pub(crate) detail: Option<&'a str>,
}

impl Refused<'_> {
    /// What would be answered without a handler: to add to, or for the clients that it leaves alone.
    pub fn default_reply(&self) -> Reply {
        default_reply(self, self.settings)
    }
}

impl fmt::Debug for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("reason", &self.reason.code())
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}

/// The application's own replies.
pub(crate) type Handlers = HashMap<FailureKind, Arc<dyn Fn(&Refused<'_>) -> Reply + Send + Sync>>;

/// A refused request with the reply that its client gets.
pub struct Failure(Box<Parts>);

struct Parts {
    reason: Reason,
    reply: Reply,
}

impl Failure {
    pub(crate) fn new(reason: Reason, reply: Reply) -> Self {
        reason.log();
        Self(Box::new(Parts { reason, reply }))
    }

    /// A failure with no request at hand to answer in the client's own form: its reply is one sentence of
    /// plain text. Within a request, [`Exchange::refuse`](crate::adapter::Exchange::refuse) answers better.
    ///
    /// ```
    /// use hardtack::Failure;
    /// use hardtack::refusal::Reason;
    /// let failure = Failure::outside(Reason::NotSetUp("no layer wraps this route".into()));
    /// assert_eq!(failure.reply().status, 500);
    /// ```
    pub fn outside(reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        let reply = Reply::text(reason.kind().status(), reason.advice()).header("cache-control", NO_STORE);
        let reply = if reply.status == 503 { reply.header("retry-after", "5") } else { reply };
        Self::new(reason, reply)
    }

    /// Why, for logs and tests.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// What to answer.
    pub fn reply(&self) -> &Reply {
        &self.0.reply
    }

    /// What to answer, to be taken apart.
    pub fn into_reply(self) -> Reply {
        self.0.reply
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::outside(error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("reason", &self.0.reason).field("status", &self.0.reply.status).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.reason)
    }
}

/// The reply to a failure that the application does not answer itself.
fn default_reply(refused: &Refused<'_>, settings: &Settings) -> Reply {
    if settings.flask {
        return flask::reply(refused).header("cache-control", NO_STORE);
    }
    match refused.wants {
        Wants::Api => problem(refused, settings),
        Wants::Page => match destination(refused, settings) {
            Some((status, url)) => Reply::redirect(status, url),
            None => page(refused),
        },
        Wants::Htmx => match destination(refused, settings) {
            // htmx acts on HX-Redirect only in a response that its own request receives: no 3xx.
            Some((_, url)) => Reply::new(refused.reason.kind().status()).header("hx-redirect", url),
            None => problem(refused, settings),
        },
    }
    .header("cache-control", NO_STORE)
}

/// Where a person is sent, and how: 303 for a page to look at, 307 to take a posted form along.
fn destination(refused: &Refused<'_>, settings: &Settings) -> Option<(u16, String)> {
    let kind = refused.reason.kind();
    let url = match kind {
        FailureKind::NotFresh => &settings.urls.reauthenticate,
        FailureKind::RefreshNeeded => &settings.urls.refresh,
        FailureKind::Missing
        | FailureKind::Invalid
        | FailureKind::Expired
        | FailureKind::Revoked
        | FailureKind::UnknownUser => &settings.urls.login,
        _ => return None,
    };
    let carried = kind == FailureKind::RefreshNeeded && !refused.head.is_safe();
    let mut url = refused.next.as_ref().map_or_else(|| url.clone(), |next| next.append_to(url));
    if matches!(kind, FailureKind::Invalid | FailureKind::Expired | FailureKind::Revoked | FailureKind::UnknownUser) {
        // So that the log-in page can say why it appears.
        url.push_str(if url.contains('?') { "&ended=1" } else { "?ended=1" });
    }
    Some((if carried { 307 } else { 303 }, url))
}

/// RFC 9457, with `msg` as clients of Flask-JWT-Extended expect it.
fn problem(refused: &Refused<'_>, settings: &Settings) -> Reply {
    let (reason, kind) = (refused.reason, refused.reason.kind());
    let status = kind.status();
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": title(kind),
        "status": status,
        "detail": reason.advice(),
        "code": reason.code(),
    });
    body[settings.error_key.as_str()] = reason.advice().into();
    if kind == FailureKind::RefreshNeeded || (kind == FailureKind::Expired && settings.refresh == RefreshMode::Off) {
        body["refresh_url"] = settings.urls.refresh.clone().into();
    }
    let reply =
        Reply { body: body.to_string(), ..Reply::new(status) }.header("content-type", "application/problem+json");
    match status {
        // RFC 9110 §15.5.2 asks for a challenge; RFC 6750 §3 and RFC 9470 §3 name its errors.
        401 => reply.header("www-authenticate", challenge(kind, reason)),
        405 => reply.header("allow", "POST"),
        503 => reply.header("retry-after", "5"),
        _ => reply,
    }
}

fn challenge(kind: FailureKind, reason: &Reason) -> String {
    match kind {
        FailureKind::Missing => "Bearer".to_owned(),
        FailureKind::NotFresh => {
            format!("Bearer error=\"insufficient_user_authentication\", error_description=\"{}\"", reason.advice())
        }
        _ => format!("Bearer error=\"invalid_token\", error_description=\"{}\"", reason.advice()),
    }
}

/// A bare page for an application that has none of its own.
fn page(refused: &Refused<'_>) -> Reply {
    let kind = refused.reason.kind();
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{advice}</p>",
        title = title(kind),
        advice = refused.reason.advice(),
    );
    let reply = Reply::html(kind.status(), body);
    match kind {
        FailureKind::Method => reply.header("allow", "POST"),
        FailureKind::Unavailable => reply.header("retry-after", "5"),
        _ => reply,
    }
}

/// The kind in two or three words.
const fn title(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Missing => "Log-in needed",
        FailureKind::Invalid => "Token not valid",
        FailureKind::Expired | FailureKind::RefreshNeeded => "Session expired",
        FailureKind::NotFresh => "Password needed",
        FailureKind::Revoked => "Session ended",
        FailureKind::UnknownUser => "Unknown user",
        FailureKind::ClaimsRefused => "Not allowed",
        FailureKind::Csrf => "CSRF check failed",
        FailureKind::Method => "Method not allowed",
        FailureKind::Unavailable => "Try again shortly",
        FailureKind::Internal => "Log-in not completed",
    }
}

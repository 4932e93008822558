//! Why a request is refused, in enough detail for a log.

use std::borrow::Cow;

use super::{FailureKind, LogInRefusal};
use crate::csrf::CsrfError;
use crate::error::BackendError;
use crate::jwt::{ClaimFlaw, TokenError};
use crate::session::RefreshFlaw;
use crate::throttle::TooManyAttempts;
use crate::token::IssueError;
use crate::token_source::TokenLocation;

/// Why a request is refused, in as much detail as a log needs. Do not show this error's text to the client. Show
/// [`Self::advice`] and [`Self::code`] to an API client, and [`Self::explanation`] to a person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The route needs a token, and the request has none.
    #[error("the request has no token")]
    Missing,
    /// The request has no token that counts, because its header contains more than one token.
    #[error("the request carries more than one token in the header for the token")]
    DuplicateHeader,
    /// The request's URL contains the query parameter for the token more than once.
    #[error("the request's URL contains the query parameter for the token more than once")]
    DuplicateParameter,
    /// The request's JSON body contains the member for the token more than once.
    #[error("the JSON body contains the member for the token more than once")]
    DuplicateMember,
    /// The request carries an authentication cookie more than once.
    #[error("the request carries an authentication cookie more than once")]
    DuplicateCookie,
    /// The value in the given token location does not have the expected form. For example, a header must contain
    /// `Bearer` followed by a JWT.
    #[error(
        "the value in the token location `{0}` does not have the expected form, such as `Bearer TOKEN` in a header or \
         a string in JSON"
    )]
    Malformed(TokenLocation),
    /// A JSON body that might contain the token is longer than
    /// [`ReadAheadLimits::bytes`](crate::config::ReadAheadLimits::bytes), so Hardtack did not search the body for a
    /// token.
    #[error("the JSON body is longer than ReadAheadLimits::bytes, so Hardtack did not search the body for a token")]
    BeyondPeek,
    /// The token is not valid.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token was issued by a refresh, or the log-in is no longer recent.
    #[error("the token is not fresh")]
    NotFresh,
    /// The session is bound to a device, and the client's last proof of the device's key is too old for this route.
    #[error("the route needs a recent proof that the client has the key of its device")]
    ProofNeeded,
    /// The token's session was ended, or the token is on the application's blocklist.
    #[error("the session was ended, or the token is blocked")]
    Revoked,
    /// The request's tokens were replaced while the request was in flight, for example because the browser sent a form
    /// twice. The browser has newer tokens, or is about to get them. The newer tokens belong to the same session or to
    /// a new one.
    #[error("newer tokens replaced the request's tokens while the request was in flight")]
    Replaced,
    /// The request has changed the password, but its session ended before the browser could get a new one. The new
    /// password is stored, so the user must log in with it.
    #[error("the password was changed, but the session ended before it could be replaced by a new one")]
    EndedAfterChange,
    /// The refresh token is not accepted.
    #[error("the refresh token is refused: {}", .0.code())]
    Refresh(RefreshFlaw),
    /// The access token is missing, has expired or has outdated claims, and the client might get a new token from the
    /// refresh URL.
    #[error(
        "the access token is missing, has expired or has outdated claims; the client must get a new access token \
         from the refresh URL"
    )]
    RefreshNeeded,
    /// The token's user no longer exists in the application.
    #[error("the application does not know the token's user")]
    UnknownUser,
    /// The application refused the token's claims.
    #[error("the application refused the token's claims")]
    ClaimsRefused,
    /// The token is valid, but lacks a claim that the route needs, or the claim does not have the required value.
    #[error("{0}")]
    InsufficientClaims(ClaimFlaw),
    /// The application forbids the request. The text is the message for the client.
    #[error("the application forbids the request: {0:?}")]
    Forbidden(Cow<'static, str>),
    /// Another site may have forged the request.
    #[error(transparent)]
    Csrf(#[from] CsrfError),
    /// The route changes state, but the request uses a safe method such as GET or HEAD.
    #[error(
        "the route changes state, but the request uses a safe method such as GET or HEAD; use a method such as POST"
    )]
    Method,
    /// The beginning of the body did not arrive in time.
    #[error("the beginning of the body did not arrive in time")]
    BodyTooSlow,
    /// The body of this request was not read, because the server is already reading as many bodies as
    /// [`ReadAheadLimits::at_once`](crate::config::ReadAheadLimits::at_once) allows.
    #[error(
        "the body was not read, because the server is already reading as many bodies as ReadAheadLimits::at_once allows"
    )]
    TooManyBodies,
    /// A [throttle](crate::throttle) refused the attempt, for example after too many wrong passwords.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The application refused a log-in or a re-authentication, for example because of a wrong password.
    #[error("the application refused the log-in")]
    LogInRefused(LogInRefusal),
    /// The body of a log-in or re-authentication request is neither a form nor a JSON object, or it lacks a field. The
    /// text says what is wrong.
    #[error("cannot read the body of the log-in or re-authentication request: {0}")]
    InvalidForm(String),
    /// The body of a log-in or re-authentication request is longer than the framework's limit.
    #[error("the body of the log-in or re-authentication request is longer than the framework's limit")]
    BodyTooLarge,
    /// The session store, the user look-up or another of the application's backends failed.
    #[error(transparent)]
    Store(#[from] BackendError),
    /// One of the application's backends failed while it was storing a change, for example because the connection broke
    /// during the commit. The change may or may not have been stored, so the reply does not ask the client to repeat the
    /// request.
    #[error("the change may or may not have been stored, because a backend failed during the commit")]
    OutcomeUnknown(#[source] BackendError),
    /// A token could not be issued.
    #[error(transparent)]
    Issue(IssueError),
    /// The application's setup is incomplete. The text tells the developer what to add.
    #[error("{0}")]
    NotSetUp(Cow<'static, str>),
    /// The operation, such as a re-authentication, is for a user other than the logged-in user.
    #[error("the operation is for a user other than the user who is logged in")]
    OtherUser,
}

/// Creates the reason for refusing a log-in. `text` is the message for the user: see [`LogInRefusal`].
impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self::LogInRefused(text.into())
    }
}

/// Creates the reason for refusing a log-in. `text` is the message for the user: see [`LogInRefusal`].
impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::LogInRefused(text.into())
    }
}

impl From<LogInRefusal> for Reason {
    fn from(refusal: LogInRefusal) -> Self {
        Self::LogInRefused(refusal)
    }
}

impl From<IssueError> for Reason {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::AdditionalClaims(error) => Self::Store(error),
            error => Self::Issue(error),
        }
    }
}

impl Reason {
    /// Returns whether the token is refused only because its `nbf` or `iat` is in the future. This happens if the
    /// clocks of two servers differ, or if a clock was set back. The token will become valid later, so its cookies are
    /// not deleted.
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::Token(error) if error.is_early())
    }

    /// Returns whether a bound session's refresh is refused only because the request contains no proof. The session
    /// continues, so its cookies are not deleted.
    pub(crate) const fn is_unproven(&self) -> bool {
        matches!(self, Self::Refresh(RefreshFlaw::Unproven))
    }

    /// Returns a stable name in `snake_case`. Replies, logs and the documentation use this name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::DuplicateHeader => "missing_token",
            Self::DuplicateCookie => "duplicate_cookie",
            Self::DuplicateParameter | Self::DuplicateMember | Self::Malformed(_) => "malformed_credentials",
            Self::BeyondPeek => "body_beyond_peek",
            Self::Token(error) => error.code(),
            Self::NotFresh => "insufficient_user_authentication",
            Self::ProofNeeded => "device_proof_needed",
            Self::Revoked | Self::Replaced => "revoked",
            Self::EndedAfterChange => "ended_after_change",
            Self::Refresh(flaw) => flaw.code(),
            Self::RefreshNeeded => "refresh_needed",
            Self::UnknownUser => "unknown_user",
            Self::ClaimsRefused => "claims_refused",
            Self::InsufficientClaims(_) => "insufficient_scope",
            Self::Forbidden(_) => "forbidden",
            Self::Csrf(error) => error.code(),
            Self::Method => "method_not_allowed",
            Self::BodyTooSlow => "body_too_slow",
            Self::TooManyBodies => "too_many_bodies",
            Self::TooManyAttempts(_) => "too_many_attempts",
            Self::LogInRefused(_) => "log_in_refused",
            Self::InvalidForm(_) => "invalid_form",
            Self::BodyTooLarge => "too_large",
            Self::Store(_) => "store_unavailable",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::Issue(_) => "cannot_issue",
            Self::NotSetUp(_) => "not_set_up",
            Self::OtherUser => "other_user",
        }
    }

    /// Returns the kind of failure. An application can set its own reply for each kind.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Missing | Self::DuplicateHeader => FailureKind::Missing,
            Self::Token(TokenError::Expired) => FailureKind::Expired,
            Self::Token(_)
            | Self::DuplicateParameter
            | Self::DuplicateMember
            | Self::DuplicateCookie
            | Self::Malformed(_)
            | Self::BeyondPeek => FailureKind::Invalid,
            Self::NotFresh | Self::ProofNeeded | Self::OtherUser => FailureKind::NotFresh,
            Self::Refresh(RefreshFlaw::SessionExpired | RefreshFlaw::Unproven) => FailureKind::Expired,
            Self::Revoked | Self::Replaced | Self::EndedAfterChange | Self::Refresh(_) => FailureKind::Revoked,
            Self::RefreshNeeded => FailureKind::RefreshNeeded,
            Self::UnknownUser => FailureKind::UnknownUser,
            Self::ClaimsRefused => FailureKind::ClaimsRefused,
            Self::InsufficientClaims(_) | Self::Forbidden(_) => FailureKind::Forbidden,
            Self::Csrf(_) => FailureKind::Csrf,
            Self::Method => FailureKind::Method,
            Self::BodyTooSlow | Self::TooManyBodies => FailureKind::BodyNotRead,
            Self::TooManyAttempts(_) => FailureKind::TooManyAttempts,
            Self::LogInRefused(_) => FailureKind::LogInRefused,
            Self::InvalidForm(_) | Self::BodyTooLarge => FailureKind::InvalidForm,
            Self::Store(_) | Self::OutcomeUnknown(_) => FailureKind::Unavailable,
            Self::Issue(_) | Self::NotSetUp(_) => FailureKind::Internal,
        }
    }

    /// Returns the HTTP status of the reply to an API client. The status is 400 if the request's `Host` field is not
    /// valid, 413 if the body is too large, and 503 if too many bodies are already being read. In all other cases, the
    /// reason's [kind](Self::kind) determines the status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Csrf(CsrfError::BadHost) => 400,
            Self::TooManyBodies => 503,
            Self::BodyTooLarge => 413,
            _ => self.kind().status(),
        }
    }

    /// Returns the value of `Retry-After`: how many seconds the client should wait before it sends the request again.
    /// Returns `None` if the reply should not have this field.
    pub(super) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts(refused) => Some(refused.retry_after_seconds()),
            // A client that repeats the request might make the change twice.
            Self::OutcomeUnknown(_) => None,
            _ if self.status() == 503 => Some(5),
            _ => None,
        }
    }

    /// Returns a short message that tells an API client what is wrong and what to do. The message never contains a
    /// backend's error text. For a page, use [`explanation`](Self::explanation).
    pub fn advice(&self) -> &str {
        match self {
            Self::Missing => "You are not logged in. Log in and try again.",
            Self::DuplicateHeader => {
                "The request carries more than one token in its header, such as Authorization. Send the header once, with \
                 one token."
            }
            Self::DuplicateParameter => {
                "The URL contains the query parameter for the token more than once. Send the parameter once, with one \
                 token."
            }
            Self::DuplicateMember => {
                "The JSON body contains the member for the token more than once. Send the member once, with one token."
            }
            Self::DuplicateCookie => {
                "The request carries an authentication cookie twice. Delete this site's cookies and log in again."
            }
            Self::Token(TokenError::Expired) | Self::Refresh(RefreshFlaw::SessionExpired) => {
                "Your session has expired. Log in again."
            }
            Self::Refresh(RefreshFlaw::Unproven) => {
                "Your session is bound to a device, and this request could not refresh the session. Reload the page, \
                 or log in again."
            }
            Self::Token(TokenError::WrongKind) => {
                "The token is of the wrong kind, such as a refresh token instead of an access token. Log in again."
            }
            Self::Token(TokenError::NotYetValid | TokenError::IssuedInFuture) => {
                "Your log-in is not valid here yet, because this server's clock is behind. Try again in a moment, or log in again."
            }
            Self::Malformed(_) => "The token is not in the expected form, such as Authorization: Bearer TOKEN.",
            Self::BeyondPeek => {
                "The JSON body is too long, so its token was not read. Send the token in a header or a cookie."
            }
            Self::Token(_) => "The token is not valid. Log in again.",
            Self::NotFresh => "You need to enter your password again for this. Re-authenticate and retry.",
            Self::ProofNeeded => {
                "This action needs a recent proof of your device's key, but your browser did not send one. Try again \
                 in a few minutes, or log in again."
            }
            Self::OtherUser => "You are logged in as another user. Log out first to change users.",
            Self::Replaced => {
                "The tokens in this request were replaced by newer tokens. Send the request with the newest cookies, \
                 or log in again."
            }
            Self::Revoked | Self::Refresh(_) => "Your session was ended. Log in again.",
            Self::EndedAfterChange => {
                "Your password was changed, but your session was ended. Log in again with the new password."
            }
            Self::RefreshNeeded => "The access token has expired. POST to the refresh URL and retry.",
            Self::UnknownUser => "The token's user does not exist. Log in again.",
            Self::ClaimsRefused => "The token does not allow this.",
            Self::InsufficientClaims(_) => "You do not have permission to do this.",
            Self::Forbidden(sentence) => sentence,
            Self::Csrf(CsrfError::CrossSite) => {
                "CSRF protection: the request was started by another site. Start it from a page on this site."
            }
            Self::Csrf(CsrfError::Missing | CsrfError::NoClaim) => {
                "CSRF protection: the CSRF token is missing. Send it in the X-CSRF-TOKEN header or the csrf_token form field."
            }
            Self::Csrf(CsrfError::Mismatch) => {
                "CSRF protection: the CSRF token does not match this session. Send the current value of this session's CSRF cookie."
            }
            Self::Csrf(CsrfError::Repeated) => {
                "CSRF protection: the request has the header with the CSRF token more than once. Send it once."
            }
            Self::Csrf(CsrfError::NoPreSession) => {
                "CSRF protection: the form was sent without the CSRF cookie that the form's page sets. Send \
                 JSON (Content-Type: application/json), which needs no CSRF token. To send a form, first GET the page \
                 with the form, and send back the cookie and the csrf_token field."
            }
            Self::Csrf(CsrfError::OtherPreSession) => {
                "CSRF protection: the csrf_token field does not match the CSRF cookie. Send JSON (Content-Type: \
                 application/json), which needs no CSRF token. To send a form, GET the page with the form again, \
                 and send back the cookie and the csrf_token field."
            }
            Self::Csrf(CsrfError::BeyondPeek) => {
                "CSRF protection: the csrf_token field is not at the beginning of the form. Put it first in the form."
            }
            Self::Csrf(CsrfError::Unread) => {
                "CSRF protection: the form could not be read. Either no authentication layer wraps this route, or a \
                 middleware between the layer and the handler has read the form."
            }
            Self::Csrf(CsrfError::UnknownState) => {
                "CSRF protection: this client has not started a log-in with this state in the last ten minutes, or the \
                 log-in is already finished. Start the log-in again."
            }
            Self::Csrf(CsrfError::BadHost) => {
                "The request must have one Host field with a host name and, if needed, a port."
            }
            Self::Method => "This request changes state. Send it as a POST request.",
            Self::BodyTooSlow => "The request's body did not arrive in time. Send the request again.",
            Self::TooManyBodies => "The server is receiving too many forms. Try again in a few seconds.",
            Self::TooManyAttempts(refused) => refused.sentence(),
            Self::LogInRefused(refusal) => refusal.text(),
            Self::InvalidForm(flaw) => flaw,
            Self::BodyTooLarge => "The request's body is too long. Send less.",
            Self::Store(_) => "Sessions cannot be checked at the moment. Try again shortly.",
            Self::OutcomeUnknown(_) => {
                "The change may or may not have been saved, because the server lost the connection to its database. \
                 Check before you repeat the change."
            }
            Self::Issue(_) => "The log-in could not be completed. Please tell the operator of this site.",
            Self::NotSetUp(_) => "The server is not set up completely. Please tell the operator of this site.",
        }
    }

    /// Returns a short message for the person who is viewing the page. The message says what is wrong and what to do,
    /// without technical terms. It never contains a backend's error text. Escape the message before you put it into
    /// HTML, because the messages of [`Self::Forbidden`] and [`Self::LogInRefused`] come from the application.
    pub fn explanation(&self) -> &str {
        match self {
            Self::Csrf(CsrfError::CrossSite) => {
                "Another site started this request, so nothing was changed. Open the page on this site and try again."
            }
            Self::Csrf(CsrfError::NoPreSession) => {
                "Your browser did not send back this site's cookie, so nothing was changed. Allow cookies for this site, then send \
                 the form again."
            }
            Self::Csrf(CsrfError::Mismatch | CsrfError::OtherPreSession) => {
                "This page was open for too long, or you have logged in again since, so nothing was changed. Check the form and \
                 send it again."
            }
            Self::Csrf(CsrfError::Missing | CsrfError::NoClaim | CsrfError::BeyondPeek) => {
                "The form arrived incomplete, so nothing was changed. Send it again."
            }
            Self::Csrf(CsrfError::Repeated) => {
                "The request contained a value twice, so nothing was changed. Send it again."
            }
            Self::Csrf(CsrfError::Unread) => "This site is not set up completely. Please tell its operator.",
            Self::Csrf(CsrfError::UnknownState) => {
                "This log-in is already finished, took more than ten minutes, or was started in another browser. Start \
                 the log-in again."
            }
            Self::Csrf(CsrfError::BadHost) => "The address of this page is not valid. Start from the home page.",
            Self::DuplicateParameter => {
                "The address of this page contains your log-in twice, so you are not logged in here. Log in, or ask \
                 for a new link."
            }
            Self::DuplicateMember => {
                "The request contained your log-in twice, so nothing was changed. Log in and try again."
            }
            Self::DuplicateCookie => {
                "Your browser sent two log-in cookies for this site. Delete this site's cookies, then log in again."
            }
            Self::Malformed(_) | Self::BeyondPeek | Self::Token(TokenError::WrongKind) => {
                "You are not logged in here. Log in and try again."
            }
            Self::Token(TokenError::Expired | TokenError::NotYetValid | TokenError::IssuedInFuture) => self.advice(),
            Self::Token(_) | Self::UnknownUser => "You are no longer logged in. Log in again.",
            Self::NotFresh => "Enter your password again to do this.",
            Self::Replaced => {
                "Your session was renewed in the meantime, so this request changed nothing. Open the page again."
            }
            Self::RefreshNeeded => "Your session must be renewed. Open the page again.",
            Self::ClaimsRefused => "Your account does not allow this.",
            Self::Method => "There is no page at this address. Go back, and use the buttons on the previous page.",
            Self::BodyTooSlow => "The form did not arrive in time, so nothing was changed. Send it again.",
            Self::TooManyBodies => {
                "This site is receiving too many forms, so nothing was changed. Send the form again in a moment."
            }
            Self::InvalidForm(_) => "The form arrived incomplete, so nothing was changed. Send it again.",
            Self::BodyTooLarge => "The form is too long, so nothing was changed. Shorten what you typed.",
            Self::Store(_) => "This site cannot check your log-in at the moment. Try again shortly.",
            Self::OutcomeUnknown(_) => {
                "This site lost the connection to its database, so your change may or may not have been saved. Check \
                 before you repeat the change."
            }
            Self::Missing
            | Self::DuplicateHeader
            | Self::ProofNeeded
            | Self::Refresh(_)
            | Self::OtherUser
            | Self::Revoked
            | Self::EndedAfterChange
            | Self::InsufficientClaims(_)
            | Self::Forbidden(_)
            | Self::TooManyAttempts(_)
            | Self::LogInRefused(_)
            | Self::Issue(_)
            | Self::NotSetUp(_) => self.advice(),
        }
    }
}

//! Why a request is refused, to the detail that a log wants.

use std::borrow::Cow;

use super::FailureKind;
use crate::csrf::CsrfError;
use crate::error::{BackendError, WithCauses};
use crate::jwt::TokenError;
use crate::session::RefreshFlaw;
use crate::token::IssueError;
use crate::token_source::TokenLocation;

/// Why a request is refused. Internal: a client is told the [`FailureKind`]'s text and [`Self::code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is no token, and one is needed.
    #[error("no token")]
    Missing,
    /// An authentication cookie came twice.
    #[error("the request carries an authentication cookie more than once")]
    DuplicateCookie,
    /// What can only be a token is not in the form that its location asks for.
    #[error("what stands for a token in {0} has no token's form")]
    Malformed(TokenLocation),
    /// A JSON body that may hold a token is longer than what is read ahead.
    #[error("the JSON body is longer than what is read ahead of the handler")]
    BeyondPeek,
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token came of a refresh, or its fresh time is over.
    #[error("the token is not fresh")]
    NotFresh,
    /// The access token's session was ended.
    #[error("the session was ended")]
    Revoked,
    /// The session was ended because its browser got another one: a request that was on its way.
    #[error("the session was replaced by another one of the same browser")]
    Replaced,
    /// The refresh token is refused.
    #[error("the refresh token is refused: {}", .0.code())]
    Refresh(RefreshFlaw),
    /// The access token's time is over, and the refresh URL can mend it.
    #[error("the token has expired and is to be refreshed")]
    RefreshNeeded,
    /// The application knows no such user.
    #[error("the token's user is unknown")]
    UnknownUser,
    /// The application did not accept the claims.
    #[error("the application refused the token's claims")]
    ClaimsRefused,
    /// Another site may have forged the request.
    #[error(transparent)]
    Csrf(#[from] CsrfError),
    /// A change was asked for by GET or HEAD.
    #[error("a change was asked for by a method that changes nothing")]
    Method,
    /// The store failed, or the application's look-up did.
    #[error(transparent)]
    Store(#[from] BackendError),
    /// A token could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The application lacks a part that only its developer can add: this says which, and how.
    #[error("{0}")]
    NotSetUp(Cow<'static, str>),
    /// Someone re-authenticated as another user than the session's.
    #[error("re-authentication as another user")]
    OtherUser,
}

impl Reason {
    /// A stable name in `snake_case`, the same in replies, events and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing_token",
            Self::DuplicateCookie => "duplicate_cookie",
            Self::Malformed(_) => "malformed_credentials",
            Self::BeyondPeek => "body_beyond_peek",
            Self::Token(error) => error.code(),
            Self::NotFresh => "insufficient_user_authentication",
            Self::Revoked | Self::Replaced => "revoked",
            Self::Refresh(flaw) => flaw.code(),
            Self::RefreshNeeded => "refresh_needed",
            Self::UnknownUser => "unknown_user",
            Self::ClaimsRefused => "claims_refused",
            Self::Csrf(error) => error.code(),
            Self::Method => "method_not_allowed",
            Self::Store(_) => "store_unavailable",
            Self::Issue(_) => "cannot_issue",
            Self::NotSetUp(_) => "not_set_up",
            Self::OtherUser => "other_user",
        }
    }

    /// What the application answers to.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Missing => FailureKind::Missing,
            Self::Token(TokenError::Expired) => FailureKind::Expired,
            Self::Token(_) | Self::DuplicateCookie | Self::Malformed(_) | Self::BeyondPeek => FailureKind::Invalid,
            Self::NotFresh | Self::OtherUser => FailureKind::NotFresh,
            Self::Refresh(RefreshFlaw::SessionExpired) => FailureKind::Expired,
            Self::Revoked | Self::Replaced | Self::Refresh(_) => FailureKind::Revoked,
            Self::RefreshNeeded => FailureKind::RefreshNeeded,
            Self::UnknownUser => FailureKind::UnknownUser,
            Self::ClaimsRefused => FailureKind::ClaimsRefused,
            Self::Csrf(_) => FailureKind::Csrf,
            Self::Method => FailureKind::Method,
            Self::Store(_) => FailureKind::Unavailable,
            Self::Issue(_) | Self::NotSetUp(_) => FailureKind::Internal,
        }
    }

    /// A sentence for the client: what was wrong, and what to do. Never the store's own words.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Missing => "You are not logged in. Log in and try again.",
            Self::DuplicateCookie => {
                "The request carries an authentication cookie twice. Delete this site's cookies and log in again."
            }
            Self::Token(TokenError::Expired) | Self::Refresh(RefreshFlaw::SessionExpired) => {
                "Your session has expired. Log in again."
            }
            Self::Token(TokenError::WrongKind) => {
                "The token is of another kind than this route takes (access or refresh). Log in again."
            }
            Self::Malformed(_) => {
                "The token is not in the form that its place asks for, such as Authorization: Bearer."
            }
            Self::BeyondPeek => {
                "The JSON body is longer than 64 KiB, so that no token in it was found. Send it otherwise."
            }
            Self::Token(_) => "The token is not valid. Log in again.",
            Self::NotFresh => "This needs your password again. Re-authenticate and retry.",
            Self::OtherUser => "You are logged in as another user. Log out first to change users.",
            Self::Revoked | Self::Replaced | Self::Refresh(_) => "Your session was ended. Log in again.",
            Self::RefreshNeeded => "The access token has expired. POST to the refresh URL and retry.",
            Self::UnknownUser => "The token's user does not exist. Log in again.",
            Self::ClaimsRefused => "The token does not allow this.",
            Self::Csrf(CsrfError::CrossSite) => {
                "CSRF protection: the request was started by another site. Start it from a page of this site."
            }
            Self::Csrf(CsrfError::Missing | CsrfError::NoClaim) => {
                "CSRF protection: the CSRF token is missing. Send it in the X-CSRF-TOKEN header or the csrf_token form field."
            }
            Self::Csrf(CsrfError::Mismatch) => {
                "CSRF protection: the CSRF token is not this session's. Reload the page and send the form again."
            }
            Self::Csrf(CsrfError::BeyondPeek) => {
                "CSRF protection: the csrf_token field is not within the form's first 64 KiB. Put it first in the form."
            }
            Self::Csrf(CsrfError::Unread) => {
                "CSRF protection: the form could not be read, because no authentication layer wraps this route."
            }
            Self::Method => "This changes something and has to be sent by POST.",
            Self::Store(_) => "Sessions cannot be checked at the moment. Try again shortly.",
            Self::Issue(_) => "The log-in could not be completed. Tell the site's operator.",
            Self::NotSetUp(_) => "The server is not set up completely. Tell its operator.",
        }
    }

    /// Writes it to the log: loud where the operator can do something about it.
    pub(super) fn log(&self) {
        match self.kind() {
            FailureKind::Unavailable | FailureKind::Internal => {
                tracing::error!(event = "refused", code = self.code(), reason = %WithCauses(self))
            }
            FailureKind::Missing | FailureKind::Expired | FailureKind::RefreshNeeded => {
                tracing::trace!(event = "refused", code = self.code());
            }
            _ => tracing::debug!(event = "refused", code = self.code()),
        }
    }
}

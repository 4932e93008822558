//! Represents the result of a verification, and finds the check that refused the request.

use super::token::{TokenFacts, TokenState, is_of_signature};
use crate::csrf::CsrfError;
use crate::explain::{Check, Outcome};
use crate::jwt::TokenError;
use crate::refusal::Reason;
use crate::session::RefreshFlaw;

/// The result of a verification.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    /// The request was accepted, with a token.
    Accepted,
    /// The route also serves visitors, and treated the client as a visitor. The reason, if any, says why
    /// the cookies were ignored.
    Visitor(Option<&'a Reason>),
    Refused(&'a Reason),
}

impl<'a> Found<'a> {
    pub(super) fn reason(self) -> Option<&'a Reason> {
        match self {
            Self::Accepted | Self::Visitor(None) => None,
            Self::Visitor(Some(reason)) | Self::Refused(reason) => Some(reason),
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Accepted => Outcome::Accepted,
            Self::Visitor(_) => Outcome::Visitor,
            Self::Refused(reason) => Outcome::Refused(reason.code()),
        }
    }
}

/// Returns the check that refused a request. `main` is the token that the route needs. `refresh` is the token in the
/// refresh cookie.
pub(super) fn refusing_check(reason: &Reason, main: &TokenFacts, refresh: &TokenFacts) -> Check {
    let is_main = |state: TokenState| main.state == state;
    match reason {
        Reason::DuplicateCookie if !matches!(main.state, TokenState::Doubled(_)) => match refresh.state {
            TokenState::Doubled(_) => Check::Refresh,
            _ => Check::Token,
        },
        Reason::Missing
        | Reason::DuplicateHeader
        | Reason::DuplicateParameter
        | Reason::DuplicateMember
        | Reason::DuplicateCookie
        | Reason::Malformed(_)
        | Reason::BeyondPeek => Check::Token,
        Reason::Token(TokenError::Expired) if is_main(TokenState::Expired) => Check::Claims,
        // The token is valid, but was issued before its session's claims changed.
        Reason::Token(TokenError::Expired) if is_main(TokenState::Valid) => Check::Session,
        Reason::Token(error) if is_main(TokenState::Invalid(*error)) => match is_of_signature(*error) {
            true => Check::Signature,
            false => Check::Claims,
        },
        Reason::Token(_) => Check::Refresh,
        Reason::RefreshNeeded => Check::Refresh,
        Reason::Csrf(_) | Reason::Method | Reason::BodyTooSlow | Reason::TooManyBodies => Check::Csrf,
        Reason::Revoked | Reason::Replaced | Reason::EndedAfterChange => Check::Session,
        Reason::Refresh(flaw) => match flaw {
            RefreshFlaw::Unproven | RefreshFlaw::ProofFailed => Check::Binding,
            RefreshFlaw::UnknownSession
            | RefreshFlaw::SessionEnded
            | RefreshFlaw::SessionExpired
            | RefreshFlaw::Reused
            | RefreshFlaw::Ahead
            | RefreshFlaw::Superseded => Check::Session,
        },
        Reason::NotFresh => Check::Freshness,
        Reason::ProofNeeded => Check::Binding,
        Reason::NotSetUp(_) => Check::Layer,
        Reason::UnknownUser
        | Reason::ClaimsRefused
        | Reason::InsufficientClaims(_)
        | Reason::Forbidden(_)
        | Reason::TooManyAttempts(_)
        | Reason::LogInRefused(_)
        | Reason::InvalidForm(_)
        | Reason::BodyTooLarge
        | Reason::Store(_)
        | Reason::OutcomeUnknown(_)
        | Reason::Issue(_)
        | Reason::OtherUser => Check::Application,
    }
}

/// Returns whether a request was refused for a reason that has nothing to do with a token. For example, a log-in needs
/// no token.
pub(super) fn needs_no_token(reason: &Reason) -> bool {
    match reason {
        Reason::Csrf(error) => match error {
            CsrfError::NoPreSession | CsrfError::OtherPreSession | CsrfError::UnknownState => true,
            CsrfError::Missing
            | CsrfError::Mismatch
            | CsrfError::Repeated
            | CsrfError::BeyondPeek
            | CsrfError::Unread
            | CsrfError::CrossSite
            | CsrfError::BadHost
            | CsrfError::NoClaim => false,
        },
        Reason::Method
        | Reason::BodyTooSlow
        | Reason::TooManyBodies
        | Reason::TooManyAttempts(_)
        | Reason::LogInRefused(_)
        | Reason::InvalidForm(_)
        | Reason::BodyTooLarge
        | Reason::OutcomeUnknown(_)
        | Reason::Issue(_)
        | Reason::NotSetUp(_) => true,
        Reason::Missing
        | Reason::DuplicateHeader
        | Reason::DuplicateParameter
        | Reason::DuplicateMember
        | Reason::DuplicateCookie
        | Reason::Malformed(_)
        | Reason::BeyondPeek
        | Reason::Token(_)
        | Reason::NotFresh
        | Reason::ProofNeeded
        | Reason::Revoked
        | Reason::EndedAfterChange
        | Reason::Replaced
        | Reason::Refresh(_)
        | Reason::RefreshNeeded
        | Reason::UnknownUser
        | Reason::ClaimsRefused
        | Reason::InsufficientClaims(_)
        | Reason::Forbidden(_)
        | Reason::Store(_)
        | Reason::OtherUser => false,
    }
}

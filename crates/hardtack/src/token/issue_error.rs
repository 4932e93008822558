//! Why a token could not be issued.

use crate::cookie::CookieTooLarge;
use crate::error::BackendError;
use crate::jwt::{ClaimError, SignError, TokenError};

/// Why a token or its cookies could not be issued.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A claim has a reserved name or an invalid value.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A cookie is larger than browsers accept.
    #[error(transparent)]
    Cookie(#[from] CookieTooLarge),
    /// A domain was given for a cookie that the prefix `__Host-` binds to its host.
    #[error(
        "the cookie {name} is bound to its host by the prefix __Host-, so it cannot have the domain {domain:?}; to set \
         a domain, use CookiePrefix::Secure"
    )]
    CookieDomain {
        /// The cookie's full name.
        name: String,
        /// The configured domain.
        domain: String,
    },
    /// The token for a cookie is invalid, has expired or has no CSRF value. This error occurs only with
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible).
    #[error(transparent)]
    Token(#[from] TokenError),
    /// `encode_key` returned a key whose signatures are randomized, but refresh tokens of stored sessions must be
    /// deterministic.
    #[error(
        "refresh tokens of stored sessions need a deterministic signature, but encode_key returned a key for {0}, whose \
         signatures are randomized; return a key for HS256, RS256 or EdDSA"
    )]
    RandomizedKey(&'static str),
    /// The callback [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) failed.
    #[error("the callback additional_claims failed")]
    AdditionalClaims(#[source] BackendError),
    /// The callback [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) did not finish at once, but
    /// `TokenBuilder::issue` is synchronous and cannot wait for the callback.
    #[error(
        "the callback additional_claims did not finish at once, but issue() is synchronous and cannot wait for the \
         callback; call issue_async() instead"
    )]
    ClaimsNotReady,
    /// The claims are not a JSON object.
    #[error("the additional claims do not serialize to a JSON object; use a struct or a map")]
    NotAnObject,
}

crate::__debug_as_sentence!(IssueError);

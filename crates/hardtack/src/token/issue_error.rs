//! Why a token could not be issued.

use crate::cookie::CookieTooLarge;
use crate::jwt::{ClaimError, SignError, TokenError};

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A claim that is reserved or unfit.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A cookie that browsers would drop.
    #[error(transparent)]
    Cookie(#[from] CookieTooLarge),
    /// The cookie is bound to its host, but a domain was given.
    #[error(
        "the cookie {name} is bound to its host by the prefix __Host-, so it cannot have the domain {domain:?}; use CookiePrefix::Secure"
    )]
    CookieDomain {
        /// The cookie.
        name: String,
        /// The domain.
        domain: String,
    },
    /// A token that would be refused: only Flask-JWT-Extended's manner makes such.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A subject's own key signs differently each time, and its sessions are stored.
    #[error(
        "refresh tokens of stored sessions need a deterministic signature; encode_key returned a key for {0}, whose signatures are randomized"
    )]
    RandomizedKey(&'static str),
    /// The claims are not a JSON object.
    #[error("additional claims must serialize to a JSON object, such as a struct or a map")]
    NotAnObject,
}

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
    /// A cookie bound to its host, and a domain to send it to.
    #[error("the cookie {name} is bound to its host by its name, so it cannot be sent to the domain {domain:?}")]
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
        "refresh tokens of stored sessions need a signature that is the same each time; encode_key gave a key of {0}"
    )]
    RandomisedKey(&'static str),
    /// Claims that are no JSON object.
    #[error("further claims must serialise to a JSON object, such as a struct; this gave something else")]
    NotAnObject,
}

//! Roles: types that name a claim and the value that the claim must have.

use std::fmt;
use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::required_claims::flaw_of;
use crate::jwt::{ClaimFlaw, ExtraClaims, TokenError};

/// A role that a user can have. A token has the role if its claim [`CLAIM`](Self::CLAIM) is the string
/// [`VALUE`](Self::VALUE), or an array that contains this string.
///
/// The adapters' extractor `HasRole<R>` accepts only tokens with the role `R`.
///
/// ```
/// use hardtack::token_source::Role;
///
/// struct Admin;
///
/// impl Role for Admin {
///     const CLAIM: &'static str = "role";
///     const VALUE: &'static str = "admin";
/// }
/// ```
pub trait Role: 'static {
    /// The name of the claim.
    const CLAIM: &'static str;

    /// The value that the claim must equal or contain.
    const VALUE: &'static str;
}

/// The claims of a token that has the role `R`. Reading them fails if the token does not have the role.
///
/// Use this type as the claims type of an extractor. For example, `FreshAccessToken<InRole<Admin>>` accepts a token
/// only if it is fresh and belongs to an admin.
///
/// ```
/// use hardtack::jwt::ExtraClaims;
/// use hardtack::token_source::{InRole, Role};
///
/// struct Admin;
///
/// impl Role for Admin {
///     const CLAIM: &'static str = "role";
///     const VALUE: &'static str = "admin";
/// }
///
/// assert!(InRole::<Admin>::from_payload(br#"{"role":"admin"}"#).is_ok());
/// assert!(InRole::<Admin>::from_payload(br#"{"role":["reader","admin"]}"#).is_ok());
/// assert!(InRole::<Admin>::from_payload(br#"{"role":"administrator"}"#).is_err());
/// ```
pub struct InRole<R>(PhantomData<fn() -> R>);

impl<R: Role> ExtraClaims for InRole<R> {
    fn from_payload(payload: &[u8]) -> Result<Self, TokenError> {
        match role_flaw::<R>(payload) {
            None => Ok(Self(PhantomData)),
            Some(_) => Err(TokenError::BadClaim("extra")),
        }
    }

    fn flaw(payload: &[u8]) -> ClaimFlaw {
        role_flaw::<R>(payload).unwrap_or(ClaimFlaw::Unreadable)
    }
}

fn role_flaw<R: Role>(payload: &[u8]) -> Option<ClaimFlaw> {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(payload) else {
        return Some(ClaimFlaw::Unreadable);
    };
    flaw_of(&members, R::CLAIM, |value| value == R::VALUE)
}

// Implement the traits by hand, because derived implementations would require `R` to implement them as well.
impl<R> Clone for InRole<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for InRole<R> {}

impl<R> fmt::Debug for InRole<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InRole")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Admin;

    impl Role for Admin {
        const CLAIM: &'static str = "role";
        const VALUE: &'static str = "admin";
    }

    #[test]
    fn e06_a_role_is_the_value_or_is_among_the_values() {
        for (payload, suffices) in [
            (r#"{"role":"admin"}"#, true),
            (r#"{"role":["reader","admin"]}"#, true),
            (r#"{"role":"Admin"}"#, false),
            (r#"{"role":"admins"}"#, false),
            (r#"{"role":[]}"#, false),
            (r#"{"role":[["admin"]]}"#, false),
            (r#"{"role":{"admin":true}}"#, false),
            (r#"{"role":true}"#, false),
            (r#"{"roles":"admin"}"#, false),
            ("{}", false),
            ("[]", false),
        ] {
            assert_eq!(InRole::<Admin>::from_payload(payload.as_bytes()).is_ok(), suffices, "{payload}");
        }
        assert_eq!(InRole::<Admin>::flaw(b"{}"), ClaimFlaw::Missing("role".into()));
        assert_eq!(InRole::<Admin>::flaw(br#"{"role":"secret"}"#), ClaimFlaw::Unfit("role".into()));
    }
}

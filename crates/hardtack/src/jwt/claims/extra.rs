//! The application's own claims.

use serde::de::DeserializeOwned;

use super::ClaimFlaw;
use crate::jwt::error::TokenError;

/// No additional claims: only those of [`Claims`](super::Claims) are read. Any other claims in the token are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoExtra;

/// A type for the application's own claims. It is implemented for each owned type that implements
/// [`Deserialize`](serde::Deserialize), and for [`NoExtra`].
///
/// ```
/// use hardtack::jwt::ExtraClaims;
///
/// #[derive(serde::Deserialize)]
/// struct Roles {
///     roles: Vec<String>,
/// }
///
/// let payload = br#"{"sub":"alice","iat":1,"jti":"a","type":"access","roles":["admin"]}"#;
/// assert_eq!(Roles::from_payload(payload)?.roles, ["admin"]);
/// # Ok::<(), hardtack::jwt::TokenError>(())
/// ```
pub trait ExtraClaims: Sized + Send + Sync + 'static {
    /// Reads the claims from the payload of a verified token. The payload is one JSON object.
    ///
    /// # Errors
    /// [`TokenError::BadClaim`]`("extra")`: a claim is missing or has a value that the type does not accept.
    fn from_payload(payload: &[u8]) -> Result<Self, TokenError>;

    /// For the log, returns the claim that made [`from_payload`](Self::from_payload) fail.
    fn flaw(payload: &[u8]) -> ClaimFlaw {
        let _ = payload;
        ClaimFlaw::Unreadable
    }
}

impl ExtraClaims for NoExtra {
    fn from_payload(_: &[u8]) -> Result<Self, TokenError> {
        Ok(Self)
    }
}

// `NoExtra` must not implement `Deserialize`. Otherwise, this implementation and the one for `NoExtra` would overlap.
impl<T: DeserializeOwned + Send + Sync + 'static> ExtraClaims for T {
    fn from_payload(payload: &[u8]) -> Result<Self, TokenError> {
        serde_json::from_slice(payload).map_err(|_| TokenError::BadClaim("extra"))
    }

    fn flaw(payload: &[u8]) -> ClaimFlaw {
        ClaimFlaw::of::<T>(payload)
    }
}

//! The claims of a token (RFC 7519 §4).
//!
//! Each claim is listed in two places: as a field of [`Claims`], and with its name and type in the table in `table.rs`.
//! Macros generate the readers and the writer from the table.

mod extra;
mod fast_read;
mod flaw;
mod read;
mod table;
mod write;

use std::fmt;

use crate::clock::Timestamp;

pub use extra::{ExtraClaims, NoExtra};
pub(crate) use fast_read::FastClaims;
pub use flaw::ClaimFlaw;
pub(crate) use read::ClaimsProfile;

/// The purpose of a token: the claim `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// Authenticates requests.
    #[default]
    Access,
    /// A token that can only be exchanged for new access tokens.
    Refresh,
}

impl TokenKind {
    /// Returns the value of the claim: `access` or `refresh`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Whether the user authenticated recently: the claim `fresh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fresh {
    /// `false` or absent: the token was issued by a refresh.
    #[default]
    No,
    /// `true`: the token was issued at log-in or after a re-authentication. An authenticator treats such a token as
    /// fresh only for the authenticator's `fresh_lifetime`.
    Yes,
    /// A NumericDate: the token is fresh up to and including that second.
    Until(Timestamp),
}

impl Fresh {
    /// Returns whether the token is fresh at `now` according to this claim alone. For a verified token, call
    /// [`VerifiedToken::is_fresh`](crate::VerifiedToken::is_fresh) instead, which also applies the authenticator's
    /// `fresh_lifetime`.
    pub fn is_fresh_at(self, now: Timestamp) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::Until(end) => now <= end,
        }
    }
}

/// The claims that this library uses. All other claims of a token are the application's own.
///
/// A `Claims` value does not prove that its token was verified. To verify a token's signature and claims, call
/// [`KeySet::verify`](super::KeySet::verify) and [`validate`](super::validate()).
///
/// ```
/// use hardtack::clock::Timestamp;
/// use hardtack::jwt::{Claims, TokenKind};
///
/// let claims = Claims::new("alice", "id-1", TokenKind::Access, Timestamp::from_unix_seconds(100));
/// let json = claims.to_json(&serde_json::Map::new())?;
/// assert_eq!(json, br#"{"fresh":false,"iat":100,"jti":"id-1","type":"access","sub":"alice"}"#);
/// # Ok::<(), hardtack::jwt::ClaimError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// `fresh`: whether the user authenticated recently.
    pub fresh: Fresh,
    /// `iat`: when the token was issued.
    pub issued_at: Timestamp,
    /// `jti`: the token's id. Empty if the token has no id. A token without an id is accepted only with
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible).
    pub token_id: String,
    /// `type`: the purpose of the token.
    pub kind: TokenKind,
    /// `sub`: the user. Never empty.
    pub subject: String,
    /// `nbf`: the token is not valid before this second.
    pub not_before: Option<Timestamp>,
    /// `csrf`: the value that a form or a script must send with the cookie. Never empty.
    pub csrf: Option<String>,
    /// `exp`: the time at which the token expires. From this second on, the token is no longer valid. By default,
    /// [`validate`](super::validate()) refuses a token without `exp`. To accept such a token, use
    /// [`Expected::allow_never_expiring`](super::Expected::allow_never_expiring).
    pub expires_at: Option<Timestamp>,
    /// `sid`: the session. In the token, it is 32 lower-case hexadecimal digits.
    pub session: Option<u128>,
    /// `gen`: the generation of the session's refresh token. It increases by one each time the refresh token is
    /// rotated.
    pub generation: Option<u64>,
    /// `auth_time`: when the user last authenticated (OpenID Connect Core §2).
    pub auth_time: Option<Timestamp>,
    /// `iss`: the issuer.
    pub issuer: Option<String>,
    /// `aud`: the recipients. In the token, `aud` is a string or an array of strings. This field is empty if `aud` is
    /// absent.
    pub audience: Vec<String>,
    /// `proven_at`: when the client last proved that it has its device's key. Only access tokens of sessions that are
    /// [bound](crate::device_binding) to a device have this claim.
    pub proven_at: Option<Timestamp>,
}

impl Claims {
    /// Creates the claims of a token that is issued at `now`. The token is not fresh and has no optional claims, not
    /// even `exp`. To add claims, set their fields.
    pub fn new(subject: impl Into<String>, token_id: impl Into<String>, kind: TokenKind, now: Timestamp) -> Self {
        Self { subject: subject.into(), token_id: token_id.into(), kind, issued_at: now, ..Self::absent() }
    }
}

impl fmt::Debug for Claims {
    /// Leaves out the CSRF value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .field("fresh", &self.fresh)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

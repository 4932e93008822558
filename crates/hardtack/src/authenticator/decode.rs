//! Tokens that did not come with a request.

use super::Authenticator;
use super::verify::TokenVerdict;
use crate::jwt::{ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::token::VerifiedToken;

impl Authenticator {
    /// Decodes a token that did not come with a request (`decode_token`).
    ///
    /// # Errors
    /// What is wrong with the token, including that it has expired.
    pub fn decode<T: ExtraClaims>(&self, token: &str, kind: TokenKind) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, Some(kind))?.valid()?.with_extra()
    }

    /// Decodes a token of any kind.
    ///
    /// # Errors
    /// What is wrong with the token, including that it has expired.
    pub fn decode_any<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, None)?.valid()?.with_extra()
    }

    /// Decodes a token of any kind that may have expired (`decode_token(allow_expired=True)`). Use it to inspect a
    /// token, not to authenticate.
    ///
    /// # Errors
    /// What is wrong with the token besides its age.
    pub fn decode_allowing_expired<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, None)?.valid_or_expired()?.with_extra()
    }

    /// Returns the id of a valid token (`get_jti`). It is empty if the token has none, which only
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible) allows.
    ///
    /// # Errors
    /// Those of [`Self::decode_any`].
    pub fn token_id(&self, token: &str) -> Result<String, TokenError> {
        Ok(self.decode_any::<NoExtra>(token)?.claims().token_id.clone())
    }

    /// Returns the CSRF value of a valid token (`get_csrf_token`).
    ///
    /// # Errors
    /// Those of [`Self::decode_any`], and [`TokenError::MissingClaim`] if the token has no CSRF value.
    pub fn csrf_token(&self, token: &str) -> Result<String, TokenError> {
        self.decode_any::<NoExtra>(token)?.claims().csrf.clone().ok_or(TokenError::MissingClaim("csrf"))
    }

    fn decoded(&self, token: &str, kind: Option<TokenKind>) -> Result<TokenVerdict, TokenError> {
        self.verify_token(token.as_bytes(), kind, self.now())
    }
}

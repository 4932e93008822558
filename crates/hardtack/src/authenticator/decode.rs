//! Verifies and decodes tokens that did not come with a request.

use super::Authenticator;
use super::verify::TokenVerdict;
use crate::jwt::{ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::token::VerifiedToken;

impl Authenticator {
    /// Verifies and decodes a token that did not come with a request. This method does not check whether the token's
    /// session has ended or whether the token is blocked.
    ///
    /// In Flask-JWT-Extended: `decode_token`.
    ///
    /// # Errors
    /// Returns an error if the token is invalid, not valid yet, expired or of a different kind, or if its claims cannot
    /// be read as `T`.
    pub fn decode<T: ExtraClaims>(&self, token: &str, kind: TokenKind) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, Some(kind))?.valid()?.with_extra()
    }

    /// Verifies and decodes a token that did not come with a request. The token can be of any kind. This method does
    /// not check whether the token's session has ended or whether the token is blocked.
    ///
    /// # Errors
    /// Returns an error if the token is invalid, not valid yet or expired, or if its claims cannot be read as `T`.
    pub fn decode_any<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, None)?.valid()?.with_extra()
    }

    /// Verifies and decodes a token of any kind, even if it has expired. Use this method to inspect a token, not to
    /// authenticate a user.
    ///
    /// In Flask-JWT-Extended: `decode_token(allow_expired=True)`.
    ///
    /// # Errors
    /// The token is invalid for a reason other than having expired, or its claims cannot be read as `T`.
    pub fn decode_allowing_expired<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.decoded(token, None)?.valid_or_expired()?.with_extra()
    }

    /// Returns the id (`jti`) of a valid token. With
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible), a token may have no id. In that case, the
    /// result is an empty string.
    ///
    /// In Flask-JWT-Extended: `get_jti`.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::decode_any`].
    pub fn token_id(&self, token: &str) -> Result<String, TokenError> {
        Ok(self.decode_any::<NoExtra>(token)?.claims().token_id.clone())
    }

    /// Returns the CSRF value of a valid token.
    ///
    /// In Flask-JWT-Extended: `get_csrf_token`.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::decode_any`], and [`TokenError::MissingClaim`] if the token has no CSRF
    /// value.
    pub fn csrf_token(&self, token: &str) -> Result<String, TokenError> {
        self.decode_any::<NoExtra>(token)?.claims().csrf.clone().ok_or(TokenError::MissingClaim("csrf"))
    }

    fn decoded(&self, token: &str, kind: Option<TokenKind>) -> Result<TokenVerdict, TokenError> {
        self.verify_token(token.as_bytes(), kind, self.now())
    }
}

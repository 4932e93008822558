//! The application's callbacks.

use serde_json::{Map, Value};

use super::AuthenticatorBuilder;
use crate::authenticator::callbacks::Blocklist;
use crate::jwt::{SigningKey, TokenKind, Unverified, VerifyingKey};
use crate::token::VerifiedToken;

impl AuthenticatorBuilder {
    /// Tokens that the application takes no more. It is asked for each verified token, unless a route skips
    /// that ([`crate::Need::skip_revocation_check`]).
    pub fn blocklist(mut self, list: impl Blocklist) -> Self {
        self.callbacks.blocklist = Some(Box::new(list));
        self
    }

    /// Whether a verified token's claims are acceptable (`token_verification_loader`); false refuses it as
    /// [`crate::FailureKind::ClaimsRefused`].
    pub fn verify_claims(mut self, verify: impl Fn(&VerifiedToken) -> bool + Send + Sync + 'static) -> Self {
        self.callbacks.verify_claims = Some(Box::new(verify));
        self
    }

    /// Claims for every token that is made, by its subject (`additional_claims_loader`): for access tokens of
    /// sessions at each refresh anew, and never for their refresh tokens, which are the same bytes each time.
    /// Claims given to a single token or log-in go before these. When what it answers has changed, as with a
    /// role, [`Authenticator::reload_claims`] makes the tokens outdated that say otherwise.
    pub fn additional_claims(
        mut self,
        claims: impl Fn(&str, TokenKind) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.additional_claims = Some(Box::new(claims));
        self
    }

    /// Header members for every token that is made (`additional_headers_loader`), refresh tokens of sessions
    /// excepted.
    pub fn additional_headers(
        mut self,
        headers: impl Fn(&str, TokenKind) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.additional_headers = Some(Box::new(headers));
        self
    }

    /// The key that signs for a subject (`encode_key_loader`), or none for the application's own.
    pub fn encode_key(mut self, key: impl Fn(&str) -> Option<SigningKey> + Send + Sync + 'static) -> Self {
        self.callbacks.encode_key = Some(Box::new(key));
        self
    }

    /// The key that verifies a token, chosen by what the token says of itself before anything is proven
    /// (`decode_key_loader`), or none for the application's own. The key fixes its algorithm; what the header
    /// says is only compared with it. Whoever writes tokens chooses among the keys that this answers, so a
    /// tenant's key has to be bound to what the tenant may claim.
    pub fn decode_key(mut self, key: impl Fn(&Unverified) -> Option<VerifyingKey> + Send + Sync + 'static) -> Self {
        self.callbacks.decode_key = Some(Box::new(key));
        self
    }
}

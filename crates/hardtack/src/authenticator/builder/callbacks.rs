//! Settings for the application's callbacks.

use serde::Serialize;
use serde_json::{Map, Value};

use super::AuthenticatorBuilder;
use crate::authenticator::callbacks::{Blocklist, load_claims};
use crate::error::BackendError;
use crate::jwt::{SigningKey, TokenKind, Unverified, VerifyingKey};
use crate::token::VerifiedToken;

impl AuthenticatorBuilder {
    /// Sets a blocklist of tokens that the application no longer accepts.
    ///
    /// Every token in a request is looked up in the blocklist after the token's signature and claims have been
    /// verified. A route can skip the look-up with [`Need::skip_revocation_check`](crate::Need::skip_revocation_check).
    ///
    /// In Flask-JWT-Extended: `token_in_blocklist_loader`.
    pub fn blocklist(mut self, list: impl Blocklist) -> Self {
        self.callbacks.blocklist = Some(Box::new(list));
        self
    }

    /// Sets a callback that checks the claims of verified tokens. If the callback returns `false`, the token is refused
    /// as [`ClaimsRefused`](crate::FailureKind::ClaimsRefused). If the refused token was in a cookie, the response also
    /// deletes the cookies.
    ///
    /// For a permission that only some routes need, use the adapter's `Require::claim` or `Auth::forbid` instead. They
    /// refuse the request, but leave the user logged in.
    ///
    /// In Flask-JWT-Extended: `token_verification_loader`.
    pub fn verify_claims(mut self, verify: impl Fn(&VerifiedToken) -> bool + Send + Sync + 'static) -> Self {
        self.callbacks.verify_claims = Some(Box::new(verify));
        self
    }

    /// Sets an async callback that returns additional claims for a subject's tokens. The callback can return any value
    /// that serializes to a JSON object, such as a struct or `serde_json::json!({ … })`.
    ///
    /// ```
    /// # use hardtack::{Authenticator, BackendError, KeySet, SigningKey, jwt::Algorithm};
    /// # #[derive(Clone)] struct Database;
    /// # impl Database { async fn role_of(&self, user: &str) -> Result<String, std::io::Error> { Ok(user.into()) } }
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// # let database = Database;
    /// let auth = Authenticator::builder(keys)
    ///     .additional_claims(move |subject, _| {
    ///         let database = database.clone();
    ///         async move {
    ///             let role = database.role_of(&subject).await.map_err(BackendError::new)?;
    ///             Ok(serde_json::json!({ "role": role }))
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The callback is called when a token is issued, that is, at log-in and on each refresh, but not on each request.
    /// It may be called twice for one token, so it must have no side effects. It is not called for a session's refresh
    /// token, because that token does not contain these claims. If the same claim is also set for an individual token
    /// or log-in, the value set there takes precedence.
    ///
    /// If the callback returns an error, no token is issued, and the client gets 503. If this happens on a refresh, the
    /// client can send the request again. If the claims do not serialize to a JSON object, or if one of them has a
    /// reserved name, the client gets 500.
    ///
    /// Hardtack does not limit how long the callback takes. Set a timeout for the callback's I/O, because a request
    /// that refreshes its tokens waits until the callback has finished.
    ///
    /// If the callback's result for a subject changes, for example because the subject has a new role, call
    /// [`Authenticator::reload_claims`](crate::Authenticator::reload_claims). Tokens with the old claims then become
    /// outdated.
    ///
    /// In Flask-JWT-Extended: `additional_claims_loader`.
    pub fn additional_claims<C, F>(mut self, load: impl Fn(String, TokenKind) -> F + Send + Sync + 'static) -> Self
    where
        C: Serialize,
        F: Future<Output = Result<C, BackendError>> + Send + 'static,
    {
        self.callbacks.additional_claims = Some(load_claims(load));
        self
    }

    /// Sets a callback that returns additional header members for a subject's tokens. The callback is not called for
    /// the refresh tokens of sessions.
    ///
    /// In Flask-JWT-Extended: `additional_headers_loader`.
    pub fn additional_headers(
        mut self,
        headers: impl Fn(&str, TokenKind) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.additional_headers = Some(Box::new(headers));
        self
    }

    /// Sets a callback that chooses the key for signing a subject's tokens. If the callback returns `None`, the
    /// authenticator's own keys are used.
    ///
    /// In Flask-JWT-Extended: `encode_key_loader`.
    pub fn encode_key(mut self, key: impl Fn(&str) -> Option<SigningKey> + Send + Sync + 'static) -> Self {
        self.callbacks.encode_key = Some(Box::new(key));
        self
    }

    /// Sets a callback that chooses the key for verifying a token. If the callback returns `None`, the authenticator's
    /// own keys are used.
    ///
    /// The callback sees the token's header and claims **before they are verified**. The sender of the token can
    /// therefore influence which of your keys verifies the token. Return a tenant's key only for claims that this
    /// tenant is allowed to make. The key determines the algorithm, and the token's header must name the same
    /// algorithm.
    ///
    /// In Flask-JWT-Extended: `decode_key_loader`.
    pub fn decode_key(mut self, key: impl Fn(&Unverified) -> Option<VerifyingKey> + Send + Sync + 'static) -> Self {
        self.callbacks.decode_key = Some(Box::new(key));
        self
    }
}

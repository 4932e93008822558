//! What an application has to say to tokens: keys by tenant, claims of its own, tokens that it blocks
//! (Flask-JWT-Extended's loaders).

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

use super::{Authenticator, VerifiedToken};
use crate::failure::Reason;
use crate::jwt::{SigningKey, TokenError, TokenKind, Unverified, VerifyingKey, jws};
use crate::session::StoreError;

/// An application's list of tokens that it takes no more (`token_in_blocklist_loader`).
///
/// ```
/// use hardtack::{Blocklist, VerifiedToken, session::StoreError};
///
/// struct Revoked(std::sync::Mutex<std::collections::HashSet<String>>);
///
/// impl Blocklist for Revoked {
///     async fn is_blocked(&self, token: &VerifiedToken) -> Result<bool, StoreError> {
///         let ids = self.0.lock().map_err(|_| StoreError::new("the list is broken"))?;
///         Ok(ids.contains(&token.claims().token_id))
///     }
/// }
/// ```
pub trait Blocklist: Send + Sync + 'static {
    /// Whether a verified token is refused all the same. An error answers 503: nobody is let in by a list that
    /// cannot be read.
    fn is_blocked(&self, token: &VerifiedToken) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<bool, StoreError>> + Send + 'a>>;

/// [`Blocklist`] behind a pointer.
trait ErasedBlocklist: Send + Sync {
    fn is_blocked<'a>(&'a self, token: &'a VerifiedToken) -> Asked<'a>;
}

impl<B: Blocklist> ErasedBlocklist for B {
    fn is_blocked<'a>(&'a self, token: &'a VerifiedToken) -> Asked<'a> {
        Box::pin(Blocklist::is_blocked(self, token))
    }
}

type Members = Map<String, Value>;
type Verify = Box<dyn Fn(&VerifiedToken) -> bool + Send + Sync>;
type Add = Box<dyn Fn(&str, TokenKind) -> Members + Send + Sync>;
type EncodeKey = Box<dyn Fn(&str) -> Option<SigningKey> + Send + Sync>;
type DecodeKey = Box<dyn Fn(&Unverified) -> Option<VerifyingKey> + Send + Sync>;

/// Everything that an application plugged in; nothing by default.
#[derive(Default)]
pub(crate) struct Application {
    blocklist: Option<Box<dyn ErasedBlocklist>>,
    verify: Option<Verify>,
    claims: Option<Add>,
    headers: Option<Add>,
    encode_key: Option<EncodeKey>,
    decode_key: Option<DecodeKey>,
}

impl Application {
    /// Whether it has a say in which tokens are taken.
    pub(super) fn judges(&self) -> bool {
        self.blocklist.is_some() || self.verify.is_some()
    }

    pub(super) fn chooses_decode_key(&self) -> bool {
        self.decode_key.is_some()
    }
}

impl super::Builder {
    /// Tokens that the application takes no more. It is asked for each verified token, unless a route skips
    /// that ([`crate::Need::skip_revocation_check`]).
    pub fn blocklist(mut self, list: impl Blocklist) -> Self {
        self.application.blocklist = Some(Box::new(list));
        self
    }

    /// Whether a verified token's claims are acceptable (`token_verification_loader`); false refuses it as
    /// [`crate::FailureKind::ClaimsRefused`].
    pub fn verify_claims(mut self, verify: impl Fn(&VerifiedToken) -> bool + Send + Sync + 'static) -> Self {
        self.application.verify = Some(Box::new(verify));
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
        self.application.claims = Some(Box::new(claims));
        self
    }

    /// Header members for every token that is made (`additional_headers_loader`), refresh tokens of sessions
    /// excepted.
    pub fn additional_headers(
        mut self,
        headers: impl Fn(&str, TokenKind) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.application.headers = Some(Box::new(headers));
        self
    }

    /// The key that signs for a subject (`encode_key_loader`), or none for the application's own.
    pub fn encode_key(mut self, key: impl Fn(&str) -> Option<SigningKey> + Send + Sync + 'static) -> Self {
        self.application.encode_key = Some(Box::new(key));
        self
    }

    /// The key that verifies a token, chosen by what the token says of itself before anything is proven
    /// (`decode_key_loader`), or none for the application's own. The key fixes its algorithm; what the header
    /// says is only compared with it. Whoever writes tokens chooses among the keys that this answers, so a
    /// tenant's key has to be bound to what the tenant may claim.
    pub fn decode_key(mut self, key: impl Fn(&Unverified) -> Option<VerifyingKey> + Send + Sync + 'static) -> Self {
        self.application.decode_key = Some(Box::new(key));
        self
    }
}

impl Authenticator {
    /// The payload of a token that one of our keys has signed.
    pub(super) fn verify_signature(&self, token: &[u8]) -> Result<Vec<u8>, TokenError> {
        if let Some(choose) = &self.application().decode_key
            && let Some(key) = choose(&Unverified::of_bytes(token)?)
        {
            return Ok(jws::verify_with_key(token, &key)?.into_bytes());
        }
        Ok(self.keys().verify(token)?.into_bytes())
    }

    /// The key that signs for a subject, if it is another than the application's own.
    pub(super) fn own_signing_key(&self, subject: &str) -> Option<SigningKey> {
        self.application().encode_key.as_ref().and_then(|choose| choose(subject))
    }

    /// Whether the application adds claims by subject.
    pub(super) fn adds_claims(&self) -> bool {
        self.application().claims.is_some()
    }

    pub(super) fn claims_for(&self, subject: &str, kind: TokenKind) -> Members {
        self.application().claims.as_ref().map(|claims| claims(subject, kind)).unwrap_or_default()
    }

    pub(super) fn headers_for(&self, subject: &str, kind: TokenKind) -> Members {
        self.application().headers.as_ref().map(|headers| headers(subject, kind)).unwrap_or_default()
    }

    /// Asks the application whether it takes a verified token.
    pub(crate) async fn check_by_application(
        &self,
        token: &VerifiedToken,
        skip_revocation_check: bool,
    ) -> Result<(), Reason> {
        let application = self.application();
        if let (Some(list), false) = (&application.blocklist, skip_revocation_check)
            && list.is_blocked(token).await?
        {
            return Err(Reason::Revoked);
        }
        match &application.verify {
            Some(verify) if !verify(token) => Err(Reason::ClaimsRefused),
            _ => Ok(()),
        }
    }
}

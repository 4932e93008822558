//! The application's callbacks: its own keys, claims and blocklist (the "loaders" of Flask-JWT-Extended).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{SessionError, extra_claims::ClaimMap};
use crate::error::BackendError;
use crate::jwt::{SigningKey, TokenKind, Unverified, VerifyingKey};
use crate::refusal::Reason;
use crate::token::{IssueError, VerifiedToken};

/// A list of tokens that the application no longer accepts.
///
/// In Flask-JWT-Extended: `token_in_blocklist_loader`.
///
/// ```
/// use hardtack::{VerifiedToken, BackendError};
/// use hardtack::authenticator::Blocklist;
///
/// struct Revoked(std::sync::Mutex<std::collections::HashSet<String>>);
///
/// impl Blocklist for Revoked {
///     async fn is_blocked(&self, token: &VerifiedToken) -> Result<bool, BackendError> {
///         let ids = self.0.lock().map_err(|_| BackendError::new("the list is broken"))?;
///         Ok(ids.contains(&token.claims().token_id))
///     }
/// }
/// ```
pub trait Blocklist: Send + Sync + 'static {
    /// Returns whether a verified token is blocked. If this method returns an error, the request is refused with 503.
    fn is_blocked(&self, token: &VerifiedToken) -> impl Future<Output = Result<bool, BackendError>> + Send;
}

type IsBlocked<'a> = Pin<Box<dyn Future<Output = Result<bool, BackendError>> + Send + 'a>>;

/// An object-safe [`Blocklist`].
pub(super) trait ErasedBlocklist: Send + Sync {
    fn is_blocked<'a>(&'a self, token: &'a VerifiedToken) -> IsBlocked<'a>;
}

impl<B: Blocklist> ErasedBlocklist for B {
    fn is_blocked<'a>(&'a self, token: &'a VerifiedToken) -> IsBlocked<'a> {
        Box::pin(Blocklist::is_blocked(self, token))
    }
}

type VerifyClaims = Box<dyn Fn(&VerifiedToken) -> bool + Send + Sync>;
type Loading = Pin<Box<dyn Future<Output = Result<Map<String, Value>, SessionError>> + Send>>;
type LoadClaims = Box<dyn Fn(String, TokenKind) -> Loading + Send + Sync>;
type AddMembers = Box<dyn Fn(&str, TokenKind) -> Map<String, Value> + Send + Sync>;
type EncodeKey = Box<dyn Fn(&str) -> Option<SigningKey> + Send + Sync>;
type DecodeKey = Box<dyn Fn(&Unverified) -> Option<VerifyingKey> + Send + Sync>;

/// Wraps the application's callback in a callback that returns the members of a JSON object.
pub(super) fn load_claims<C, F>(load: impl Fn(String, TokenKind) -> F + Send + Sync + 'static) -> LoadClaims
where
    C: Serialize,
    F: Future<Output = Result<C, BackendError>> + Send + 'static,
{
    Box::new(move |subject, kind| {
        let loading = load(subject, kind);
        Box::pin(async move {
            let mut claims = ClaimMap::default();
            claims.set_all(&loading.await?);
            Ok(claims.into_map()?)
        })
    })
}

/// The callbacks that the application has set. By default, there are none.
#[derive(Default)]
pub(super) struct Callbacks {
    pub(super) blocklist: Option<Box<dyn ErasedBlocklist>>,
    pub(super) verify_claims: Option<VerifyClaims>,
    pub(super) additional_claims: Option<LoadClaims>,
    pub(super) additional_headers: Option<AddMembers>,
    pub(super) encode_key: Option<EncodeKey>,
    pub(super) decode_key: Option<DecodeKey>,
}

impl Callbacks {
    /// Whether a callback can refuse a verified token.
    pub(super) fn may_refuse_tokens(&self) -> bool {
        self.blocklist.is_some() || self.verify_claims.is_some()
    }

    /// Refuses a verified token if the application blocks the token or does not accept its claims.
    pub(super) async fn check_token(&self, token: &VerifiedToken, skip_blocklist: bool) -> Result<(), Reason> {
        if let (Some(list), false) = (&self.blocklist, skip_blocklist)
            && list.is_blocked(token).await?
        {
            return Err(Reason::Revoked);
        }
        match &self.verify_claims {
            Some(verify) if !verify(token) => Err(Reason::ClaimsRefused),
            _ => Ok(()),
        }
    }

    /// Returns the claims that the application adds to a subject's tokens.
    pub(super) async fn claims_for(&self, subject: &str, kind: TokenKind) -> Result<Map<String, Value>, SessionError> {
        match &self.additional_claims {
            Some(load) => load(subject.to_owned(), kind).await,
            None => Ok(Map::new()),
        }
    }

    /// Like [`Self::claims_for`], but does not wait. Returns an error if the callback does not finish at once.
    pub(super) fn claims_at_once(&self, subject: &str, kind: TokenKind) -> Result<Map<String, Value>, IssueError> {
        let Some(load) = &self.additional_claims else { return Ok(Map::new()) };
        match load(subject.to_owned(), kind).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(claims)) => Ok(claims),
            Poll::Ready(Err(SessionError::Issue(error))) => Err(error),
            Poll::Ready(Err(SessionError::Store(error))) => Err(IssueError::AdditionalClaims(error)),
            // Only a log-in returns this error.
            Poll::Ready(Err(SessionError::Refused(reason))) => {
                Err(IssueError::AdditionalClaims(BackendError::new(*reason)))
            }
            Poll::Pending => Err(IssueError::ClaimsNotReady),
        }
    }

    /// Returns the header members that the application adds to a subject's tokens.
    pub(super) fn headers_for(&self, subject: &str, kind: TokenKind) -> Map<String, Value> {
        self.additional_headers.as_ref().map(|headers| headers(subject, kind)).unwrap_or_default()
    }

    /// Returns the key that signs a subject's tokens, if the application chooses one.
    pub(super) fn signing_key_for(&self, subject: &str) -> Option<SigningKey> {
        self.encode_key.as_ref().and_then(|choose| choose(subject))
    }
}

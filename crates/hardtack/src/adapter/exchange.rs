//! The operations that an adapter offers to the handler of a request.

use std::borrow::Cow;
use std::fmt;

use crate::authenticator::{Attempt, Authenticator, BodyUser, Found, Pending, RequestState, RequestVerifier};
use crate::body::BodyPeek;
use crate::client_address::ClientAddress;
use crate::jwt::{ClaimFlaw, ExtraClaims, NoExtra, TokenError};
use crate::refusal::{Failure, Reason, Rejection};
use crate::request::{NextPath, RequestHead, Wants};
use crate::token::VerifiedToken;
use crate::token_source::{Need, RequiredClaims, TokenLocation};
use crate::user::FindUser;

/// The operations that a handler can perform on one request, such as verifying its token, or logging a user in or out.
/// Operations that need protection against CSRF also check the request's origin and CSRF value.
///
/// An adapter creates an `Exchange` from its framework's request, and converts each [`Failure`] into one of the
/// framework's responses.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub(super) authenticator: &'a Authenticator,
    pub(super) head: RequestHead<'a>,
    pub(super) state: &'a RequestState,
}

/// The result of [`Exchange::try_verify`].
#[derive(Debug)]
#[must_use = "a `Pending` verification must be passed to `Exchange::finish_verifying`"]
pub enum Verification<T = NoExtra> {
    /// The verification is complete. A failure contains the reply for the client.
    ///
    /// The token is `None` in two cases:
    /// - The token is optional, and the request has no token or has invalid cookies.
    /// - The request is an `OPTIONS` request, and [`exempt_options`](crate::AuthenticatorBuilder::exempt_options) is
    ///   set.
    Ready(Result<Option<VerifiedToken<T>>, Failure>),
    /// Verification needs I/O. Pass the value to [`Exchange::finish_verifying`].
    Pending(PendingVerification),
}

/// A verification that needs I/O: a refresh, a look-up in the store, or an async callback.
#[must_use = "a `PendingVerification` must be passed to `Exchange::finish_verifying`"]
pub struct PendingVerification {
    need: Need,
    claims: RequiredClaims,
    step: Step,
}

/// What remains to be done to complete the verification.
enum Step {
    Verify(Pending),
    /// The token is valid but lacks a required claim. A newer token of the session might have the claim.
    Renew(VerifiedToken, ClaimFlaw),
}

impl fmt::Debug for PendingVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingVerification").field("need", &self.need).finish_non_exhaustive()
    }
}

impl<'a> Exchange<'a> {
    /// Creates an exchange from a request and the state that the adapter's layer keeps for this request.
    #[inline]
    pub fn new(head: RequestHead<'a>, state: &'a RequestState) -> Self {
        Self { authenticator: state.authenticator(), head, state }
    }

    /// Verifies the token that a route needs.
    ///
    /// Returns `None` in two cases:
    /// - The token is optional, and the request has no token, or has only an invalid one in a cookie.
    /// - The request is an `OPTIONS` request, and [`exempt_options`](crate::AuthenticatorBuilder::exempt_options) is
    ///   set.
    ///
    /// In Flask-JWT-Extended: `verify_jwt_in_request`.
    ///
    /// # Errors
    /// - The token is missing, invalid, expired or revoked, or it does not meet `need`.
    /// - The request comes from another site, or its CSRF token is missing or wrong.
    /// - The session store failed.
    ///
    /// The [`Failure`] contains the response for the client.
    pub async fn verify<T: ExtraClaims>(&self, need: Need) -> Result<Option<VerifiedToken<T>>, Failure> {
        match self.try_verify(need) {
            Verification::Ready(result) => result,
            // The future is large and rarely needed. If it were not boxed, every handler's future would reserve space
            // for it.
            Verification::Pending(pending) => Box::pin(self.finish_verifying(pending)).await,
        }
    }

    /// Verifies the token that a route needs, and refuses the request if it has none.
    ///
    /// # Errors
    /// Returns the errors of [`verify`](Self::verify). Also returns an error whenever `verify` would return `None`, so
    /// the token is required even if `need` says that it is optional.
    pub async fn required<T: ExtraClaims>(&self, need: Need) -> Result<VerifiedToken<T>, Failure> {
        self.verify(need).await?.ok_or_else(|| self.refuse(Reason::Missing))
    }

    /// Verifies the token that a route needs, but stops before any step that needs I/O.
    ///
    /// For nearly every request, the result is [`Verification::Ready`]. An adapter that calls this method before
    /// [`finish_verifying`](Self::finish_verifying) has to box a future only for the few requests that need I/O.
    #[inline]
    pub fn try_verify<T: ExtraClaims>(&self, need: Need) -> Verification<T> {
        self.try_verify_with(need, &RequiredClaims::NONE)
    }

    /// Like [`try_verify`](Self::try_verify), but the token must also have the given claims.
    ///
    /// A token might lack a claim simply because it was issued before the claim was added. If the token was in a
    /// cookie, and a new token for the session would have the claim, Hardtack refreshes the token. Otherwise, Hardtack
    /// refuses the request as [`Forbidden`](crate::FailureKind::Forbidden), and the user stays logged in.
    #[inline]
    pub fn try_verify_with<T: ExtraClaims>(&self, need: Need, claims: &RequiredClaims) -> Verification<T> {
        let step = match self.verifier().try_verify(need) {
            Attempt::Done(Ok(Some(token))) => match self.read_claims(token, claims) {
                Ok(token) => return Verification::Ready(Ok(Some(token))),
                Err((token, flaw)) => Step::Renew(token, flaw),
            },
            Attempt::Done(Ok(None)) => return Verification::Ready(Ok(None)),
            Attempt::Done(Err(rejection)) => return Verification::Ready(Err(self.reject_for(rejection, need))),
            Attempt::Pending(pending) => Step::Verify(pending),
        };
        Verification::Pending(PendingVerification { need, claims: claims.clone(), step })
    }

    /// Completes a verification that needs I/O. Does not repeat the checks that [`try_verify`](Self::try_verify) has
    /// already done.
    ///
    /// # Errors
    /// The same errors as [`verify`](Self::verify).
    pub async fn finish_verifying<T: ExtraClaims>(
        &self,
        verification: PendingVerification,
    ) -> Result<Option<VerifiedToken<T>>, Failure> {
        let PendingVerification { need, claims, step } = verification;
        let lacking = match step {
            Step::Renew(token, flaw) => (token, flaw),
            Step::Verify(pending) => {
                let result = self.verifier().finish_verifying(pending, need).await;
                if self.authenticator.explains_refusals() {
                    Box::pin(self.verifier().look_up_sessions(&result)).await;
                }
                let Some(token) = result.map_err(|rejection| self.reject_for(rejection, need))? else {
                    self.verifier().record(need, Found::Visitor(None));
                    return Ok(None);
                };
                match self.read_claims(token, &claims) {
                    Ok(token) => {
                        self.verifier().record(need, Found::Accepted);
                        return Ok(Some(token));
                    }
                    Err(lacking) => lacking,
                }
            }
        };
        let renewed = self.renew_or_forbid(lacking, need, &claims).await;
        renewed
            .inspect(|_| self.verifier().record(need, Found::Accepted))
            .map(Some)
            .map_err(|r| self.reject_for(r, need))
    }

    /// Reads the application's own claims and adds them to the token. If a claim does not meet the route's
    /// requirements, returns the unchanged token and the claim's [flaw](ClaimFlaw).
    #[inline]
    fn read_claims<T: ExtraClaims>(
        &self,
        token: VerifiedToken,
        claims: &RequiredClaims,
    ) -> Result<VerifiedToken<T>, (VerifiedToken, ClaimFlaw)> {
        if let Some(flaw) = claims.flaw(token.payload()) {
            return Err((token, flaw));
        }
        match T::from_payload(token.payload()) {
            Ok(extra) => Ok(token.carrying(extra)),
            Err(_) => {
                let flaw = T::flaw(token.payload());
                Err((token, flaw))
            }
        }
    }

    /// If a token lacks a claim, replaces it with a newer token that has the claim. If there is no such token, refuses
    /// the request.
    async fn renew_or_forbid<T: ExtraClaims>(
        &self,
        (token, flaw): (VerifiedToken, ClaimFlaw),
        need: Need,
        claims: &RequiredClaims,
    ) -> Result<VerifiedToken<T>, Rejection> {
        let from_cookie = token.location() == Some(TokenLocation::Cookies);
        if self.authenticator.settings().flask {
            return Err(Rejection { from_cookie, ..TokenError::BadClaim("extra").into() });
        }
        let suffices = |payload: &[u8]| claims.flaw(payload).is_none() && T::from_payload(payload).is_ok();
        let (token, flaw) = match self.verifier().renew_for_claims(&token, need, &suffices).await? {
            None => (token, flaw),
            Some(renewed) => match self.read_claims(renewed, claims) {
                Ok(token) => return Ok(token),
                Err(lacking) => lacking,
            },
        };
        Err(Rejection { from_cookie, ..Rejection::from(Reason::InsufficientClaims(flaw)).about(token) })
    }

    /// If the body is needed to verify a token, returns a reader for the beginning of the body. A form can contain the
    /// CSRF field, and JSON can contain the token itself.
    ///
    /// If [`RequestState::has_unread_body`] is true, call this method before [`verify`](Self::verify), and pass the
    /// reader's result to [`RequestState::set_body`].
    ///
    /// # Errors
    /// Too many other request bodies are being read at the moment.
    pub fn body_peek(&self, need: Need) -> Result<Option<BodyPeek>, Failure> {
        let all = self.authenticator.settings().sources.locations;
        let locations = if need.locations.is_empty() { all } else { need.locations };
        self.body_peek_for(BodyUser::Verification(locations))
    }

    /// Like [`body_peek`](Self::body_peek), but for the extractor `Auth`. `Auth`'s operations also check forms that are
    /// posted before a log-in, such as the log-in form.
    ///
    /// # Errors
    /// Too many other request bodies are being read at the moment.
    pub fn body_peek_for_auth(&self) -> Result<Option<BodyPeek>, Failure> {
        self.body_peek_for(BodyUser::Auth)
    }

    fn body_peek_for(&self, user: BodyUser) -> Result<Option<BodyPeek>, Failure> {
        if !self.state.has_unread_body() {
            return Ok(None);
        }
        self.authenticator.body_peek(&self.head, user).map_err(|reason| self.refuse(reason))
    }

    /// Looks up the user of a token with the application's [`FindUser`] implementation.
    ///
    /// # Errors
    /// Returns an error if the user no longer exists, or if the look-up fails.
    pub async fn user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, Failure> {
        self.find_user(token, state).await.map_err(|rejection| self.reject(rejection))
    }

    /// Looks up the user of a token, for a route that also serves visitors who are not logged in.
    ///
    /// If the user no longer exists and the token was in a cookie, this method returns `None`, and the response deletes
    /// the cookies.
    ///
    /// # Errors
    /// - The look-up failed.
    /// - The user no longer exists, and the token was not in a cookie.
    pub async fn optional_user<U: FindUser>(
        &self,
        token: &VerifiedToken,
        state: &U::State,
    ) -> Result<Option<U>, Failure> {
        let rejection = match self.find_user(token, state).await {
            Ok(user) => return Ok(Some(user)),
            Err(rejection) => rejection,
        };
        let refused = self.verifier().refused(rejection, Need::access().optional());
        refused.map(|_| None).map_err(|rejection| self.reject(rejection))
    }

    async fn find_user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, Rejection> {
        let reason = match U::find_user(token.subject(), state).await {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => Reason::UnknownUser,
            Err(error) => error.into(),
        };
        let from_cookie = token.location().is_none_or(|location| location == TokenLocation::Cookies);
        Err(Rejection { from_cookie, ..Rejection::from(reason).about(token.clone()) })
    }

    /// Refuses a request from another site, even if its method is safe (such as GET).
    ///
    /// # Errors
    /// Returns [`FailureKind::Csrf`](crate::FailureKind::Csrf) if the `Sec-Fetch-Site` or `Origin` header says that the
    /// request comes from another site, or if the `Host` header is missing or malformed.
    pub fn require_same_origin(&self) -> Result<(), Failure> {
        self.verifier().check_origin_of_any_method().map_err(|reason| self.refuse(reason))
    }

    /// Returns the authenticator that handles the request.
    pub fn authenticator(&self) -> &'a Authenticator {
        self.authenticator
    }

    /// Returns the client's address. If the socket's peer is a trusted proxy, this is the address in the proxy's
    /// header. Otherwise, it is the peer's address. Returns `None` if the server does not know the peer.
    pub fn client_address(&self) -> Option<ClientAddress> {
        self.authenticator.client_address(&self.head)
    }

    /// Returns what kind of response the client wants.
    pub fn wants(&self) -> Wants {
        Wants::of(self.head.headers())
    }

    /// Returns the first value of the query parameter `name`, percent-decoded. Returns `None` if the query has no such
    /// parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        self.head.query(name)
    }

    /// Returns the page to go to after a log-in, which is the query parameter `next`. If `next` is missing, is not a
    /// path on this site, or is a route of the log-in flow, returns the home page instead.
    pub fn next_or_home(&self) -> String {
        self.authenticator.next_or_home(self.head.query("next").as_deref())
    }

    /// Returns the query parameter `next` if it is a path on this site.
    pub(super) fn query_next(&self) -> Option<NextPath> {
        self.head.query("next").and_then(|next| self.authenticator.next(&next))
    }

    /// Returns the path that the browser requested, including the base URL's path, which a proxy might have stripped.
    pub(super) fn public_path(&self) -> Cow<'a, str> {
        self.authenticator.settings().public_path(self.head.path())
    }

    #[inline]
    pub(super) fn verifier(&self) -> RequestVerifier<'a> {
        RequestVerifier::new(self.head, self.state)
    }

    /// Refuses a request that must not change state (ASVS 5.0 V3.5.3): a request with a safe method, such as GET, or a
    /// request from another site.
    pub(super) fn check_changing(&self) -> Result<(), Reason> {
        if self.head.is_safe() { Err(Reason::Method) } else { self.verifier().check_origin() }
    }
}

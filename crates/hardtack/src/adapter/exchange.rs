//! The operations on one request that an adapter offers to handlers.

use std::fmt;

use crate::authenticator::{Attempt, Authenticator, Pending, RequestState, RequestVerifier};
use crate::jwt::{ExtraClaims, NoExtra};
use crate::refusal::{Failure, Reason, Rejection};
use crate::request::{NextPath, RequestHead, Wants};
use crate::token::VerifiedToken;
use crate::token_source::{Need, TokenLocation};
use crate::user::FindUser;

/// The operations of a handler on one request, such as verifying its token, logging in and logging out. Each of them
/// checks the request's origin and CSRF value where that is needed.
///
/// An adapter creates an `Exchange` from its framework's request, and converts each [`Failure`] into its framework's
/// response.
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
    /// The verification is complete. The token is `None` if the need is optional and the request has no token, or if
    /// the request is an exempt `OPTIONS` request. A failure contains the reply for the client.
    Ready(Result<Option<VerifiedToken<T>>, Failure>),
    /// Verification needs I/O. Pass the value to [`Exchange::finish_verifying`].
    Pending(PendingVerification),
}

/// A verification that needs I/O: a refresh, a look-up in the store, or an async callback.
#[must_use = "pass it to `Exchange::finish_verifying`"]
pub struct PendingVerification {
    need: Need,
    pending: Pending,
}

impl fmt::Debug for PendingVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingVerification").field("need", &self.need).finish_non_exhaustive()
    }
}

impl<'a> Exchange<'a> {
    /// Creates an exchange from a request and the state that the adapter's layer keeps for it.
    #[inline]
    pub fn new(head: RequestHead<'a>, state: &'a RequestState) -> Self {
        Self { authenticator: state.authenticator(), head, state }
    }

    /// Verifies the token that a route needs.
    ///
    /// Returns `None` if the need is optional and the request has no token, or if [`OPTIONS` requests are
    /// exempt](crate::AuthenticatorBuilder::exempt_options).
    ///
    /// In Flask-JWT-Extended: `verify_jwt_in_request`.
    ///
    /// # Errors
    /// The token is missing, invalid, expired, revoked, or does not meet the need; or the session store failed. The
    /// failure contains the reply for the client.
    pub async fn verify<T: ExtraClaims>(&self, need: Need) -> Result<Option<VerifiedToken<T>>, Failure> {
        match self.try_verify(need) {
            Verification::Ready(result) => result,
            // Boxed because it is large and rarely needed: unboxed, every handler's future would reserve space for it.
            Verification::Pending(pending) => Box::pin(self.finish_verifying(pending)).await,
        }
    }

    /// Verifies the token that a route needs, and refuses a request without one.
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify), and a missing token even if the need is optional.
    pub async fn required<T: ExtraClaims>(&self, need: Need) -> Result<VerifiedToken<T>, Failure> {
        self.verify(need).await?.ok_or_else(|| self.refuse(Reason::Missing))
    }

    /// Verifies the token that a route needs as far as that is possible without I/O: to the end for nearly every
    /// request. Use this in adapters that would otherwise have to box the future of [`verify`](Self::verify).
    #[inline]
    pub fn try_verify<T: ExtraClaims>(&self, need: Need) -> Verification<T> {
        match self.verifier().try_verify(need) {
            Attempt::Done(result) => Verification::Ready(self.complete(result)),
            Attempt::Pending(pending) => Verification::Pending(PendingVerification { need, pending }),
        }
    }

    /// Completes a verification that needs I/O. It does not repeat the checks of [`try_verify`](Self::try_verify).
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify).
    pub async fn finish_verifying<T: ExtraClaims>(
        &self,
        verification: PendingVerification,
    ) -> Result<Option<VerifiedToken<T>>, Failure> {
        let PendingVerification { need, pending } = verification;
        self.complete(self.verifier().finish_verifying(pending, need).await)
    }

    /// Reads the application's own claims, or turns a rejection into its reply.
    #[inline]
    fn complete<T: ExtraClaims>(
        &self,
        result: Result<Option<VerifiedToken>, Rejection>,
    ) -> Result<Option<VerifiedToken<T>>, Failure> {
        let Some(token) = result.map_err(|rejection| self.reject(rejection))? else { return Ok(None) };
        let from_cookie = token.location() == Some(TokenLocation::Cookies);
        let token = token.with_extra().map_err(|error| self.reject(Rejection { from_cookie, ..error.into() }))?;
        Ok(Some(token))
    }

    /// Looks up the user of a token with the application's [`FindUser`] implementation.
    ///
    /// # Errors
    /// The user no longer exists, or the look-up failed.
    pub async fn user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, Failure> {
        let reason = match U::find_user(token.subject(), state).await {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => Reason::UnknownUser,
            Err(error) => error.into(),
        };
        let from_cookie = token.location().is_none_or(|location| location == TokenLocation::Cookies);
        Err(self.reject(Rejection { from_cookie, ..Rejection::from(reason).about(token.clone()) }))
    }

    /// Refuses requests from other sites, even safe ones such as GET.
    ///
    /// # Errors
    /// The browser's `Sec-Fetch-Site` or `Origin` field names another site
    /// ([`FailureKind::Csrf`](crate::FailureKind::Csrf)).
    pub fn require_same_origin(&self) -> Result<(), Failure> {
        self.verifier().check_origin_of_any_method().map_err(|reason| self.refuse(reason))
    }

    /// Returns the authenticator that handles the request.
    pub fn authenticator(&self) -> &'a Authenticator {
        self.authenticator
    }

    /// Returns what kind of response the client wants.
    pub fn wants(&self) -> Wants {
        Wants::of(self.head.headers())
    }

    /// Returns the first value of the query parameter `name`, percent-decoded, or `None` if the query does not have it.
    pub fn query(&self, name: &str) -> Option<String> {
        self.head.query(name)
    }

    /// Returns the page to go to after a log-in: the query's `next` if it is a path on this site, otherwise the home
    /// page.
    pub fn next_or_home(&self) -> String {
        self.authenticator.next_or_home(self.head.query("next").as_deref())
    }

    /// The query's `next`, if it is a path on this site.
    pub(super) fn query_next(&self) -> Option<NextPath> {
        self.head.query("next").and_then(|next| self.authenticator.next(&next))
    }

    #[inline]
    pub(super) fn verifier(&self) -> RequestVerifier<'a> {
        RequestVerifier::new(self.head, self.state)
    }

    /// Refuses a request for a state-changing operation if its method is safe, such as GET, or if it comes from another
    /// site (ASVS 5.0 V3.5.3).
    pub(super) fn check_changing(&self) -> Result<(), Reason> {
        if self.head.is_safe() { Err(Reason::Method) } else { self.verifier().check_origin() }
    }
}

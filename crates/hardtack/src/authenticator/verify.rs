//! How one request is verified, from start to finish.
//!
//! 1. **Find the token.** Usually it is in the access cookie. `verify_sources` handles the other locations.
//! 2. **Check the signature.** If the token is in the cache, its signature was checked earlier.
//! 3. **Check the claims**: kind, issuer, audience and times.
//! 4. **Check CSRF**: the request's origin, then the CSRF value, which only a page of this site can send.
//! 5. **Check the session**: whether it has ended, or its claims have changed.
//! 6. **Check freshness**, for routes that need a recent log-in.
//!
//! All steps are synchronous. If a step needs I/O (a refresh, a session store, a callback), it returns a [`Pending`]
//! verification, which the module `verify_pending` completes (decision 28).

use std::sync::Arc;
use std::time::Duration;

use super::{Authenticator, RequestState};
use crate::body::{FormToken, JsonTokens, Peeked};
use crate::clock::Timestamp;
use crate::csrf::{CsrfError, check_double_submit, check_origin};
use crate::jwt::{Expected, TokenError, TokenKind, Unverified};
use crate::refusal::{Reason, Rejection};
use crate::request::RequestHead;
use crate::revocation::{Notes, SessionStatus};
use crate::session::SessionId;
use crate::token::{VerifiedPayload, VerifiedToken};
use crate::token_source::{Locations, Need, TokenLocation};

/// The verification of one request.
#[derive(Clone, Copy)]
pub(crate) struct RequestVerifier<'a> {
    pub(super) authenticator: &'a Authenticator,
    pub(super) head: RequestHead<'a>,
    pub(super) state: &'a RequestState,
}

/// The result of the synchronous part of a verification.
pub(crate) enum Attempt {
    /// The verification is complete. The result is a token, `None` (only if the token is optional), or the reason for
    /// refusing the request.
    Done(Result<Option<VerifiedToken>, Rejection>),
    /// The verification needs I/O to complete.
    Pending(Pending),
}

/// A verification that needs I/O.
#[derive(Debug)]
pub(crate) enum Pending {
    /// The access cookie has been examined, with this result.
    Cookie(CookieVerdict),
    /// The token has not been found yet. These locations still have to be searched, in this order.
    Sources(Locations),
}

/// What the access cookie contains, as far as this can be determined without I/O.
#[derive(Debug)]
pub(crate) enum CookieVerdict {
    /// The token is valid, and its session is live or need not be checked.
    Valid(VerifiedToken),
    /// The token is valid. Its session has to be looked up in the store, or the token has to be replaced.
    CheckSession(VerifiedToken),
    /// The token has expired. Nothing else is wrong with it.
    Expired(VerifiedToken),
    /// The request has no access token.
    Missing,
    /// The route needs the refresh token. The refresh cookie has not been examined yet.
    WantsRefreshToken,
}

/// A token with a valid signature and valid claims, except that it might have expired or might not be valid yet.
#[derive(Debug)]
pub(crate) enum TokenVerdict {
    /// The token is valid now.
    Valid(VerifiedToken),
    /// The token has expired. Nothing else is wrong with it.
    Expired(VerifiedToken),
    /// The token is not valid yet, because the clock of the server that issued it is ahead of this server's clock.
    /// Nothing else is wrong with the token. It is refused, but its cookies are not deleted, and its session can still
    /// be ended.
    Early(VerifiedToken, TokenError),
}

impl TokenVerdict {
    /// Returns the token, or an error if the token has expired or is not valid yet.
    pub(super) fn valid(self) -> Result<VerifiedToken, TokenError> {
        match self {
            Self::Valid(token) => Ok(token),
            Self::Expired(_) => Err(TokenError::Expired),
            Self::Early(_, error) => Err(error),
        }
    }

    /// Returns the token, or an error if the token is not valid yet.
    pub(super) fn valid_or_expired(self) -> Result<VerifiedToken, TokenError> {
        match self {
            Self::Valid(token) | Self::Expired(token) => Ok(token),
            Self::Early(_, error) => Err(error),
        }
    }

    /// Returns the token, even if it has expired or is not valid yet.
    pub(crate) fn any_age(self) -> VerifiedToken {
        match self {
            Self::Valid(token) | Self::Expired(token) | Self::Early(token, _) => token,
        }
    }
}

impl<'a> RequestVerifier<'a> {
    #[inline]
    pub(crate) fn new(head: RequestHead<'a>, state: &'a RequestState) -> Self {
        Self { authenticator: state.authenticator(), head, state }
    }

    /// Verifies the request as far as possible without I/O. For nearly all requests, the result is [`Attempt::Done`].
    #[inline]
    pub(crate) fn try_verify(&self, need: Need) -> Attempt {
        let fast_path = &self.authenticator.0.fast_path;
        if need.optional && !self.authenticator.settings().flask {
            self.state.set_varies();
        }
        if !fast_path.only_cookies || !need.locations.is_empty() {
            let settings = self.authenticator.settings();
            if settings.exempt_options && self.head.method() == "OPTIONS" {
                return Attempt::Done(Ok(None));
            }
            let locations = if need.locations.is_empty() { settings.sources.locations } else { need.locations };
            if settings.flask || !locations.is_only_cookies() {
                return Attempt::Pending(Pending::Sources(locations));
            }
        }
        match self.verify_cookie(need) {
            Ok(CookieVerdict::Valid(token)) if !fast_path.goes_on => {
                Attempt::Done(self.check_freshness(token, need).map(Some))
            }
            Ok(verdict) => Attempt::Pending(Pending::Cookie(verdict)),
            Err(reason) => Attempt::Done(self.refused(reason.into(), need)),
        }
    }

    /// Performs steps 1 to 5 for the access cookie.
    #[inline]
    pub(super) fn verify_cookie(&self, need: Need) -> Result<CookieVerdict, Reason> {
        if need.kind == TokenKind::Refresh {
            return Ok(CookieVerdict::WantsRefreshToken);
        }
        let now = self.authenticator.now();
        if let Some(token) = self.state.refreshed() {
            return self.judge_refreshed(token.clone(), need, now);
        }
        // 1. Find the token.
        let Some(text) = self.authenticator.find_cookie(&self.head, TokenKind::Access)? else {
            return Ok(CookieVerdict::Missing);
        };
        // 2. and 3. Check the token's signature and its claims.
        let token = match self.authenticator.verify_token(text, need.expected_kind(), now) {
            Ok(TokenVerdict::Valid(token)) => token,
            Ok(TokenVerdict::Expired(token)) => return Ok(CookieVerdict::Expired(token)),
            Ok(TokenVerdict::Early(_, error)) => return Err(error.into()),
            Err(_) if self.authenticator.is_foreign(text) => return Ok(CookieVerdict::Missing),
            Err(error) => return Err(error.into()),
        };
        // 4. Check CSRF.
        self.check_csrf(&token)?;
        Ok(self.judge_session(token, need, now))
    }

    /// Performs steps 3 and 5 for a token that was issued by a refresh during this request. If the request takes a long
    /// time, the token may have expired since the refresh.
    fn judge_refreshed(&self, token: VerifiedToken, need: Need, now: Timestamp) -> Result<CookieVerdict, Reason> {
        match token.verify_claims(&self.authenticator.expected(token.kind(), now)) {
            Ok(()) => Ok(self.judge_session(token, need, now)),
            Err(TokenError::Expired) => Ok(CookieVerdict::Expired(token)),
            Err(error) => Err(error.into()),
        }
    }

    /// Performs step 5: checks whether the session is live and whether the token should be replaced.
    #[inline]
    fn judge_session(&self, token: VerifiedToken, need: Need, now: Timestamp) -> CookieVerdict {
        let live = need.skip_revocation_check || self.authenticator.is_surely_live(&token, now);
        let decided = live && !self.is_due_to_slide(&token, now);
        if decided { CookieVerdict::Valid(token) } else { CookieVerdict::CheckSession(token) }
    }

    /// Performs step 6: checks freshness. The request counts as authenticated even if its token is not fresh.
    #[inline]
    pub(super) fn check_freshness(&self, token: VerifiedToken, need: Need) -> Result<VerifiedToken, Rejection> {
        self.state.set_authenticated();
        let token = token.found_in(TokenLocation::Cookies);
        if need.is_recent()
            && let Err(reason) = self.check_recency(&token, need)
        {
            return Err(Rejection::from(reason).about(token));
        }
        Ok(token)
    }

    /// If the route needs a fresh token, checks that the user typed the password recently. If the route needs a proof,
    /// checks that the client recently proved that it has its device's key. An unbound session has no key, so its user
    /// must have typed the password recently instead.
    pub(super) fn check_recency(&self, token: &VerifiedToken, need: Need) -> Result<(), Reason> {
        let now = self.authenticator.now();
        let proven_at = if need.proven_within == 0 { None } else { token.claims().proven_at };
        match proven_at {
            Some(at) if now.since(at) > Duration::from_secs(need.proven_within.into()) => Err(Reason::ProofNeeded),
            _ if (need.fresh || proven_at.is_none()) && !token.is_fresh(now) => Err(Reason::NotFresh),
            _ => Ok(()),
        }
    }

    /// Performs step 4 for a token from a cookie: refuses the request if another site could have sent it.
    #[inline]
    pub(crate) fn check_csrf(&self, token: &VerifiedToken) -> Result<(), Reason> {
        self.check_origin()?;
        if self.authenticator.needs_csrf_value(&self.head) {
            self.check_csrf_value(token, token.kind())?;
        }
        Ok(())
    }

    /// Refuses a request from another site if its method is unsafe or it is a WebSocket handshake. The handshake is
    /// checked because browsers let every site open a WebSocket with the user's cookies (ASVS 5.0 V4.4.2).
    #[inline]
    pub(crate) fn check_origin(&self) -> Result<(), Reason> {
        if self.head.is_safe() && !self.head.is_websocket_handshake() {
            return Ok(());
        }
        self.check_origin_of_any_method()
    }

    /// Refuses requests from other sites, even safe ones such as GET.
    #[inline]
    pub(crate) fn check_origin_of_any_method(&self) -> Result<(), Reason> {
        let settings = self.authenticator.settings();
        if !settings.flask && !self.head.has_sound_host() {
            return Err(CsrfError::BadHost.into());
        }
        Ok(check_origin(&self.head, &settings.csrf, settings.base.as_ref())?)
    }

    /// Performs the second part of step 4, the double submit: compares the token's CSRF value with the value in the
    /// request. `kind` is the kind of token that the value in the request belongs to.
    #[inline]
    pub(super) fn check_csrf_value(&self, token: &VerifiedToken, kind: TokenKind) -> Result<(), Reason> {
        let csrf = &self.authenticator.settings().csrf;
        let expected = token.csrf_value().filter(|value| !value.is_empty()).ok_or(CsrfError::NoClaim)?;
        Ok(check_double_submit(&self.head, self.form_token(kind), expected, csrf, csrf.names(kind))?)
    }

    /// Returns what is known about the form's CSRF field for this kind of token.
    pub(crate) fn form_token(&self, kind: TokenKind) -> &'a FormToken {
        self.state.body().map_or(&FormToken::Unread, |body| body.form_token(kind))
    }

    /// Returns the tokens in the request's JSON body, if the body has been read.
    pub(super) fn body_json(&self) -> Option<&'a JsonTokens> {
        self.state.body().and_then(Peeked::json)
    }

    /// Returns whether this request should replace a token. In sliding mode, a token is replaced once more than half of
    /// its lifetime has passed.
    #[inline]
    pub(super) fn is_due_to_slide(&self, token: &VerifiedToken, now: Timestamp) -> bool {
        self.authenticator.0.fast_path.slides
            && self.state.can_refresh()
            && token.life().is_some_and(|[from, to]| now.since(from) * 2 > to.since(from))
    }
}

impl Authenticator {
    /// Returns the value of the cookie for this kind of token.
    #[inline]
    pub(crate) fn find_cookie<'h>(&self, head: &RequestHead<'h>, kind: TokenKind) -> Result<Option<&'h [u8]>, Reason> {
        let slot = match kind {
            TokenKind::Access => &self.0.cookies.access,
            TokenKind::Refresh => &self.0.cookies.refresh,
        };
        match slot.name.find(head) {
            // Treat an empty value as a missing cookie: some clients keep a deleted cookie and send it with an empty
            // value.
            Ok(None | Some(b"")) => Ok(None),
            Ok(value) => Ok(value),
            Err(_) => Err(Reason::DuplicateCookie),
        }
    }

    /// Performs steps 1 to 3 for the cookie with this kind of token.
    pub(crate) fn cookie_token(&self, head: &RequestHead<'_>, kind: TokenKind) -> Result<Option<TokenVerdict>, Reason> {
        let Some(text) = self.find_cookie(head, kind)? else { return Ok(None) };
        match self.verify_token(text, Some(kind), self.now()) {
            Ok(verdict) => Ok(Some(verdict)),
            Err(_) if self.is_foreign(text) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether a refused cookie belongs to another application on this host. This is the case if its value is a
    /// JWT with a `kid` that no key of this application has. Such a cookie is treated as missing and is never deleted.
    #[cold]
    pub(super) fn is_foreign(&self, text: &[u8]) -> bool {
        let is_chosen = self.0.callbacks.decode_key.as_ref().is_some_and(|choose| {
            let token = Unverified::parse_bytes(text);
            token.is_ok_and(|token| choose(&token).is_some())
        });
        !is_chosen && self.keys().is_foreign(text)
    }

    /// Performs steps 2 and 3: verifies a token's signature and claims. If `kind` is given, the token must be of this
    /// kind.
    ///
    /// For a cached token, the time and the kind are checked again, but not the signature, issuer and audience. If a
    /// callback chooses the key, nothing is cached, because the callback might choose a different key the next time.
    pub(crate) fn verify_token(
        &self,
        text: &[u8],
        kind: Option<TokenKind>,
        now: Timestamp,
    ) -> Result<TokenVerdict, TokenError> {
        let cache = (!self.0.fast_path.has_key_callback).then_some(&self.0.token_cache);
        if let Some(cache) = cache
            && let Some((payload, still_valid)) = cache.find(text, now)
        {
            // This authenticator has already accepted this access token. Since then, only the time and the required
            // kind can have changed.
            if still_valid && kind != Some(TokenKind::Refresh) {
                return Ok(TokenVerdict::Valid(VerifiedToken::from_payload(payload)));
            }
            let verdict = payload.verify_claims(&self.expected(kind.unwrap_or(payload.kind()), now)).map(|_| ());
            if verdict == Err(TokenError::Expired) {
                cache.remove(text);
            }
            return self.token_verdict(payload, verdict, now);
        }
        // Read the version before the keys, so that the result is not cached if the keys are replaced in the meantime.
        let version = self.0.token_cache.version();
        let payload = self.verify_signature(text)?;
        let payload = VerifiedPayload::read(payload, &self.settings().claims_profile())?;
        let payload = Arc::new(payload.read_with(self.settings().reading()));
        let verdict = payload.verify_claims(&self.expected(kind.unwrap_or(payload.kind()), now));
        // A refresh token is not cached, because it is used only once and stays valid for a long time.
        if let (Ok(valid), TokenKind::Access, Some(cache)) = (&verdict, payload.kind(), cache) {
            cache.insert(text, &payload, valid.clone(), version);
        }
        self.token_verdict(payload, verdict.map(|_| ()), now)
    }

    /// Performs step 2: returns a token's payload if the token was signed with one of the keys.
    fn verify_signature(&self, text: &[u8]) -> Result<Vec<u8>, TokenError> {
        if let Some(choose) = &self.0.callbacks.decode_key
            && let Some(key) = choose(&Unverified::parse_bytes(text)?)
        {
            return Ok(self.keys_in_use().set.verify_with(text, &key)?.into_bytes());
        }
        Ok(self.keys_in_use().set.verify(text)?.into_bytes())
    }

    /// Returns what a token's claims are expected to be. Step 3 compares the claims with this value.
    pub(super) fn expected(&self, kind: TokenKind, now: Timestamp) -> Expected<'_> {
        let settings = self.settings();
        let lifetime = match kind {
            TokenKind::Access => settings.access_lifetime,
            TokenKind::Refresh => settings.refresh_lifetime,
        };
        let (claims, mut expected) = (&settings.claims, Expected::new(now, kind));
        expected.leeway = claims.exp_leeway();
        expected.clock_skew = claims.skew();
        expected.audience = (!claims.decode_audience.is_empty()).then_some(claims.decode_audience.as_slice());
        expected.insecure_any_audience = settings.flask;
        expected.issuers = &claims.decode_issuers;
        expected.realm = settings.realm.as_deref();
        expected.allow_never_expiring = settings.flask || lifetime.duration().is_none();
        expected.max_session_age = self.max_session_age(kind);
        expected
    }

    /// Returns how long an access token of a stored session is accepted, counted from its `iat`. The `exp` of a token is
    /// later if the configured lifetime was longer when the token was issued. Such a token must not be accepted until
    /// its `exp`, because the record that its session has ended is kept only for the current lifetime.
    pub(super) fn max_session_age(&self, kind: TokenKind) -> Option<Duration> {
        let counts = kind == TokenKind::Access && self.has_store();
        self.settings().access_lifetime.duration().filter(|_| counts)
    }

    /// Returns whether a request with this method needs a CSRF value (step 4).
    #[inline]
    pub(super) fn needs_csrf_value(&self, head: &RequestHead<'_>) -> bool {
        let policy = &self.settings().csrf;
        policy.protect
            && match &policy.methods {
                Some(methods) => methods.iter().any(|own| own == head.method()),
                None => !head.is_safe(),
            }
    }

    /// Returns whether a token's session is known to be live (step 5). This is the case if this process has read the
    /// revocation log recently enough, and the revocation cache has no entry for the session. A token without a session
    /// counts as live.
    #[inline]
    fn is_surely_live(&self, token: &VerifiedToken, now: Timestamp) -> bool {
        let Some(id) = token.session() else { return true };
        self.knows_all_revocations(now) && self.0.revocation_cache.status(id) == SessionStatus::Live(Notes::default())
    }

    /// Returns whether this process knows that the session has ended.
    pub(super) fn is_known_to_have_ended(&self, id: SessionId) -> bool {
        !matches!(self.0.revocation_cache.status(id), SessionStatus::Live(_))
    }

    /// Returns whether the revocation cache is complete. Returns `false` if this process has not read the revocation
    /// log recently enough. Also returns `false` if the clock was set back, because the cache may have dropped entries
    /// that are needed again. Call this method before you read the cache.
    /// [`LogPosition::is_current`](crate::revocation::LogPosition::is_current) explains why.
    #[inline]
    pub(super) fn knows_all_revocations(&self, now: Timestamp) -> bool {
        !self.0.revocation_cache.has_forgotten(now)
            && (!self.0.fast_path.bounds_staleness
                || self.settings().sessions.max_staleness.is_none_or(|bound| self.0.log.is_current(now, bound)))
    }

    fn token_verdict(
        &self,
        payload: Arc<VerifiedPayload>,
        verdict: Result<(), TokenError>,
        now: Timestamp,
    ) -> Result<TokenVerdict, TokenError> {
        let token = VerifiedToken::from_payload(payload);
        match verdict {
            Ok(()) => Ok(TokenVerdict::Valid(token)),
            Err(TokenError::Expired) => Ok(TokenVerdict::Expired(token)),
            Err(error) if error.is_early() => {
                let claims = token.claims();
                self.warn_of_early(claims.not_before.map_or(claims.issued_at, |nbf| nbf.max(claims.issued_at)), now);
                Ok(TokenVerdict::Early(token, error))
            }
            Err(error) => Err(error),
        }
    }
}

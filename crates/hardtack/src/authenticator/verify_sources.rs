//! Verifies requests that can also carry tokens in a header, the query or a JSON body.
//!
//! A browser sends a token on its own only if the token is in a cookie. If a token is anywhere else, the client has
//! added it on purpose, so the request needs no origin check and no CSRF value. If such a token is refused, the
//! response does not redirect the client and does not delete cookies.

use super::verify::{RequestVerifier, TokenVerdict};
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{Reason, Rejection};
use crate::token::VerifiedToken;
use crate::token_source::{Absence, Extracted, Locations, Need, TokenLocation, extract};

impl<'a> RequestVerifier<'a> {
    /// Verifies the token in the first location that contains one.
    pub(super) async fn verify_sources(
        &self,
        locations: Locations,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        let mut missing = Reason::Missing;
        for location in locations.iter() {
            let extracted = self.extract(location, need.kind);
            if matches!(extracted, Extracted::Absent(Absence::SeveralValues)) {
                missing = Reason::DuplicateHeader;
            }
            if location == TokenLocation::Cookies {
                match extracted {
                    Extracted::Absent(_) => continue,
                    Extracted::Token(text) if self.is_foreign_cookie(&text, need) => continue,
                    _ => return self.verify_cookies(need).await,
                }
            }
            if let Some(reason) = self.flaw(location, &extracted) {
                return Err(Rejection::not_from_cookie(reason));
            }
            if let Extracted::Token(text) = extracted {
                return self.verify_other(&text, location, need).await.map(Some);
            }
        }
        if locations.contains(TokenLocation::Cookies) {
            // The request has no access cookie, but it may have a refresh cookie.
            return self.verify_cookies(need).await.map_err(|rejection| match rejection.reason {
                Reason::Missing => Rejection { reason: missing, ..rejection },
                _ => rejection,
            });
        }
        if need.optional { Ok(None) } else { Err(Rejection::not_from_cookie(missing)) }
    }

    async fn verify_cookies(&self, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        match self.verify_cookie(need) {
            Ok(verdict) => self.finish_cookie(verdict, need).await,
            Err(reason) => self.refused(reason.into(), need),
        }
    }

    /// Whether the access cookie belongs to another application. If this authenticator can verify the token in the
    /// cookie, the cookie belongs to this application.
    fn is_foreign_cookie(&self, text: &[u8], need: Need) -> bool {
        let authenticator = self.authenticator;
        authenticator.verify_token(text, need.expected_kind(), authenticator.now()).is_err()
            && authenticator.is_foreign(text)
    }

    /// Verifies a token that is not from a cookie.
    async fn verify_other(&self, text: &[u8], location: TokenLocation, need: Need) -> Result<VerifiedToken, Rejection> {
        let now = self.authenticator.now();
        let verdict = self.authenticator.verify_token(text, need.expected_kind(), now);
        let token = match verdict.map_err(Rejection::not_from_cookie)? {
            TokenVerdict::Valid(token) => token.found_in(location),
            TokenVerdict::Expired(token) => {
                return Err(Rejection::not_from_cookie(TokenError::Expired).about(token.found_in(location)));
            }
            TokenVerdict::Early(_, error) => return Err(Rejection::not_from_cookie(error)),
        };
        self.state.set_authenticated();
        self.state.set_bearer();
        match self.check_token(&token, need).await {
            Ok(()) => Ok(token),
            Err(reason) => Err(Rejection::not_from_cookie(reason).about(token)),
        }
    }

    /// Checks whether the token is fresh and its session is live, and runs the application's callbacks.
    pub(super) async fn check_token(&self, token: &VerifiedToken, need: Need) -> Result<(), Reason> {
        if need.is_recent() {
            self.check_recency(token, need)?;
        }
        if !need.skip_revocation_check {
            self.check_session(token).await?;
        }
        self.authenticator.0.callbacks.check_token(token, need.skip_revocation_check).await
    }

    /// Returns what the request contains at a location where tokens are accepted.
    pub(crate) fn extract(&self, location: TokenLocation, kind: TokenKind) -> Extracted<'a> {
        let (policy, sources) = (self.authenticator.cookies(), &self.authenticator.settings().sources);
        let cookie = match kind {
            TokenKind::Access => &policy.access.name,
            TokenKind::Refresh => &policy.refresh.name,
        };
        extract(location, kind, &self.head, sources, cookie, self.body_json())
    }

    /// Returns why the content of a location cannot be a token. Returns `None` if the content might be a token, or if
    /// there is none.
    pub(super) fn flaw(&self, location: TokenLocation, extracted: &Extracted<'_>) -> Option<Reason> {
        match extracted {
            Extracted::Absent(_) | Extracted::Token(_) => None,
            Extracted::Malformed => Some(Reason::Malformed(location)),
            Extracted::Twice => Some(match location {
                TokenLocation::Headers => Reason::DuplicateHeader,
                TokenLocation::Cookies => Reason::DuplicateCookie,
                TokenLocation::QueryString => Reason::DuplicateParameter,
                TokenLocation::Json => Reason::DuplicateMember,
            }),
            Extracted::Unread if self.body_json().is_some() => Some(Reason::BeyondPeek),
            Extracted::Unread => Some(Reason::NotSetUp(
                "a route takes tokens from JSON bodies, but the body was not read; wrap the route in the \
                 authentication layer, and add TokenLocation::Json to TokenSources::route_locations"
                    .into(),
            )),
        }
    }
}

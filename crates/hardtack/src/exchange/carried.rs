//! Tokens that the client carries itself, in a header field, the query or a JSON body; and all tokens in
//! Flask-JWT-Extended's manner.

use super::rejection::Rejection;
use super::{Exchange, Peeked};
use crate::authenticator::{Found, VerifiedToken};
use crate::csrf::{CsrfError, check_double_submit};
use crate::failure::{Reason, flask};
use crate::jwt::{TokenError, TokenKind};
use crate::location::{Locations, Sought, TokenLocation, find};
use crate::request::Need;

impl<'a> Exchange<'a> {
    /// What a location holds.
    pub(super) fn seek(&self, location: TokenLocation, kind: TokenKind) -> Sought<'a> {
        let (policy, places) = (self.engine.cookies(), &self.engine.settings().places);
        let cookie = match kind {
            TokenKind::Access => &policy.access.name,
            TokenKind::Refresh => &policy.refresh.name,
        };
        find(location, kind, &self.head, places, cookie, Peeked::json(self.memo.body()))
    }

    /// Why what a location holds is none to begin with; the reason is the developer's where nobody announced
    /// that bodies are to be read.
    fn flaw(&self, location: TokenLocation, sought: &Sought<'_>) -> Option<Reason> {
        match sought {
            Sought::Absent(_) | Sought::Token(_) => None,
            Sought::Malformed => Some(Reason::Malformed(location)),
            Sought::Twice => Some(Reason::DuplicateCookie),
            Sought::Unread if self.memo.body().json().is_some() => Some(Reason::BeyondPeek),
            Sought::Unread => Some(Reason::NotSetUp(
                "a route takes tokens from JSON bodies, which nobody reads: wrap it in the authentication layer, and \
                 announce it with Builder::route_locations"
                    .into(),
            )),
        }
    }

    /// The token of the first location that holds one, where more than cookies are looked at.
    pub(super) async fn resolve_in(
        &self,
        locations: Locations,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        for location in locations.iter() {
            let sought = self.seek(location, need.kind);
            if location == TokenLocation::Cookies {
                match sought {
                    Sought::Absent(_) => continue,
                    _ => return self.in_cookies(need).await,
                }
            }
            if let Some(reason) = self.flaw(location, &sought) {
                return Err(Rejection::carried(reason));
            }
            if let Sought::Token(token) = sought {
                return self.carried(&token, location, need).await.map(Some);
            }
        }
        if locations.contains(TokenLocation::Cookies) {
            // A refresh cookie may be there.
            return self.in_cookies(need).await;
        }
        if need.optional { Ok(None) } else { Err(Rejection::carried(Reason::Missing)) }
    }

    /// A token that no browser sends by itself: no other site can make one send it, so neither its origin nor
    /// a CSRF value is asked for.
    async fn carried(&self, token: &[u8], location: TokenLocation, need: Need) -> Result<VerifiedToken, Rejection> {
        let token =
            match self.engine.judge(token, need.expected_kind(), self.engine.now()).map_err(Rejection::carried)? {
                Found::Valid(token) => token.found_in(location),
                Found::Expired(token) => {
                    return Err(Rejection::carried(TokenError::Expired).about(token.found_in(location)));
                }
                Found::Absent => return Err(Rejection::carried(Reason::Missing)),
            };
        self.memo.note_authenticated();
        self.admit(token, need).await.map_err(|rejection| Rejection { carried: true, ..rejection })
    }

    /// What is asked of every verified token beyond its own words.
    async fn admit(&self, token: VerifiedToken, need: Need) -> Result<VerifiedToken, Rejection> {
        match self.examine(&token, need).await {
            Ok(()) => Ok(token),
            Err(reason) => Err(Rejection::from(reason).about(token)),
        }
    }

    async fn examine(&self, token: &VerifiedToken, need: Need) -> Result<(), Reason> {
        if need.fresh && !token.is_fresh(self.engine.now()) {
            return Err(Reason::NotFresh);
        }
        if !need.skip_revocation_check {
            self.check_standing(token).await?;
        }
        self.engine.check_by_application(token, need.skip_revocation_check).await
    }

    /// In Flask-JWT-Extended's order: the first location that holds anything decides, CSRF values are asked
    /// for before and compared after the token is verified, and its kind comes last.
    pub(super) async fn resolve_as_flask(
        &self,
        locations: Locations,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        let (settings, mut missing) = (self.engine.settings(), Vec::new());
        for location in locations.iter() {
            let sought = self.seek(location, need.kind);
            if let Some(reason) = self.flaw(location, &sought) {
                return Err(Rejection::carried(reason).saying(flask::malformed(location, &settings.places)));
            }
            let token = match sought {
                Sought::Absent(absence) => {
                    missing.push(flask::absent(absence, need.kind, self.engine));
                    continue;
                }
                Sought::Token(token) => token,
                _ => continue,
            };
            let csrf = location == TokenLocation::Cookies && settings.csrf.applies_to(&self.head);
            if csrf {
                self.check_csrf_sent(need.kind)?;
            }
            let (token, expired) = match self.engine.judge(&token, None, self.engine.now())? {
                Found::Valid(token) => (token.found_in(location), false),
                Found::Expired(token) => (token.found_in(location), true),
                Found::Absent => continue,
            };
            if csrf {
                self.check_csrf_value(&token, need.kind)?;
            }
            if expired {
                return Err(Rejection::from(TokenError::Expired).about(token));
            }
            if need.expected_kind().is_some_and(|kind| kind != token.kind()) {
                let text = flask::wrong_kind(need.kind).to_owned();
                return Err(Rejection::from(TokenError::WrongKind).saying(text));
            }
            self.memo.note_authenticated();
            return self.admit(token, need).await.map(Some);
        }
        if need.optional {
            return Ok(None);
        }
        Err(Rejection::from(Reason::Missing).saying(flask::missing(locations, &missing)))
    }

    fn check_csrf_sent(&self, kind: TokenKind) -> Result<(), Reason> {
        let csrf = &self.engine.settings().csrf;
        match check_double_submit(&self.head, self.form_token(kind), "", csrf, csrf.names(kind)) {
            // Whatever was sent equals no empty value.
            Ok(()) | Err(CsrfError::Mismatch) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The double submit: the value of `token`, sent where those of this kind belong.
    #[inline]
    pub(super) fn check_csrf_value(&self, token: &VerifiedToken, kind: TokenKind) -> Result<(), Reason> {
        let csrf = &self.engine.settings().csrf;
        let expected = Some(token.csrf_token()).filter(|value| !value.is_empty()).ok_or(CsrfError::NoClaim)?;
        Ok(check_double_submit(&self.head, self.form_token(kind), expected, csrf, csrf.names(kind))?)
    }
}

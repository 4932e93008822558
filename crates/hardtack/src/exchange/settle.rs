//! The token that a route needs, as far as it can be judged without waiting for anybody: nearly always to the end.

use super::Exchange;
use super::rejection::Rejection;
use crate::authenticator::{Found, VerifiedToken};
use crate::failure::{Failure, Reason};
use crate::jwt::{ExtraClaims, NoExtra, TokenKind};
use crate::location::{Locations, TokenLocation};
use crate::request::Need;

/// What a first look at a request comes to.
#[derive(Debug)]
#[must_use = "whoever waits has to be concluded"]
pub enum Settled<T = NoExtra> {
    /// The token; none where none is needed and there is none, or where OPTIONS needs none; or the failure with
    /// the reply that the client gets.
    Done(Result<Option<VerifiedToken<T>>, Failure>),
    /// Somebody has to be asked first: [`Exchange::conclude`].
    Waiting(Waiting),
}

/// A request that is judged in part.
#[derive(Debug)]
pub struct Waiting {
    need: Need,
    so_far: SoFar,
}

/// How far it is judged.
#[derive(Debug)]
enum SoFar {
    /// As far as a look at the cookie.
    Cookie(Looked),
    /// Not at all: these places are to be searched.
    In(Locations),
}

/// What a first look at the cookie says.
#[derive(Debug)]
pub(super) enum Looked {
    /// An access token that is good.
    Good(VerifiedToken),
    /// An access token that is good if its session is, or that may be due for another.
    Undecided(VerifiedToken),
    /// An access token that is expired or absent.
    Lapsed(Option<VerifiedToken>),
    /// Not looked at yet: the refresh token is asked for.
    Refresh,
}

impl Exchange<'_> {
    /// The token, or none where the need is optional and there is none, or where OPTIONS needs none
    /// (`verify_jwt_in_request`).
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn token<T: ExtraClaims>(&self, need: Need) -> Result<Option<VerifiedToken<T>>, Failure> {
        match self.settle(need) {
            Settled::Done(answer) => answer,
            // Boxed, as it is large and rare, and every handler's future would carry its size along.
            Settled::Waiting(waiting) => Box::pin(self.conclude(waiting)).await,
        }
    }

    /// The token that a need without `optional` asks for.
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn required<T: ExtraClaims>(&self, need: Need) -> Result<VerifiedToken<T>, Failure> {
        self.token(need).await?.ok_or_else(|| self.refuse(Reason::Missing))
    }

    /// [`Self::token`] without a future, for an adapter that would have to box one: nearly every request is done
    /// with at once.
    #[inline]
    pub fn settle<T: ExtraClaims>(&self, need: Need) -> Settled<T> {
        match self.judge(need) {
            Ok(Ok(token)) => Settled::Done(self.answer(Ok(token))),
            Ok(Err(so_far)) => Settled::Waiting(Waiting { need, so_far }),
            Err(rejection) => Settled::Done(self.answer(Err(rejection))),
        }
    }

    /// The rest of it, where somebody has to be waited for. Nothing is judged twice.
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn conclude<T: ExtraClaims>(&self, waiting: Waiting) -> Result<Option<VerifiedToken<T>>, Failure> {
        let Waiting { need, so_far } = waiting;
        let token = match so_far {
            SoFar::In(locations) if self.engine.settings().flask => self.resolve_as_flask(locations, need).await,
            SoFar::In(locations) => self.resolve_in(locations, need).await,
            SoFar::Cookie(looked) => self.pursue(looked, need).await,
        };
        self.answer(token)
    }

    /// The judgement as the caller gets it: with the application's claims, or with a reply.
    #[inline]
    fn answer<T: ExtraClaims>(
        &self,
        judged: Result<Option<VerifiedToken>, Rejection>,
    ) -> Result<Option<VerifiedToken<T>>, Failure> {
        let Some(token) = judged.map_err(|rejection| self.reject(rejection))? else { return Ok(None) };
        let carried = token.location() != Some(TokenLocation::Cookies);
        let token = token.with_extra().map_err(|error| self.reject(Rejection { carried, ..error.into() }))?;
        Ok(Some(token))
    }

    /// The token, or how far this came.
    #[inline]
    fn judge(&self, need: Need) -> Result<Result<Option<VerifiedToken>, SoFar>, Rejection> {
        let shortcuts = self.engine.shortcuts();
        if !shortcuts.only_cookies || !need.locations.is_empty() {
            let settings = self.engine.settings();
            if settings.exempt_options && self.head.method() == "OPTIONS" {
                return Ok(Ok(None));
            }
            let locations = if need.locations.is_empty() { settings.locations } else { need.locations };
            if settings.flask || !locations.is_only_cookies() {
                return Ok(Err(SoFar::In(locations)));
            }
        }
        match self.look(need)? {
            Looked::Good(token) if !shortcuts.asks_application => Ok(Ok(Some(self.recognise(token, need)?))),
            looked => Ok(Err(SoFar::Cookie(looked))),
        }
    }

    /// Somebody is there whose cookie is good; whether it is fresh enough is another question.
    #[inline]
    pub(super) fn recognise(&self, token: VerifiedToken, need: Need) -> Result<VerifiedToken, Rejection> {
        self.memo.note_authenticated();
        let token = token.found_in(TokenLocation::Cookies);
        if need.fresh && !token.is_fresh(self.engine.now()) {
            return Err(Rejection::from(Reason::NotFresh).about(token));
        }
        Ok(token)
    }

    /// Judges the cookie as far as that goes without waiting for anybody: nearly always to the end.
    #[inline]
    pub(super) fn look(&self, need: Need) -> Result<Looked, Reason> {
        if need.kind == TokenKind::Refresh {
            return Ok(Looked::Refresh);
        }
        if let Some(token) = self.memo.refreshed() {
            return Ok(Looked::Good(token.clone()));
        }
        let now = self.engine.now();
        match self.engine.read_as(&self.head, TokenKind::Access, need.expected_kind(), now)? {
            Found::Valid(token) => {
                self.check_csrf(&token)?;
                let live = need.skip_revocation_check || self.engine.is_surely_live(&token, now);
                let decided = live && !self.is_due_to_slide(&token, now);
                Ok(if decided { Looked::Good(token) } else { Looked::Undecided(token) })
            }
            Found::Expired(token) => Ok(Looked::Lapsed(Some(token))),
            Found::Absent => Ok(Looked::Lapsed(None)),
        }
    }
}

//! Verifies requests in the same order as Flask-JWT-Extended, for [`flask_compatible`].
//!
//! 1. Take the token from the first location that is not empty.
//! 2. If the token is in the cookie and the request's method requires a CSRF value, check that the request has one.
//! 3. Verify the token's signature and claims, except for its expiry and its kind.
//! 4. If step 2 found a CSRF value, compare it with the CSRF value in the token.
//! 5. Check the token's expiry, its kind, its freshness and its session, in that order.
//! 6. Call the application's callbacks.
//!
//! [`flask_compatible`]: crate::AuthenticatorBuilder::flask_compatible

use super::verify::{RequestVerifier, TokenVerdict};
use crate::csrf::{CsrfError, check_double_submit};
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{Reason, Rejection, flask};
use crate::token::VerifiedToken;
use crate::token_source::{Extracted, Locations, Need, TokenLocation};

impl RequestVerifier<'_> {
    pub(super) async fn verify_as_flask(
        &self,
        locations: Locations,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        let (settings, mut missing) = (self.authenticator.settings(), Vec::new());
        let cookies = self.authenticator.cookies();
        for location in locations.iter() {
            let extracted = self.extract(location, need.kind);
            if let Some(reason) = self.flaw(location, &extracted) {
                let detail = flask::malformed(location, &settings.sources);
                return Err(Rejection::not_from_cookie(reason).with_detail(detail));
            }
            let text = match extracted {
                Extracted::Absent(absence) => {
                    missing.push(flask::absent(absence, need.kind, &settings.sources, cookies));
                    continue;
                }
                Extracted::Token(text) => text,
                Extracted::Malformed | Extracted::Twice | Extracted::Unread => continue,
            };
            let csrf = location == TokenLocation::Cookies && self.authenticator.needs_csrf_value(&self.head);
            if csrf {
                self.check_csrf_present(need.kind)?;
            }
            let (token, expired) = match self.authenticator.verify_token(&text, None, self.authenticator.now())? {
                TokenVerdict::Valid(token) => (token.found_in(location), false),
                TokenVerdict::Expired(token) => (token.found_in(location), true),
                TokenVerdict::Early(_, error) => return Err(error.into()),
            };
            if csrf {
                self.check_csrf_value(&token, need.kind)?;
            }
            if expired {
                return Err(Rejection::from(TokenError::Expired).about(token));
            }
            if need.expected_kind().is_some_and(|kind| kind != token.kind()) {
                let detail = flask::wrong_kind(need.kind).to_owned();
                return Err(Rejection::from(TokenError::WrongKind).with_detail(detail));
            }
            self.state.set_authenticated();
            return match self.check_token(&token, need).await {
                Ok(()) => Ok(Some(token)),
                Err(reason) => Err(Rejection::from(reason).about(token)),
            };
        }
        if need.optional {
            return Ok(None);
        }
        Err(Rejection::from(Reason::Missing).with_detail(flask::missing(locations, &missing)))
    }

    fn check_csrf_present(&self, kind: TokenKind) -> Result<(), Reason> {
        let csrf = &self.authenticator.settings().csrf;
        // The expected value passed here is empty, so no value in a request equals it. A mismatch therefore means that
        // the request does contain a CSRF value.
        match check_double_submit(&self.head, self.form_token(kind), "", csrf, csrf.names(kind)) {
            Ok(()) | Err(CsrfError::Mismatch | CsrfError::Repeated) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

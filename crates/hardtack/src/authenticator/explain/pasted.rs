//! Explains header fields that were copied from a browser or a response.

use std::net::IpAddr;

use super::Found;
use super::token::{Keys, TokenFacts, TokenState};
use super::verified::{Origin, Verified};
use crate::authenticator::verify::RequestVerifier;
use crate::authenticator::{Authenticator, RequestState};
use crate::config::RefreshMode;
use crate::explain::{Check, Explanation, Outcome, Step, Verdict, explain_set_cookie, quoted};
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::Reason;
use crate::request::{Headers, Incoming, RequestHead, loggable_path};
use crate::token_source::{Locations, Need};

/// A GET request with a copied `Cookie` field.
struct Pasted<'a> {
    cookie: &'a [u8],
    path: &'a str,
}

impl Headers for Pasted<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        (name == "cookie" && index == 0).then_some(self.cookie)
    }
}

impl Incoming for Pasted<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn target(&self) -> &str {
        self.path
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }
}

impl Authenticator {
    /// Explains what this authenticator finds in the value of a `Cookie` field: which cookies it reads, and whether
    /// their tokens are valid. Sessions, CSRF values and freshness are not checked.
    ///
    /// `path` is the request's path, such as `/`. If the authenticator does not have the application's keys, pass
    /// `false` for `keys_known`. Signatures are then not checked.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
    /// let explanation = auth.explain_cookies(b"access_token_cookie=a.b.c", "/", true);
    /// let refusal = explanation.refusal().map(|step| step.text.as_str()).unwrap_or_default();
    /// assert!(refusal.starts_with("The request has no cookie `__Host-access_token_cookie`."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain_cookies(&self, cookie: &[u8], path: &str, keys_known: bool) -> Explanation {
        let pasted = Pasted { cookie, path };
        let state = RequestState::without_layer(self.clone());
        self.explain_pasted(
            &RequestVerifier::new(RequestHead::of(&pasted), &state),
            TokenKind::Access,
            keys_known,
            true,
        )
    }

    /// Explains what a browser does with the value of a `Set-Cookie` field that this site sends. If the cookie contains
    /// one of the site's tokens, also explains whether this authenticator accepts the token.
    ///
    /// `keys_known` has the same meaning as in [`explain_cookies`](Self::explain_cookies).
    pub fn explain_set_cookie(&self, set_cookie: &str, keys_known: bool) -> Explanation {
        let policy = self.cookies();
        let is_secret = |name: &str| policy.slots().iter().any(|slot| slot.http_only && slot.name.as_str() == name);
        let mut explanation = explain_set_cookie(set_cookie, self.settings().base.as_ref(), is_secret, self.now());
        let is_ignored = matches!(explanation.outcome, Outcome::Refused(_));
        let pair = set_cookie.split(';').next().unwrap_or_default().trim();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim(), value.trim());
        let tokens = [(TokenKind::Access, &policy.access), (TokenKind::Refresh, &policy.refresh)];
        let kind = tokens.into_iter().find(|(_, slot)| slot.name.as_str() == name).map(|(kind, _)| kind);
        if let Some(kind) = kind.filter(|_| !value.is_empty()) {
            let cookie = format!("{name}={value}");
            let pasted = Pasted { cookie: cookie.as_bytes(), path: "/" };
            let state = RequestState::without_layer(self.clone());
            let verifier = RequestVerifier::new(RequestHead::of(&pasted), &state);
            let token = self.explain_pasted(&verifier, kind, keys_known, false);
            let is_about_token = |check| matches!(check, Check::Token | Check::Signature | Check::Claims);
            explanation.steps.extend(token.steps.into_iter().filter(|step| is_about_token(step.check)));
            // If the token is refused, advice about the token takes precedence. Otherwise, advice about the cookie
            // takes precedence.
            if !is_ignored {
                explanation.advice = match token.outcome {
                    Outcome::Refused(_) => token.advice.or(explanation.advice),
                    Outcome::Accepted | Outcome::Visitor => explanation.advice.or(token.advice),
                };
                explanation.outcome = token.outcome;
            }
        } else if let Some(purpose) = self.purpose_of(name) {
            explanation.steps.push(Step::new(Check::Name, Verdict::Passed, purpose));
        } else if !is_ignored && !name.is_empty() {
            explanation.advice = explanation.advice.or_else(|| Some(self.names_read(name)));
        }
        explanation
    }

    /// Says that the site reads no cookie with this name, and which cookies it reads.
    fn names_read(&self, name: &str) -> String {
        let policy = self.cookies();
        let own = policy.slots().map(|slot| slot.name.as_str());
        if let Some(own) = own.into_iter().find(|own| own.eq_ignore_ascii_case(name)) {
            return format!("This site does not read a cookie with this name. Case matters: the site reads `{own}`.");
        }
        let described = self.settings().described_cookies.iter().map(|(name, _)| *name);
        let names: Vec<_> = own.into_iter().chain(described).map(|name| format!("`{name}`")).collect();
        format!("This site does not read a cookie with this name. The site reads {}.", names.join(", "))
    }

    /// Explains the cookies in a copied header field, for a route that needs a token of this kind. `may_refresh` says
    /// whether the server would try to replace the token.
    fn explain_pasted(
        &self,
        verifier: &RequestVerifier<'_>,
        kind: TokenKind,
        keys_known: bool,
        may_refresh: bool,
    ) -> Explanation {
        let need = if kind == TokenKind::Refresh { Need::refresh() } else { Need::access() };
        let need = need.locations(Locations::COOKIES);
        let keys = if keys_known { Keys::Known } else { Keys::Unknown };
        let state = |kind| TokenFacts::of_cookie(verifier, kind, Some(kind), keys).state;
        let refresh = may_refresh.then(|| state(TokenKind::Refresh));
        let reason = self.reason_to_refuse(&verifier.head, state(kind), refresh);
        let found = reason.as_ref().map_or(Found::Accepted, Found::Refused);
        let what = format!("Cookies for {}", quoted(&loggable_path(verifier.head.path())));
        Verified::new(verifier, need, found, Origin::Pasted(keys)).explain(what)
    }

    /// Returns why the server would refuse a request with tokens in the given states. `main` is the state of the token
    /// that the route needs. `refresh` is the state of the refresh token, or `None` if the server would not try to
    /// refresh. For real requests, `RequestVerifier::refresh_or_refuse` makes this decision.
    fn reason_to_refuse(
        &self,
        head: &RequestHead<'_>,
        main: TokenState,
        refresh: Option<TokenState>,
    ) -> Option<Reason> {
        let reason = match main {
            TokenState::Valid => return None,
            TokenState::Absent | TokenState::Empty | TokenState::Foreign => Reason::Missing,
            TokenState::Doubled(_) => return Some(Reason::DuplicateCookie),
            TokenState::Expired => TokenError::Expired.into(),
            TokenState::Invalid(error) => return Some(error.into()),
        };
        let Some(refresh) = refresh else { return Some(reason) };
        let (policy, is_missing) = (self.cookies(), matches!(reason, Reason::Missing));
        if is_missing && !policy.access.is_sent_to(&self.settings().public_path(head.path())) {
            return Some(reason);
        }
        match self.refresh_mode() {
            RefreshMode::Transparent => match refresh {
                TokenState::Valid => None,
                TokenState::Absent | TokenState::Empty | TokenState::Foreign => Some(reason),
                TokenState::Doubled(_) => Some(Reason::DuplicateCookie),
                TokenState::Expired => Some(TokenError::Expired.into()),
                TokenState::Invalid(error) => Some(error.into()),
            },
            RefreshMode::Redirect if !is_missing => Some(Reason::RefreshNeeded),
            RefreshMode::Redirect => match policy.csrf_refresh.name.find(head) {
                Err(_) => Some(Reason::DuplicateCookie),
                Ok(Some(hint)) if !hint.is_empty() => Some(Reason::RefreshNeeded),
                Ok(_) => Some(reason),
            },
            RefreshMode::Sliding | RefreshMode::Off => Some(reason),
        }
    }
}

//! Explains header fields that were copied from a browser or a response.

use std::net::IpAddr;

use super::Found;
use super::other_name::OtherName;
use super::token::{Keys, TokenFacts, TokenState};
use super::verified::{Origin, Verified};
use crate::authenticator::verify::RequestVerifier;
use crate::authenticator::{Authenticator, RequestState};
use crate::config::RefreshMode;
use crate::cookie::CookieSlot;
use crate::explain::{Check, Explanation, Outcome, Step, Verdict, explain_set_cookie, quoted, resembles};
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
    /// one of the site's tokens, also explains whether this authenticator accepts the token. If the site does not use a
    /// cookie with this name, says so in a [step](crate::explain::Step).
    ///
    /// `keys_known` has the same meaning as in [`explain_cookies`](Self::explain_cookies).
    pub fn explain_set_cookie(&self, set_cookie: &str, keys_known: bool) -> Explanation {
        let policy = self.cookies();
        let is_secret = |name: &str| policy.slots().iter().any(|slot| slot.http_only && slot.name.as_str() == name);
        let settings = self.settings();
        let mut explanation =
            explain_set_cookie(set_cookie, settings.base.as_ref(), is_secret, settings.names, self.now());
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
        } else if let Some(similar) = self.similar_name(name) {
            let text = format!(
                "This site does not read a cookie with this name, but it reads the cookie `{}`, whose name is similar. \
                 {}",
                similar.expected,
                similar.why(settings.names)
            );
            explanation.steps.push(Step::new(Check::Name, Verdict::Noted, text));
            // Changing the cookie's attributes does not help if the site ignores the cookie.
            if !is_ignored && (similar.is_certain() || explanation.advice.is_none()) {
                explanation.advice = Some(similar.advice(settings.names));
            }
        } else if !name.is_empty() {
            explanation.steps.push(Step::new(Check::Name, Verdict::Noted, self.names_used()));
        }
        if let Some(text) = self.unset_cookie(name) {
            explanation.steps.push(Step::new(Check::Name, Verdict::Noted, text));
        }
        explanation
    }

    /// Returns the cookie of this site whose name differs from `name` only in its case, its prefix or its realm.
    fn similar_name(&self, name: &str) -> Option<OtherName> {
        const SETTERS: [&str; 5] = [
            "CookiePolicy::access_name",
            "CookiePolicy::refresh_name",
            "CookiePolicy::csrf_access_name",
            "CookiePolicy::csrf_refresh_name",
            "CookiePolicy::pre_session_name",
        ];
        let (policy, realm) = (self.cookies(), self.settings().realm.as_deref());
        let setters = SETTERS.into_iter().map(Some).chain(std::iter::repeat(None));
        let mut own = policy.slots().into_iter().map(|slot| slot.name.as_str()).zip(setters);
        let (expected, setter) = own.find(|(own, _)| resembles(name, own, realm))?;
        Some(OtherName::new(name, expected, policy.secure, setter))
    }

    /// Says that the site has no cookie with the name in question, and which cookies it has.
    fn names_used(&self) -> String {
        let own = self.cookies().slots().map(|slot| format!("`{}`", slot.name.as_str())).join(", ");
        let names = format!("This site neither sets nor reads a cookie with this name. Its cookies are {own}");
        let realm = self.settings().realm.as_ref().map(|realm| format!("{realm}_")).unwrap_or_default();
        let described = self.settings().described_cookies.iter().map(|(name, _)| format!("`{realm}{name}`"));
        let described = described.collect::<Vec<_>>().join(", ");
        // The application's own cookies are described without their prefixes.
        match (described.is_empty(), self.cookies().secure) {
            (true, _) => format!("{names}."),
            (false, true) => format!("{names} and, with a prefix such as `__Host-Http-`, {described}."),
            (false, false) => format!("{names}, {described}."),
        }
    }

    /// If this is the name of a cookie that the settings turn off, returns a sentence that says why.
    fn unset_cookie(&self, name: &str) -> Option<String> {
        let policy = self.cookies();
        let is_one_of = |slots: [&CookieSlot; 2]| slots.iter().any(|slot| slot.name.as_str() == name);
        if self.refresh_mode() == RefreshMode::Sliding && is_one_of([&policy.refresh, &policy.csrf_refresh]) {
            return Some(
                "This site never sets this cookie, because there are no refresh tokens in sliding mode.".to_owned(),
            );
        }
        let is_off = !policy.csrf_cookies && is_one_of([&policy.csrf_access, &policy.csrf_refresh]);
        is_off.then(|| {
            let setting = self.settings().names.of("CookiePolicy::csrf_cookies(false)");
            format!("This site never sets this cookie, because it sends no CSRF values in cookies ({setting}).")
        })
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

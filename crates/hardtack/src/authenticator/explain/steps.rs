//! Derives the steps of a verification from its result.
//!
//! This module does not verify anything itself. It is told which check refused the request. The checks run in a fixed
//! order, so all earlier checks succeeded and no later check ran. The facts about the tokens come from the functions
//! that verify tokens.

use super::advice;
use super::found::needs_no_token;
use super::session;
use super::token::TokenState;
use super::verified::{Origin, Verified, sentence};
use crate::csrf::{CsrfError, same_origin_page};
use crate::explain::{Check, CookieField, Explanation, Step, Verdict, ago, quoted, span};
use crate::jwt::TokenKind;
use crate::refusal::Reason;
use crate::token_source::TokenLocation;

impl Verified<'_> {
    /// Returns the explanation.
    pub(super) fn explain(&self, what: String) -> Explanation {
        let reason = self.found.reason();
        let steps = match reason {
            Some(reason) if needs_no_token(reason) => vec![self.step_of_reason(reason)],
            _ => self.steps(),
        };
        let advice = advice::of(self);
        Explanation { at: self.verifier.authenticator.now(), what, outcome: self.found.outcome(), steps, advice }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.origin == Origin::Request && !self.verifier.state.is_in_layer() {
            let text =
                "No `AuthLayer` wraps this route, so it can neither refresh tokens nor read CSRF values in forms.";
            steps.push(Step::new(Check::Layer, Verdict::Noted, text));
        }
        steps.push(self.token());
        if self.main.is_present() && !matches!(self.main.state, TokenState::Doubled(_)) {
            steps.extend([self.signature(), self.claims()]);
        }
        steps.extend(self.refresh());
        steps.extend([self.csrf(), self.session()]);
        steps.extend(self.binding());
        steps.push(self.freshness());
        if let (Some(Check::Application), Some(reason)) = (self.refusing, self.found.reason()) {
            steps.push(self.step_of_reason(reason));
        }
        if self.origin != Origin::Request {
            steps.extend(self.other_cookies());
        }
        steps
    }

    /// Returns a step for each copied cookie that the site recognizes, except for the cookies that contain tokens.
    fn other_cookies(&self) -> impl Iterator<Item = Step> {
        let tokens = [TokenKind::Access, TokenKind::Refresh].map(|kind| self.cookie_name(kind));
        let authenticator = self.verifier.authenticator;
        let cookies = CookieField::of(&self.verifier.head);
        let known =
            cookies.names().filter(|name| !tokens.contains(name)).filter_map(|name| authenticator.purpose_of(name));
        let steps =
            known.map(|purpose| Step::new(Check::Name, Verdict::Skipped, format!("{purpose} Not checked here.")));
        steps.collect::<Vec<_>>().into_iter()
    }

    /// Returns the step for a reason that no other step describes in more detail.
    pub(super) fn step_of_reason(&self, reason: &Reason) -> Step {
        Step::new(self.refusing.unwrap_or(Check::Application), Verdict::Refused, sentence(&reason.to_string()))
    }

    /// Returns whether `check` was performed and, if so, whether it refused the request.
    pub(super) fn verdict(&self, check: Check) -> Verdict {
        match self.refusing {
            Some(refusing) if refusing == check => Verdict::Refused,
            Some(refusing) if position(check) > position(refusing) => Verdict::Skipped,
            Some(_) | None => Verdict::Passed,
        }
    }

    fn csrf(&self) -> Step {
        let (head, authenticator) = (&self.verifier.head, self.verifier.authenticator);
        if self.origin != Origin::Request {
            return Step::new(
                Check::Csrf,
                Verdict::Skipped,
                "Not checked here, because the check needs the whole request.",
            );
        }
        let verdict = self.verdict(Check::Csrf);
        let field = |name: &str| head.header_text(name).map_or_else(|| "missing".to_owned(), quoted);
        let text = match (verdict, self.found.reason()) {
            (Verdict::Refused, Some(Reason::Csrf(error @ CsrfError::CrossSite))) => {
                let base = authenticator.origin().map_or_else(|| "not set".to_owned(), quoted);
                match same_origin_page(head).map(quoted) {
                    Some(page) => format!("The request came from a page at {page}, but the base URL is {base}."),
                    None => format!(
                        "{} The request's `Sec-Fetch-Site` is {}, its `Origin` is {}, and the site's origin is {base}.",
                        sentence(&error.to_string()),
                        field("sec-fetch-site"),
                        field("origin"),
                    ),
                }
            }
            (Verdict::Refused, Some(reason)) => sentence(&reason.to_string()),
            (Verdict::Skipped, _) => "Not checked.".to_owned(),
            _ if self.location != TokenLocation::Cookies => {
                "Not needed, because the token is not in a cookie, and browsers automatically send only cookies."
                    .to_owned()
            }
            _ if !self.main.is_present() && !self.refresh.is_present() => "Not needed without a token.".to_owned(),
            _ if authenticator.needs_csrf_value(head) => {
                "No other site started the request, and the CSRF value matches the token.".to_owned()
            }
            _ => format!("No CSRF value is needed for {}.", quoted(head.method())),
        };
        Step::new(Check::Csrf, verdict, text)
    }

    fn session(&self) -> Step {
        if self.origin != Origin::Request {
            let text = "Not checked here, because only the session store knows whether the session has ended.";
            return Step::new(Check::Session, Verdict::Skipped, text);
        }
        let verdict = self.verdict(Check::Session);
        let text = match (verdict, self.found.reason()) {
            (Verdict::Refused, Some(reason)) => session::refused(self, reason),
            (Verdict::Skipped, _) => "Not checked.".to_owned(),
            _ => session::live(self),
        };
        Step::new(Check::Session, verdict, text)
    }

    /// If the request was refused because of the device's proof, returns the step for that check.
    fn binding(&self) -> Option<Step> {
        match (self.refusing, self.found.reason()) {
            (Some(Check::Binding), Some(reason)) => {
                let text = format!(
                    "The session is bound to a device, so a refresh needs a proof that the client has the device's \
                     key. {}",
                    sentence(&reason.to_string())
                );
                Some(Step::new(Check::Binding, Verdict::Refused, text))
            }
            _ => None,
        }
    }

    fn freshness(&self) -> Step {
        let is_refused = self.refusing == Some(Check::Freshness);
        if !self.need.fresh && !is_refused {
            return Step::new(Check::Freshness, Verdict::Skipped, "This route does not need a recent log-in.");
        }
        let (authenticator, verdict) = (self.verifier.authenticator, self.verdict(Check::Freshness));
        let now = authenticator.now();
        let entered = self.main.claims.as_ref().and_then(|claims| claims.auth_time);
        let entered = entered.map(|at| format!("The user entered the password {}.", ago(at, now))).unwrap_or_default();
        let bound = authenticator.settings().fresh_lifetime.duration();
        let bound = bound.map(|bound| format!("A log-in counts as recent for {}.", span(bound))).unwrap_or_default();
        let rule = "A token that was issued by a refresh is never fresh.";
        let text = match verdict {
            Verdict::Refused => format!("The token is not fresh. {entered} {bound} {rule}"),
            Verdict::Skipped => "Not checked.".to_owned(),
            Verdict::Passed | Verdict::Noted => format!("The log-in is recent. {entered}"),
        };
        Step::new(Check::Freshness, verdict, text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Returns the position of a check in the order in which a verification runs its checks.
const fn position(check: Check) -> u8 {
    match check {
        Check::Layer => 0,
        Check::Token => 1,
        Check::Signature => 2,
        Check::Claims => 3,
        Check::Refresh => 4,
        Check::Csrf => 5,
        Check::Session => 6,
        Check::Binding => 7,
        Check::Freshness => 8,
        Check::Application => 9,
        // These checks are for `Set-Cookie` fields. In a copied `Cookie` field, only the names are checked.
        Check::Name | Check::Scheme | Check::Scope | Check::SameSite | Check::Lifetime => 10,
    }
}

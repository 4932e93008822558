//! The steps of a verification that are about the tokens: where they are, who signed them and what they claim.

use super::absence::Absence;
use super::token::{Keys, TokenState};
use super::verified::{Origin, Verified, sentence};
use crate::config::RefreshMode;
use crate::explain::{Check, Step, Verdict, quoted};
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::Reason;
use crate::token_source::TokenLocation;

impl Verified<'_> {
    pub(super) fn token(&self) -> Step {
        let refused = self.refusing == Some(Check::Token);
        let missing = if refused { Verdict::Refused } else { Verdict::Noted };
        let name = self.cookie_name(self.need.kind);
        let settings = self.verifier.authenticator.settings();
        let (sources, names) = (&settings.sources, settings.names);
        let absent = |what: &str| {
            let clue = Absence::of(self, self.need.kind).text(names);
            Step::new(Check::Token, missing, format!("{what} {clue}"))
        };
        // These reasons are about a location other than the cookies, so an absent cookie is not the cause.
        if let Some(
            reason @ (Reason::DuplicateHeader
            | Reason::DuplicateParameter
            | Reason::DuplicateMember
            | Reason::Malformed(_)
            | Reason::BeyondPeek),
        ) = self.found.reason()
        {
            return self.step_of_reason(reason);
        }
        match (self.location, self.main.state) {
            (_, TokenState::Doubled(times)) => Step::new(
                Check::Token,
                Verdict::Refused,
                format!("The cookie `{name}` occurs {times} times in the request, so it is unclear which one counts."),
            ),
            (_, TokenState::Absent) => absent(&format!("The request has no cookie `{name}`.")),
            (_, TokenState::Empty) => absent(&format!("The cookie `{name}` is empty, so it counts as absent.")),
            (_, TokenState::Foreign) => Step::new(
                Check::Token,
                missing,
                format!(
                    "The cookie `{name}` belongs to another application on this host, so it counts as absent. {} \
                     This application's keys are: {}.",
                    sentence(&self.main.key_in_header()),
                    self.own_keys()
                ),
            ),
            (_, TokenState::Valid | TokenState::Expired | TokenState::Invalid(_)) => {
                let place = match self.location {
                    TokenLocation::Cookies => format!("cookie `{name}`"),
                    TokenLocation::Headers => format!("header `{}`", sources.header_name),
                    TokenLocation::QueryString => format!("query parameter `{}`", sources.query_name),
                    TokenLocation::Json => "JSON body".to_owned(),
                };
                let verdict = if refused { Verdict::Refused } else { Verdict::Passed };
                let text = match self.found.reason().filter(|_| refused) {
                    Some(reason) => sentence(&reason.to_string()),
                    None => format!("The request has a token in the {place}."),
                };
                Step::new(Check::Token, verdict, text)
            }
        }
    }

    pub(super) fn signature(&self) -> Step {
        if self.origin == Origin::Pasted(Keys::Unknown) {
            let text = format!("Not checked, because no key is configured: {}.", self.main.key_in_header());
            return Step::new(Check::Signature, Verdict::Skipped, text);
        }
        match (self.refusing == Some(Check::Signature), self.main.state) {
            (true, TokenState::Invalid(error)) => {
                let text = format!(
                    "{} {} This application's keys are: {}.",
                    sentence(&error.to_string()),
                    sentence(&self.main.key_in_header()),
                    self.own_keys()
                );
                Step::new(Check::Signature, Verdict::Refused, text)
            }
            (is_refused, _) => {
                let verdict = if is_refused { Verdict::Refused } else { self.verdict(Check::Signature) };
                let text =
                    format!("The token was signed with one of this application's keys: {}.", self.main.key_in_header());
                Step::new(Check::Signature, verdict, text)
            }
        }
    }

    pub(super) fn claims(&self) -> Step {
        let life = self.main.life(self.verifier);
        let refused = self.refusing == Some(Check::Claims);
        match self.main.state {
            TokenState::Expired => {
                let verdict = if refused { Verdict::Refused } else { Verdict::Noted };
                Step::new(Check::Claims, verdict, life)
            }
            TokenState::Invalid(error) if refused => {
                let settings = self.verifier.authenticator.settings();
                let claim = |name: &str| self.main.claim(name).unwrap_or_else(|| "missing".to_owned());
                let detail = match error {
                    TokenError::WrongAudience => {
                        let accepted = settings.claims.decode_audience.iter().chain(&settings.realm);
                        let accepted: Vec<String> = accepted.map(|name| quoted(name)).collect();
                        format!("Its `aud` is {}; accepted: {}.", claim("aud"), listed(&accepted, "no `aud`"))
                    }
                    TokenError::WrongIssuer => {
                        let accepted: Vec<String> =
                            settings.claims.decode_issuers.iter().map(|name| quoted(name)).collect();
                        format!("Its `iss` is {}; accepted: {}.", claim("iss"), listed(&accepted, "any"))
                    }
                    TokenError::WrongKind => {
                        format!("Its `type` is {}; expected: {}.", claim("type"), quoted(self.need.kind.as_str()))
                    }
                    TokenError::NotYetValid | TokenError::IssuedInFuture => life,
                    _ => String::new(),
                };
                Step::new(Check::Claims, Verdict::Refused, format!("{} {detail}", sentence(&error.to_string())))
            }
            _ => match self.verdict(Check::Claims) {
                Verdict::Skipped => Step::new(Check::Claims, Verdict::Skipped, "Not checked."),
                verdict => Step::new(Check::Claims, verdict, life),
            },
        }
    }

    /// Returns the step about the refresh token. The explanation contains this step if the access token is missing or
    /// has expired, or if the refresh token was refused.
    pub(super) fn refresh(&self) -> Option<Step> {
        let mode = self.verifier.authenticator.refresh_mode();
        let is_refused = self.refusing == Some(Check::Refresh);
        let is_used = matches!(self.found.reason(), Some(Reason::Refresh(_))) || is_refused;
        let wants = self.need.kind == TokenKind::Access
            && self.location == TokenLocation::Cookies
            && !matches!(self.main.state, TokenState::Valid | TokenState::Invalid(_) | TokenState::Doubled(_));
        if !(is_used || wants) || mode == RefreshMode::Sliding {
            return None;
        }
        if let Some(reason @ Reason::RefreshNeeded) = self.found.reason() {
            return Some(self.step_of_reason(reason));
        }
        let names = self.verifier.authenticator.settings().names;
        let name = self.cookie_name(TokenKind::Refresh);
        let token = match self.refresh.state {
            TokenState::Absent => {
                format!("There is no refresh cookie `{name}`. {}", Absence::of(self, TokenKind::Refresh).text(names))
            }
            TokenState::Empty => format!("The refresh cookie `{name}` is empty."),
            TokenState::Doubled(times) => {
                format!("The refresh cookie `{name}` occurs {times} times in the request.")
            }
            TokenState::Foreign => format!("The refresh cookie `{name}` belongs to another application."),
            TokenState::Valid | TokenState::Expired => self.refresh.life(self.verifier),
            TokenState::Invalid(error) => format!(
                "The token in the refresh cookie `{name}` is refused: {}; {}.",
                error,
                self.refresh.key_in_header()
            ),
        };
        let is_valid = self.refresh.state == TokenState::Valid;
        let is_replaced = self.verifier.state.refreshed().is_some();
        let effect = match (mode, self.origin) {
            _ if !is_valid || is_used && !is_refused => "",
            (RefreshMode::Transparent, Origin::Pasted(_)) => "The server would replace the access token.",
            (RefreshMode::Transparent, Origin::Request) if is_replaced => "This request has replaced the access token.",
            (RefreshMode::Transparent, Origin::Request) => "The access token was not replaced.",
            (RefreshMode::Redirect, _) => "The browser has to get a new access token from the refresh URL.",
            (RefreshMode::Off, _) => "The refresh mode is Off, so the client has to POST to the refresh URL itself.",
            (RefreshMode::Sliding, _) => "",
        };
        let verdict = match (is_refused, is_valid) {
            (true, _) => Verdict::Refused,
            (false, true) => Verdict::Passed,
            (false, false) => Verdict::Noted,
        };
        Some(Step::new(Check::Refresh, verdict, format!("{token} {effect}").trim().to_owned()))
    }
}

fn listed(names: &[String], none: &str) -> String {
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

//! Explains a verification: its result, and what is known about the tokens that it checked.

use super::found::{Found, refusing_check};
use super::token::{Keys, TokenFacts, TokenState};
use crate::authenticator::verify::RequestVerifier;
use crate::explain::{Check, quoted};
use crate::jwt::TokenKind;
use crate::token_source::{Extracted, Need, TokenLocation};

/// Where the cookies that are being explained come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A request that this server has handled.
    Request,
    /// A header field that a developer pasted. Sessions, CSRF values and freshness are not checked.
    Pasted(Keys),
}

/// A verification, with what is known about the tokens that it checked.
pub(super) struct Verified<'a> {
    pub(super) verifier: &'a RequestVerifier<'a>,
    pub(super) need: Need,
    pub(super) found: Found<'a>,
    pub(super) origin: Origin,
    /// The location of the token, or of a value that cannot be a token. If neither was found, this is
    /// [`TokenLocation::Cookies`] if the route accepts cookies, and otherwise the first location.
    pub(super) location: TokenLocation,
    /// The token that the route needs.
    pub(super) main: TokenFacts,
    /// The token in the refresh cookie.
    pub(super) refresh: TokenFacts,
    /// The check that refused the request.
    pub(super) refusing: Option<Check>,
}

impl<'a> Verified<'a> {
    pub(super) fn new(verifier: &'a RequestVerifier<'a>, need: Need, found: Found<'a>, origin: Origin) -> Self {
        let keys = if let Origin::Pasted(keys) = origin { keys } else { Keys::Known };
        let all = verifier.authenticator.settings().sources.locations;
        let locations = if need.locations.is_empty() { all } else { need.locations };
        let (mut location, mut main) = (locations.iter().next().unwrap_or(TokenLocation::Cookies), None);
        for other in locations.iter() {
            let facts = match verifier.extract(other, need.kind) {
                _ if other == TokenLocation::Cookies => {
                    TokenFacts::of_cookie(verifier, need.kind, need.expected_kind(), keys)
                }
                Extracted::Token(text) => TokenFacts::of_text(verifier, &text, need.expected_kind(), keys),
                Extracted::Absent(_) => continue,
                // The verification ends at such a location.
                Extracted::Malformed | Extracted::Twice | Extracted::Unread => {
                    location = other;
                    main = Some(TokenFacts::without_token(TokenState::Absent));
                    break;
                }
            };
            if facts.is_present() || main.is_none() {
                location = other;
                main = Some(facts);
            }
            if main.as_ref().is_some_and(TokenFacts::is_present) {
                break;
            }
        }
        let cookie = |kind| TokenFacts::of_cookie(verifier, kind, Some(kind), keys);
        let (main, refresh) = (main.unwrap_or_else(|| cookie(need.kind)), cookie(TokenKind::Refresh));
        let refusing = found.reason().map(|reason| refusing_check(reason, &main, &refresh));
        Self { verifier, need, found, origin, location, main, refresh, refusing }
    }

    pub(super) fn cookie_name(&self, kind: TokenKind) -> &str {
        let policy = self.verifier.authenticator.cookies();
        match kind {
            TokenKind::Access => policy.access.name.as_str(),
            TokenKind::Refresh => policy.refresh.name.as_str(),
        }
    }

    /// Returns the application's keys, in words.
    pub(super) fn own_keys(&self) -> String {
        let keys = self.verifier.authenticator.keys();
        let named = keys.verifying_keys().iter().map(|key| match key.key_id() {
            Some(id) => format!("{} {}", key.algorithm(), quoted(id)),
            None => format!("{} without an id", key.algorithm()),
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

/// Turns an error's text into a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

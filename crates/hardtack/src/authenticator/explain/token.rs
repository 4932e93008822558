//! What Hardtack learns about a token by verifying it.

use crate::authenticator::verify::{RequestVerifier, TokenVerdict};
use crate::explain::{ago, quoted, until};
use crate::jwt::{Claims, TokenError, TokenKind, Unverified};
use crate::token::VerifiedPayload;

/// Whether the application's keys are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    Known,
    /// The application's keys are not known, so signatures cannot be checked.
    Unknown,
}

/// What is known about a token.
pub(super) struct TokenFacts {
    pub(super) state: TokenState,
    /// The token's header and claims, decoded but not verified.
    header: Option<Unverified>,
    /// The claims, if the signature is valid or cannot be checked.
    pub(super) claims: Option<Box<Claims>>,
}

/// A token's state, as determined by verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenState {
    Absent,
    /// The cookie is empty. When a cookie is deleted, some clients keep it with an empty value.
    Empty,
    /// The request contains the cookie this many times.
    Doubled(usize),
    /// The token's key id does not belong to any of this application's keys.
    Foreign,
    Valid,
    Expired,
    /// The token is refused or not valid yet.
    Invalid(TokenError),
}

impl TokenFacts {
    pub(super) fn without_token(state: TokenState) -> Self {
        Self { state, header: None, claims: None }
    }

    /// Returns what is known about the cookie that holds tokens of the given kind. `expected` is the kind of token that
    /// the route accepts.
    pub(super) fn of_cookie(
        verifier: &RequestVerifier<'_>,
        kind: TokenKind,
        expected: Option<TokenKind>,
        keys: Keys,
    ) -> Self {
        let policy = verifier.authenticator.cookies();
        let slot = match kind {
            TokenKind::Access => &policy.access,
            TokenKind::Refresh => &policy.refresh,
        };
        match verifier.authenticator.find_cookie(&verifier.head, kind) {
            Ok(Some(text)) => Self::of_text(verifier, text, expected, keys),
            Ok(None) => match slot.name.find(&verifier.head) {
                Ok(Some(_)) => Self::without_token(TokenState::Empty),
                _ => Self::without_token(TokenState::Absent),
            },
            Err(_) => Self::without_token(TokenState::Doubled(slot.name.find_all(&verifier.head).len())),
        }
    }

    /// Returns what is known about a token.
    pub(super) fn of_text(
        verifier: &RequestVerifier<'_>,
        text: &[u8],
        expected: Option<TokenKind>,
        keys: Keys,
    ) -> Self {
        let authenticator = verifier.authenticator;
        let header = Unverified::parse_bytes(text).ok();
        let (state, claims) = match (keys, authenticator.verify_token(text, expected, authenticator.now())) {
            (Keys::Unknown, _) => Self::without_keys(verifier, text, expected),
            (Keys::Known, Ok(TokenVerdict::Valid(token))) => (TokenState::Valid, Some(token.claims().clone())),
            (Keys::Known, Ok(TokenVerdict::Expired(token))) => (TokenState::Expired, Some(token.claims().clone())),
            (Keys::Known, Ok(TokenVerdict::Early(token, error))) => {
                (TokenState::Invalid(error), Some(token.claims().clone()))
            }
            (Keys::Known, Err(_)) if authenticator.is_foreign(text) => (TokenState::Foreign, None),
            (Keys::Known, Err(error)) => (TokenState::Invalid(error), None),
        };
        Self { state, header, claims: claims.map(Box::new) }
    }

    /// Checks the claims of a token whose signature cannot be checked.
    fn without_keys(
        verifier: &RequestVerifier<'_>,
        text: &[u8],
        expected: Option<TokenKind>,
    ) -> (TokenState, Option<Claims>) {
        let authenticator = verifier.authenticator;
        let read = || {
            let payload = serde_json::to_vec(Unverified::parse_bytes(text)?.claims());
            let payload = payload.map_err(|_| TokenError::Malformed)?;
            VerifiedPayload::read(payload, &authenticator.settings().claims_profile())
        };
        match read() {
            Err(error) => (TokenState::Invalid(error), None),
            Ok(payload) => {
                let expected = authenticator.expected(expected.unwrap_or(payload.kind()), authenticator.now());
                let state = match payload.verify_claims(&expected) {
                    Ok(_) => TokenState::Valid,
                    Err(TokenError::Expired) => TokenState::Expired,
                    Err(error) => TokenState::Invalid(error),
                };
                (state, Some(payload.claims().clone()))
            }
        }
    }

    /// Returns whether the request has a token. A token from a different application does not count.
    pub(super) fn is_present(&self) -> bool {
        match self.state {
            TokenState::Absent | TokenState::Empty | TokenState::Foreign => false,
            TokenState::Doubled(_) | TokenState::Valid | TokenState::Expired | TokenState::Invalid(_) => true,
        }
    }

    /// Returns the algorithm and the key id in the token's header, in words. An attacker may have written this header.
    pub(super) fn key_in_header(&self) -> String {
        let Some(header) = self.header.as_ref().map(Unverified::header) else {
            return "the token's header cannot be read".to_owned();
        };
        let algorithm = header.get("alg").and_then(|alg| alg.as_str()).unwrap_or("none");
        match header.get("kid").and_then(|kid| kid.as_str()) {
            Some(key_id) => {
                format!("the token's header names the algorithm {} and the key {}", quoted(algorithm), quoted(key_id))
            }
            None => format!("the token's header names the algorithm {}, but no key", quoted(algorithm)),
        }
    }

    /// Returns one of the token's claims as text. Call this method only for claims that are not secret. If the
    /// signature is not valid, an attacker may have written the claim.
    pub(super) fn claim(&self, name: &str) -> Option<String> {
        let value = self.header.as_ref()?.claims().get(name)?;
        Some(quoted(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    }

    /// Describes the token's user, when the token was issued, and when it expires. Returns an empty string if the
    /// claims are not known.
    pub(super) fn life(&self, verifier: &RequestVerifier<'_>) -> String {
        let Some(claims) = &self.claims else { return String::new() };
        let now = verifier.authenticator.now();
        let issued = match claims.issued_at <= now {
            true => format!("issued {}", ago(claims.issued_at, now)),
            false => format!("to be issued {}", until(claims.issued_at, now)),
        };
        let authenticator = verifier.authenticator;
        let age = authenticator.max_session_age(claims.kind).filter(|_| claims.session.is_some());
        let latest = age.map(|age| claims.issued_at + age);
        let expires = match claims.expires_at.map(|end| latest.map_or(end, |latest| end.min(latest))) {
            Some(end) if end <= now && claims.expires_at != Some(end) => {
                let since = ago(end, now);
                format!("it expired {since}, because the lifetime of access tokens has become shorter since then")
            }
            None => "it never expires".to_owned(),
            Some(end) if end <= now => format!("it expired {}", ago(end, now)),
            Some(end) => format!("it expires {}", until(end, now)),
        };
        format!("The {} token of user {} was {issued}; {expires}.", claims.kind.as_str(), quoted(&claims.subject))
    }
}

/// Returns whether this error comes from the signature check, which runs before the claims are checked.
pub(super) const fn is_of_signature(error: TokenError) -> bool {
    match error {
        TokenError::TooLarge
        | TokenError::NotCompact
        | TokenError::Malformed
        | TokenError::BadHeader
        | TokenError::UnsupportedHeader(_)
        | TokenError::WrongAlgorithm
        | TokenError::WrongTyp
        | TokenError::UnknownKey
        | TokenError::BadSignature => true,
        TokenError::DuplicateMember
        | TokenError::BadClaim(_)
        | TokenError::MissingClaim(_)
        | TokenError::Expired
        | TokenError::NotYetValid
        | TokenError::IssuedInFuture
        | TokenError::WrongAudience
        | TokenError::WrongIssuer
        | TokenError::WrongKind => false,
    }
}

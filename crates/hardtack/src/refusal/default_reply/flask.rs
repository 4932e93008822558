//! Replies that match those of Flask-JWT-Extended 4.7, with the same statuses and messages.

use crate::cookie::ResolvedPolicy;
use crate::csrf::CsrfError;
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{FailureKind, Reason, Refused, Reply};
use crate::token_source::{Absence, Locations, TokenLocation, TokenSources};

/// The reply to a refused request: one JSON object with one member.
pub(super) fn reply(refused: &Refused<'_>) -> Reply {
    let reason = refused.reason;
    let text = match (refused.detail, reason) {
        (Some(detail), _) => detail.to_owned(),
        (None, Reason::Token(error)) if *error != TokenError::Expired => {
            invalid(error, &refused.settings.claims.identity_claim)
        }
        (None, Reason::UnknownUser) => {
            format!("Error loading the user {}", refused.token.map(|token| token.subject()).unwrap_or_default())
        }
        _ => sentence(reason).to_owned(),
    };
    let reply = Reply::new(status(reason)).header("content-type", "application/json");
    let reply = Reply { body: object(&refused.settings.error_key, &text), ..reply };
    // Flask-JWT-Extended does not limit attempts, so it has no reply to imitate here.
    if reason.kind() == FailureKind::TooManyAttempts { reply.retry_after(reason) } else { reply }
}

const fn status(reason: &Reason) -> u16 {
    match reason.kind() {
        FailureKind::Invalid => 422,
        FailureKind::Csrf if matches!(reason, Reason::Csrf(CsrfError::NoClaim)) => 422,
        FailureKind::Csrf => 401,
        FailureKind::ClaimsRefused => 400,
        other => other.status(),
    }
}

fn sentence(reason: &Reason) -> &str {
    match reason {
        Reason::Token(TokenError::Expired) => "Token has expired",
        Reason::NotFresh | Reason::ProofNeeded | Reason::OtherUser => "Fresh token required",
        Reason::ClaimsRefused => "User claims verification failed",
        Reason::Csrf(CsrfError::NoClaim) => "Missing claim: csrf",
        Reason::Csrf(CsrfError::Mismatch | CsrfError::Repeated | CsrfError::OtherPreSession) => {
            "CSRF double submit tokens do not match"
        }
        Reason::Csrf(CsrfError::Missing | CsrfError::NoPreSession | CsrfError::BeyondPeek | CsrfError::Unread) => {
            "Missing CSRF token"
        }
        other => match other.kind() {
            FailureKind::Expired => "Token has expired",
            FailureKind::Revoked => "Token has been revoked",
            _ => other.advice(),
        },
    }
}

/// Returns PyJWT's message for the same error.
fn invalid(error: &TokenError, identity: &str) -> String {
    match error {
        TokenError::MissingClaim("identity") => format!("Missing claim: {identity}"),
        TokenError::MissingClaim(name) => format!("Missing claim: {name}"),
        TokenError::BadClaim("sub") => "Subject must be a string".to_owned(),
        TokenError::BadClaim("jti") => "JWT ID must be a string".to_owned(),
        TokenError::BadClaim("iat") => "Issued At claim (iat) must be an integer.".to_owned(),
        TokenError::BadClaim("nbf") => "Not Before claim (nbf) must be an integer.".to_owned(),
        TokenError::BadClaim("exp") => "Expiration Time claim (exp) must be an integer.".to_owned(),
        TokenError::BadClaim("aud") => "Invalid claim format in token".to_owned(),
        TokenError::NotCompact => "Not enough segments".to_owned(),
        TokenError::Malformed | TokenError::BadHeader => "Invalid header padding".to_owned(),
        TokenError::WrongAlgorithm => "The specified alg value is not allowed".to_owned(),
        TokenError::BadSignature => "Signature verification failed".to_owned(),
        TokenError::NotYetValid => "The token is not yet valid (nbf)".to_owned(),
        TokenError::IssuedInFuture => "The token is not yet valid (iat)".to_owned(),
        TokenError::WrongAudience => "Audience doesn't match".to_owned(),
        TokenError::WrongIssuer => "Invalid issuer".to_owned(),
        other => other.to_string(),
    }
}

/// Returns the message for a location that contains no token.
pub(crate) fn absent(absence: Absence, kind: TokenKind, sources: &TokenSources, cookies: &ResolvedPolicy) -> String {
    let (cookie, member) = match kind {
        TokenKind::Access => (&cookies.access.name, &sources.json_key),
        TokenKind::Refresh => (&cookies.refresh.name, &sources.refresh_json_key),
    };
    match absence {
        Absence::Field => format!("Missing {} Header", sources.header_name),
        Absence::Type | Absence::SeveralValues => format!(
            "Missing '{1}' type in '{0}' header. Expected '{0}: {1} <JWT>'",
            sources.header_name, sources.header_type
        ),
        Absence::Cookie => format!("Missing cookie \"{}\"", cookie.as_str()),
        // The word is misspelled, as in Flask-JWT-Extended.
        Absence::Parameter => format!("Missing '{}' query paramater", sources.query_name),
        Absence::NoJson => "Invalid content-type. Must be application/json.".to_owned(),
        Absence::Member => format!("Missing \"{member}\" key in json data."),
    }
}

/// Returns the message for a request without a token in any location.
pub(crate) fn missing(locations: Locations, details: &[String]) -> String {
    let names: Vec<&str> = locations.iter().map(TokenLocation::as_str).collect();
    match (names.split_last(), details) {
        (Some((_, [])), [only]) => only.clone(),
        (Some((last, others)), details) => {
            format!("Missing JWT in {} or {last} ({})", others.join(", "), details.join("; "))
        }
        (None, _) => String::new(),
    }
}

/// Returns the message for a value that cannot be a token.
pub(crate) fn malformed(location: TokenLocation, sources: &TokenSources) -> String {
    let TokenSources { header_name, header_type, query_name, query_prefix, .. } = sources;
    match location {
        TokenLocation::Headers if header_type.is_empty() => {
            format!("Bad {header_name} header. Expected '{header_name}: <JWT>'")
        }
        TokenLocation::Headers => format!("Bad {header_name} header. Expected '{header_name}: {header_type} <JWT>'"),
        TokenLocation::QueryString => format!(
            "Invalid value for query parameter '{query_name}'. Expected the value to start with '{query_prefix}'"
        ),
        TokenLocation::Cookies => "The request carries the cookie more than once".to_owned(),
        TokenLocation::Json => "Invalid token type. Token must be a <class 'bytes'>".to_owned(),
    }
}

pub(crate) const fn wrong_kind(wanted: TokenKind) -> &'static str {
    match wanted {
        TokenKind::Access => "Only non-refresh tokens are allowed",
        TokenKind::Refresh => "Only refresh tokens are allowed",
    }
}

/// Returns `{"msg":"…"}`, followed by a line feed, in ASCII.
fn object(key: &str, text: &str) -> String {
    let json = serde_json::json!({ key: text }).to_string();
    let mut ascii = String::with_capacity(json.len() + 1);
    for unit in json.chars() {
        if unit.is_ascii() {
            ascii.push(unit);
        } else {
            let mut units = [0; 2];
            for unit in unit.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii.push('\n');
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_ascii_and_end_with_a_line_feed() {
        assert_eq!(object("msg", "a \"ü\" 𝄞"), "{\"msg\":\"a \\\"\\u00fc\\\" \\ud834\\udd1e\"}\n");
    }

    #[test]
    fn a_single_missing_location_is_reported_alone() {
        let details = ["Missing a".to_owned(), "Missing b".to_owned(), "Missing c".to_owned()];
        let headers = Locations::from(TokenLocation::Headers);
        assert_eq!(missing(headers, &details[..1]), "Missing a");
        let three = Locations::from([TokenLocation::Headers, TokenLocation::Cookies, TokenLocation::Json]);
        assert_eq!(
            missing(three, &details),
            "Missing JWT in headers, cookies or json (Missing a; Missing b; Missing c)"
        );
    }
}

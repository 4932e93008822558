//! The strict payload reader, which understands all of JSON. The fast reader never refuses a payload. If it does not
//! recognize one, it passes the payload on to the strict reader.

use serde_json::{Map, Value};

use super::fast_read::FastClaims;
use super::table::{
    AnyText, Audience, ClaimType, Freshness, Kind, Number, Optional, Session, Text, Time, for_each_claim,
};
use super::{Claims, Fresh, TokenKind};
use crate::clock::{MAX_NUMERIC_DATE, Timestamp};
use crate::jwt::error::TokenError;
use crate::jwt::hex;
use crate::jwt::json::unique_members::{Json, read_object};

impl Claims {
    /// Reads the claims from a payload. The payload must be one JSON object in which no member occurs twice and each
    /// known claim has the right type.
    ///
    /// `sub`, `iat`, `jti` and `type` are required. Times are given in seconds since 1970, and must not be later than
    /// the year 9999 (RFC 7519 §2). Fractions of a second are discarded.
    ///
    /// # Errors
    /// Returns [`TokenError::Malformed`] if the payload is not one JSON object,
    /// [`DuplicateMember`](TokenError::DuplicateMember) if a member occurs twice, [`BadClaim`](TokenError::BadClaim) if
    /// a claim's type or value is not allowed, [`MissingClaim`](TokenError::MissingClaim) if a required claim is
    /// missing, or [`WrongKind`](TokenError::WrongKind) if `type` is neither `access` nor `refresh`.
    pub fn from_json(payload: &[u8]) -> Result<Self, TokenError> {
        let fast = std::str::from_utf8(payload).ok().and_then(|text| Some(FastClaims::read(text)?.to_claims(text)));
        fast.map_or_else(|| ClaimsProfile::STRICT.read(payload), Ok)
    }
}

/// Which claims a payload must have, and which claims must have the right type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimsProfile<'a> {
    /// The name of the claim that identifies the user.
    pub(crate) identity: &'a str,
    /// Whether the identity and `sub` must be strings.
    pub(crate) verify_sub: bool,
    /// Whether to accept every payload that Flask-JWT-Extended accepts. `iat`, `jti` and `type` can then be absent, and
    /// claims that Flask-JWT-Extended does not verify can have any type.
    pub(crate) lenient: bool,
    /// Whether the claim `aud` is read.
    pub(crate) audience: bool,
}

impl ClaimsProfile<'_> {
    /// The profile for the tokens that this library issues.
    pub(crate) const STRICT: Self = Self { identity: "sub", verify_sub: true, lenient: false, audience: true };

    /// Whether this profile is [`STRICT`](Self::STRICT). [`FastClaims`] implements only that profile.
    pub(crate) fn is_strict(&self) -> bool {
        self.identity == "sub" && self.verify_sub && !self.lenient && self.audience
    }

    /// Reads the claims from a payload. If the identity is not a string, `subject` is its JSON text.
    ///
    /// # Errors
    /// Returns the same errors as [`Claims::from_json`].
    pub(crate) fn read(&self, payload: &[u8]) -> Result<Claims, TokenError> {
        let (mut found, mut identity_is_json) = (Found::default(), false);
        read_object(payload, |name, value| {
            if name == self.identity {
                found.subject = self.identity_text(value)?;
                identity_is_json = found.subject.is_none();
                return Ok(());
            }
            match name {
                // A claim other than `sub` identifies the user, but the type of `sub` must still be checked.
                "sub" if self.verify_sub => Text::read("sub", value).map(drop),
                "sub" => Ok(()),
                "aud" if !self.audience => Ok(()),
                "jti" if self.lenient => AnyText::read("jti", value).map(|id| found.token_id = Some(id)),
                // Another program might use these names for its own claims, so treat a claim whose value cannot be read
                // as absent.
                "csrf" | "sid" | "gen" | "auth_time" | "iss" | "proven_at" if self.lenient => {
                    let _ = found.read(name, value);
                    Ok(())
                }
                _ => found.read(name, value),
            }
        })?;
        if identity_is_json {
            found.subject = Some(self.identity_json(payload)?);
        }
        if found.subject.is_none() {
            return Err(TokenError::MissingClaim(self.identity_name()));
        }
        found.into_claims(self.lenient)
    }

    /// Returns the identity if it is a string. Returns `None` if it has another type and the profile accepts that type.
    fn identity_text(&self, value: Json<'_>) -> Result<Option<String>, TokenError> {
        match value {
            Json::String(text) if text.is_empty() => Err(TokenError::BadClaim(self.identity_name())),
            Json::String(text) => Ok(Some(text.into_owned())),
            // PyJWT verifies the type of `sub`, but not the type of an identity claim with a different name.
            _ if self.verify_sub && (self.identity == "sub" || !self.lenient) => {
                Err(TokenError::BadClaim(self.identity_name()))
            }
            _ => Ok(None),
        }
    }

    /// Returns the JSON text of the identity. A number keeps all of its digits.
    fn identity_json(&self, payload: &[u8]) -> Result<String, TokenError> {
        let members: Map<String, Value> = serde_json::from_slice(payload).map_err(|_| TokenError::Malformed)?;
        members.get(self.identity).map(Value::to_string).ok_or(TokenError::MissingClaim(self.identity_name()))
    }

    /// Returns the name that errors use for the identity claim. An error can contain only a `&'static str`, so it
    /// cannot contain the configured name. If that name is not `sub`, the error says `identity`.
    fn identity_name(&self) -> &'static str {
        if self.identity == "sub" { "sub" } else { "identity" }
    }
}

macro_rules! define_found {
    ($($name:literal $field:ident: $type:ty,)*) => {
        /// The claims that have been read so far.
        #[derive(Default)]
        struct Found {
            $($field: Option<<$type as ClaimType>::Value>,)*
        }

        impl Found {
            fn read(&mut self, name: &str, value: Json<'_>) -> Result<(), TokenError> {
                match name {
                    $($name => self.$field = Some(<$type>::read($name, value)?),)*
                    _ => {}
                }
                Ok(())
            }

            fn into_claims(self, lenient: bool) -> Result<Claims, TokenError> {
                Ok(Claims {
                    $($field: match self.$field {
                        Some(value) => value,
                        None if <$type>::REQUIRED && !lenient => return Err(TokenError::MissingClaim($name)),
                        None => Default::default(),
                    },)*
                })
            }
        }
    };
}

for_each_claim!(define_found);

/// How a claim is read from JSON.
trait ReadClaim: ClaimType {
    /// Reads a claim's value. If the value cannot be accepted, returns [`TokenError::BadClaim`] with the claim's name.
    fn read(name: &'static str, value: Json<'_>) -> Result<Self::Value, TokenError>;
}

impl ReadClaim for Freshness {
    fn read(name: &'static str, value: Json<'_>) -> Result<Fresh, TokenError> {
        match value {
            Json::Bool(false) => Ok(Fresh::No),
            Json::Bool(true) => Ok(Fresh::Yes),
            other => Time::read(name, other).map(Fresh::Until),
        }
    }
}

impl ReadClaim for Time {
    fn read(name: &'static str, value: Json<'_>) -> Result<Timestamp, TokenError> {
        let seconds = match value {
            Json::Unsigned(seconds) => i64::try_from(seconds).ok(),
            // An `f64` represents every whole second in this range exactly. NaN is not in any range.
            Json::Float(seconds) if (0.0..=MAX_NUMERIC_DATE as f64).contains(&seconds) => Some(seconds as i64),
            _ => None,
        };
        let seconds = seconds.filter(|seconds| *seconds <= MAX_NUMERIC_DATE);
        seconds.map(Timestamp::from_unix_seconds).ok_or(TokenError::BadClaim(name))
    }
}

impl ReadClaim for Text {
    fn read(name: &'static str, value: Json<'_>) -> Result<String, TokenError> {
        let text = value.into_string().filter(|text| !text.is_empty());
        Ok(text.ok_or(TokenError::BadClaim(name))?.into_owned())
    }
}

impl ReadClaim for AnyText {
    fn read(name: &'static str, value: Json<'_>) -> Result<String, TokenError> {
        Ok(value.into_string().ok_or(TokenError::BadClaim(name))?.into_owned())
    }
}

impl ReadClaim for Kind {
    fn read(name: &'static str, value: Json<'_>) -> Result<TokenKind, TokenError> {
        match &*value.into_string().ok_or(TokenError::BadClaim(name))? {
            "access" => Ok(TokenKind::Access),
            "refresh" => Ok(TokenKind::Refresh),
            _ => Err(TokenError::WrongKind),
        }
    }
}

impl ReadClaim for Session {
    fn read(name: &'static str, value: Json<'_>) -> Result<u128, TokenError> {
        let text = value.into_string().ok_or(TokenError::BadClaim(name))?;
        text.as_bytes().try_into().ok().and_then(hex::decode).ok_or(TokenError::BadClaim(name))
    }
}

impl ReadClaim for Number {
    fn read(name: &'static str, value: Json<'_>) -> Result<u64, TokenError> {
        match value {
            Json::Unsigned(number) => Ok(number),
            _ => Err(TokenError::BadClaim(name)),
        }
    }
}

impl ReadClaim for Audience {
    fn read(name: &'static str, value: Json<'_>) -> Result<Vec<String>, TokenError> {
        let names = match value {
            Json::String(name) => Some(vec![name.into_owned()]),
            // An empty array must not be treated as a missing `aud`, because a token without `aud` is meant for any
            // recipient.
            Json::Array(items) if !items.is_empty() => {
                items.into_iter().map(|item| item.into_string().map(|name| name.into_owned())).collect()
            }
            _ => None,
        };
        names.ok_or(TokenError::BadClaim(name))
    }
}

impl<T: ReadClaim> ReadClaim for Optional<T> {
    fn read(name: &'static str, value: Json<'_>) -> Result<Option<T::Value>, TokenError> {
        T::read(name, value).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLASK: ClaimsProfile<'_> =
        ClaimsProfile { identity: "sub", verify_sub: true, lenient: true, audience: false };

    #[test]
    fn claims_that_flask_jwt_extended_does_not_require_may_be_absent() {
        let claims = FLASK.read(br#"{"sub":"alice"}"#).unwrap();
        assert_eq!((claims.subject.as_str(), claims.kind, claims.fresh), ("alice", TokenKind::Access, Fresh::No));
        assert!(claims.token_id.is_empty());
        assert_eq!(FLASK.read(b"{}"), Err(TokenError::MissingClaim("sub")));
        assert_eq!(FLASK.read(br#"{"sub":"a","sub":"b"}"#), Err(TokenError::DuplicateMember));
        assert_eq!(FLASK.read(br#"{"sub":"alice","type":"other"}"#), Err(TokenError::WrongKind));
        assert!(FLASK.read(br#"{"sub":"alice","sid":"theirs","gen":"x","auth_time":"x","aud":5}"#).is_ok());
        assert_eq!(FLASK.read(br#"{"sub":5}"#), Err(TokenError::BadClaim("sub")));
    }

    #[test]
    fn an_identity_that_is_not_verified_may_be_any_json() {
        let any = ClaimsProfile { verify_sub: false, ..FLASK };
        for (identity, expected) in [("5", "5"), ("\"a\"", "a"), ("{\"id\":[-1]}", "{\"id\":[-1]}"), ("null", "null")] {
            let payload = format!("{{\"sub\":{identity}}}");
            assert_eq!(any.read(payload.as_bytes()).unwrap().subject, expected);
        }
    }

    #[test]
    fn the_identity_may_have_another_name() {
        let named = ClaimsProfile { identity: "user", lenient: false, ..FLASK };
        let payload = br#"{"user":"alice","sub":"else","iat":1,"jti":"a","type":"access"}"#;
        assert_eq!(named.read(payload).unwrap().subject, "alice");
        let payload = br#"{"sub":"alice","iat":1,"jti":"a","type":"access"}"#;
        assert_eq!(named.read(payload), Err(TokenError::MissingClaim("identity")));
        let payload = br#"{"user":"alice","jti":"a","type":"access"}"#;
        assert_eq!(named.read(payload), Err(TokenError::MissingClaim("iat")));
        let payload = br#"{"user":5,"iat":1,"jti":"a","type":"access"}"#;
        assert_eq!(named.read(payload), Err(TokenError::BadClaim("identity")));
    }
}

//! Payloads that other programs wrote, read with their customs.

use serde_json::{Map, Value};

use super::claims::{NoExtra, audience, fresh, generation, session, text, time};
use super::json::{self, Json};
use super::{Claims, Fresh, TokenError, TokenKind};
use crate::clock::Timestamp;

/// How a payload is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimsProfile<'a> {
    /// The claim that says whose token it is.
    pub(crate) identity: &'a str,
    /// Whether the identity, and `sub`, have to be text.
    pub(crate) verify_sub: bool,
    /// As Flask-JWT-Extended does: `iat`, `jti` and `type` may be absent, and what only we give a meaning to
    /// (`sid`, `gen`, `auth_time`) may mean something else.
    pub(crate) lenient: bool,
    /// Whether `aud` is read at all.
    pub(crate) audience: bool,
}

impl ClaimsProfile<'_> {
    /// Whether only what is ours is read.
    pub(crate) fn is_strict(&self) -> bool {
        self.identity == "sub" && self.verify_sub && !self.lenient
    }

    /// Reads a payload. An identity that is no text is told as its JSON.
    pub(crate) fn read(&self, payload: &[u8]) -> Result<Claims, TokenError> {
        if self.is_strict() {
            return Claims::from_json(payload);
        }
        let mut found = Found::default();
        json::read_object(payload, |name, value| found.read(self, name, value))?;
        let absent = |name| if self.lenient { Ok(()) } else { Err(TokenError::MissingClaim(name)) };
        for (name, is_absent) in
            [("iat", found.issued_at.is_none()), ("jti", found.token_id.is_none()), ("type", found.kind.is_none())]
        {
            if is_absent {
                absent(name)?;
            }
        }
        Ok(Claims {
            subject: self.identity_of(payload, found.identity)?,
            issued_at: found.issued_at.unwrap_or(Timestamp::from_unix_seconds(0)),
            not_before: found.not_before,
            expires_at: found.expires_at,
            token_id: found.token_id.unwrap_or_default(),
            kind: found.kind.unwrap_or(TokenKind::Access),
            fresh: found.fresh.unwrap_or(Fresh::No),
            csrf: found.csrf,
            session: found.session,
            generation: found.generation,
            auth_time: found.auth_time,
            issuer: found.issuer,
            audience: found.audience,
            extra: NoExtra,
        })
    }

    fn identity_of(&self, payload: &[u8], found: Option<Identity>) -> Result<String, TokenError> {
        match found {
            Some(Identity::Text(text)) => Ok(text),
            // Of the payload's text, so that no digit of a number is lost.
            Some(Identity::Other) => {
                let members: Map<String, Value> = serde_json::from_slice(payload).map_err(|_| TokenError::Malformed)?;
                members.get(self.identity).map(Value::to_string).ok_or(TokenError::MissingClaim("sub"))
            }
            None if self.identity == "sub" => Err(TokenError::MissingClaim("sub")),
            None => Err(TokenError::MissingClaim("identity")),
        }
    }
}

enum Identity {
    Text(String),
    Other,
}

#[derive(Default)]
struct Found {
    identity: Option<Identity>,
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    token_id: Option<String>,
    kind: Option<TokenKind>,
    fresh: Option<Fresh>,
    csrf: Option<String>,
    session: Option<u128>,
    generation: Option<u64>,
    auth_time: Option<Timestamp>,
    issuer: Option<String>,
    audience: Vec<String>,
}

impl Found {
    fn read(&mut self, reading: &ClaimsProfile<'_>, name: &str, value: Json<'_>) -> Result<(), TokenError> {
        let lenient = reading.lenient;
        if name == "sub" && name != reading.identity {
            // Not whose token it is, but checked all the same.
            return if reading.verify_sub { text("sub", value).map(|_| ()) } else { Ok(()) };
        }
        if name == reading.identity {
            let claim = if name == "sub" { "sub" } else { "identity" };
            self.identity = Some(match value {
                Json::String(ref identity) if identity.is_empty() => return Err(TokenError::BadClaim(claim)),
                Json::String(identity) => Identity::Text(identity.into_owned()),
                // PyJWT knows `sub` only.
                _ if reading.verify_sub && (name == "sub" || !lenient) => return Err(TokenError::BadClaim(claim)),
                _ => Identity::Other,
            });
            return Ok(());
        }
        match name {
            "iat" => self.issued_at = Some(time("iat", &value)?),
            "nbf" => self.not_before = Some(time("nbf", &value)?),
            "exp" => self.expires_at = Some(time("exp", &value)?),
            "jti" if lenient => {
                self.token_id = Some(value.into_string().ok_or(TokenError::BadClaim("jti"))?.into_owned());
            }
            "jti" => self.token_id = Some(text("jti", value)?),
            "type" => self.kind = Some(super::claims::kind(value)?),
            "fresh" => self.fresh = Some(fresh(&value)?),
            "csrf" if lenient => self.csrf = text("csrf", value).ok(),
            "csrf" => self.csrf = Some(text("csrf", value)?),
            "sid" if lenient => self.session = session(value).ok(),
            "sid" => self.session = Some(session(value)?),
            "gen" if lenient => self.generation = generation(&value).ok(),
            "gen" => self.generation = Some(generation(&value)?),
            "auth_time" if lenient => self.auth_time = time("auth_time", &value).ok(),
            "auth_time" => self.auth_time = Some(time("auth_time", &value)?),
            "iss" if lenient => self.issuer = value.into_string().map(|name| name.into_owned()),
            "iss" => self.issuer = Some(value.into_string().ok_or(TokenError::BadClaim("iss"))?.into_owned()),
            "aud" if reading.audience => self.audience = audience(value)?,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLASK: ClaimsProfile<'_> =
        ClaimsProfile { identity: "sub", verify_sub: true, lenient: true, audience: false };

    #[test]
    fn what_flask_jwt_extended_does_not_ask_for_may_be_absent() {
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
    fn an_identity_may_be_any_json_where_it_is_not_verified() {
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

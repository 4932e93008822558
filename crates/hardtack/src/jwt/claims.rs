//! The claims of a token (RFC 7519 §4), typed, and read strictly in one pass.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::json::{self, Json};
use super::object::ObjectWriter;
use super::{ClaimError, TokenError, plain};
use crate::clock::Timestamp;

/// 9999-12-31T23:59:59Z: the last second that other libraries can represent.
pub(super) const MAX_TIME: i64 = 253_402_300_799;

/// Names that [`Claims`] has fields for.
const RESERVED: [&str; 13] =
    ["sub", "iat", "nbf", "exp", "jti", "type", "fresh", "csrf", "sid", "gen", "auth_time", "iss", "aud"];

/// What a token is for: the claim `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Carried by every request.
    Access,
    /// Mints access tokens, and nothing else.
    Refresh,
}

impl TokenKind {
    /// The claim's value: `access` or `refresh`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Whether the user proved who they are recently: the claim `fresh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fresh {
    /// `false`: the token came of a refresh. Also what an absent claim means.
    No,
    /// `true`: the token came of a log-in, and stays fresh while it lives.
    Yes,
    /// A NumericDate: fresh up to and including that second.
    Until(Timestamp),
}

impl Fresh {
    /// Whether the token is fresh at `now`.
    pub fn is_fresh_at(self, now: Timestamp) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::Until(end) => now <= end,
        }
    }
}

/// No claims beyond those of [`Claims`]. Others in the token are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoExtra;

/// An application's own claims, read from the same payload: any owned type that deserialises, or
/// [`NoExtra`].
pub trait ExtraClaims: Sized + Send + Sync + 'static {
    /// Reads them from a verified payload, which is one JSON object.
    ///
    /// # Errors
    /// [`TokenError::BadClaim`] if they aren't there as the type wants them.
    fn from_payload(payload: &[u8]) -> Result<Self, TokenError>;
}

impl ExtraClaims for NoExtra {
    fn from_payload(_: &[u8]) -> Result<Self, TokenError> {
        Ok(Self)
    }
}

// `NoExtra` mustn't implement `Deserialize`: the two would overlap.
impl<T: DeserializeOwned + Send + Sync + 'static> ExtraClaims for T {
    fn from_payload(payload: &[u8]) -> Result<Self, TokenError> {
        serde_json::from_slice(payload).map_err(|_| TokenError::BadClaim("extra"))
    }
}

/// What a token says. Having one proves nothing: see [`KeySet::verify`](super::KeySet::verify) and
/// [`validate`](super::validate()).
///
/// ```
/// use hardtack::clock::Timestamp;
/// use hardtack::jwt::{Claims, TokenKind};
///
/// let claims = Claims::new("alice", "id-1", TokenKind::Access, Timestamp::from_unix_seconds(100));
/// let json = claims.to_json(&serde_json::Map::new())?;
/// assert_eq!(json, br#"{"fresh":false,"iat":100,"jti":"id-1","type":"access","sub":"alice"}"#);
/// # Ok::<(), hardtack::jwt::ClaimError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims<T = NoExtra> {
    /// `sub`: who the token is about. Never empty.
    pub subject: String,
    /// `iat`: when the token was made.
    pub issued_at: Timestamp,
    /// `nbf`: from when it is valid.
    pub not_before: Option<Timestamp>,
    /// `exp`: from when it is dead. `None` is never, which [`validate`](super::validate()) refuses unless told.
    pub expires_at: Option<Timestamp>,
    /// `jti`: the token's own id. Never empty.
    pub token_id: String,
    /// `type`.
    pub kind: TokenKind,
    /// `fresh`.
    pub fresh: Fresh,
    /// `csrf`: what a form must send along. Never empty.
    pub csrf: Option<String>,
    /// `sid`: the session, 32 lower-case hexadecimal digits in the token.
    pub session: Option<u128>,
    /// `gen`: how often the session's refresh token has been rotated.
    pub generation: Option<u64>,
    /// `auth_time`: when the user last proved who they are (OpenID Connect Core §2).
    pub auth_time: Option<Timestamp>,
    /// `iss`: who made the token.
    pub issuer: Option<String>,
    /// `aud`: whom it is for, a string or an array of strings in the token. Empty if absent.
    pub audience: Vec<String>,
    /// The application's own claims.
    pub extra: T,
}

/// Without the CSRF value and the application's claims.
impl<T> fmt::Debug for Claims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .field("fresh", &self.fresh)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Claims<NoExtra> {
    /// A token that is about `subject`, made at `now`: not fresh, and without any optional claim, `exp`
    /// included. Set the fields that it needs.
    pub fn new(subject: impl Into<String>, token_id: impl Into<String>, kind: TokenKind, now: Timestamp) -> Self {
        Self {
            subject: subject.into(),
            issued_at: now,
            not_before: None,
            expires_at: None,
            token_id: token_id.into(),
            kind,
            fresh: Fresh::No,
            csrf: None,
            session: None,
            generation: None,
            auth_time: None,
            issuer: None,
            audience: Vec::new(),
            extra: NoExtra,
        }
    }

    /// Whether the library sets a claim of this name itself.
    pub fn is_reserved(name: &str) -> bool {
        RESERVED.contains(&name)
    }

    /// Whether a claim of this name can say whose token it is.
    pub(crate) fn can_identify(name: &str) -> bool {
        name == "sub" || (!name.is_empty() && !Self::is_reserved(name))
    }

    /// Reads a payload: one JSON object, no member twice, each known claim of its type.
    ///
    /// `sub`, `iat`, `jti` and `type` are required. Times are numbers of seconds from 0 to the end of the
    /// year 9999; fractions are cut off (RFC 7519 §2).
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`DuplicateMember`](TokenError::DuplicateMember),
    /// [`BadClaim`](TokenError::BadClaim), [`MissingClaim`](TokenError::MissingClaim), and
    /// [`WrongKind`](TokenError::WrongKind) for a `type` that is neither `access` nor `refresh`.
    pub fn from_json(payload: &[u8]) -> Result<Self, TokenError> {
        let plain = std::str::from_utf8(payload).ok().and_then(|text| plain::read(text)?.to_claims(text).into());
        plain.map_or_else(|| Self::from_json_strictly(payload), Ok)
    }

    /// The same by the strict reader alone, which takes every spelling and refuses what isn't right.
    pub(crate) fn from_json_strictly(payload: &[u8]) -> Result<Self, TokenError> {
        let mut found = Found::default();
        json::read_object(payload, |name, value| found.read(name, value))?;
        let missing = TokenError::MissingClaim;
        Ok(Self {
            subject: found.subject.ok_or(missing("sub"))?,
            issued_at: found.issued_at.ok_or(missing("iat"))?,
            not_before: found.not_before,
            expires_at: found.expires_at,
            token_id: found.token_id.ok_or(missing("jti"))?,
            kind: found.kind.ok_or(missing("type"))?,
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

    /// Adds the application's own claims, read from the payload that these claims came from.
    ///
    /// ```
    /// use hardtack::jwt::Claims;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Roles {
    ///     roles: Vec<String>,
    /// }
    ///
    /// let payload = br#"{"sub":"alice","iat":1,"jti":"a","type":"access","roles":["admin"]}"#;
    /// let claims = Claims::from_json(payload)?.with_extra::<Roles>(payload)?;
    /// assert_eq!(claims.extra.roles, ["admin"]);
    /// # Ok::<(), hardtack::jwt::TokenError>(())
    /// ```
    ///
    /// # Errors
    /// [`TokenError::BadClaim`] with `extra`.
    pub fn with_extra<T: ExtraClaims>(self, payload: &[u8]) -> Result<Claims<T>, TokenError> {
        Ok(Claims {
            extra: T::from_payload(payload)?,
            subject: self.subject,
            issued_at: self.issued_at,
            not_before: self.not_before,
            expires_at: self.expires_at,
            token_id: self.token_id,
            kind: self.kind,
            fresh: self.fresh,
            csrf: self.csrf,
            session: self.session,
            generation: self.generation,
            auth_time: self.auth_time,
            issuer: self.issuer,
            audience: self.audience,
        })
    }

    /// Writes a payload, members in Flask-JWT-Extended's order, then `extra`.
    ///
    /// # Errors
    /// [`ClaimError::Reserved`] if `extra` has a name that these claims have a field for;
    /// [`ClaimError::Invalid`] for what [`from_json`](Self::from_json) would refuse.
    pub fn to_json(&self, extra: &Map<String, Value>) -> Result<Vec<u8>, ClaimError> {
        if let Some(name) = extra.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(ClaimError::Reserved(name.clone()));
        }
        self.check()?;
        // Only a map whose keys aren't strings could fail.
        self.write(extra).map_err(|_| ClaimError::Invalid("extra"))
    }

    fn check(&self) -> Result<(), ClaimError> {
        let in_range = |time: Timestamp| (0..=MAX_TIME).contains(&time.unix_seconds());
        let fresh_until = match self.fresh {
            Fresh::Until(end) => Some(end),
            Fresh::No | Fresh::Yes => None,
        };
        let times = [
            ("iat", Some(self.issued_at)),
            ("nbf", self.not_before),
            ("exp", self.expires_at),
            ("auth_time", self.auth_time),
            ("fresh", fresh_until),
        ];
        let texts = [("sub", Some(&self.subject)), ("jti", Some(&self.token_id)), ("csrf", self.csrf.as_ref())];
        let bad_time = times.into_iter().find(|(_, time)| time.is_some_and(|time| !in_range(time)));
        let bad_text = texts.into_iter().find(|(_, text)| text.is_some_and(|text| text.is_empty()));
        match bad_time.map(|(name, _)| name).or(bad_text.map(|(name, _)| name)) {
            Some(name) => Err(ClaimError::Invalid(name)),
            None => Ok(()),
        }
    }

    fn write(&self, extra: &Map<String, Value>) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = ObjectWriter::new();
        match self.fresh {
            Fresh::No => json.literal("fresh", "false"),
            Fresh::Yes => json.literal("fresh", "true"),
            Fresh::Until(end) => json.time("fresh", end),
        }
        json.time("iat", self.issued_at);
        json.string("jti", &self.token_id)?;
        json.string("type", self.kind.as_str())?;
        json.string("sub", &self.subject)?;
        if let Some(nbf) = self.not_before {
            json.time("nbf", nbf);
        }
        if let Some(csrf) = &self.csrf {
            json.string("csrf", csrf)?;
        }
        if let Some(exp) = self.expires_at {
            json.time("exp", exp);
        }
        if let Some(session) = self.session {
            json.hexadecimal("sid", session);
        }
        if let Some(generation) = self.generation {
            json.literal("gen", itoa::Buffer::new().format(generation));
        }
        if let Some(time) = self.auth_time {
            json.time("auth_time", time);
        }
        if let Some(issuer) = &self.issuer {
            json.string("iss", issuer)?;
        }
        match self.audience.as_slice() {
            [] => {}
            [one] => json.string("aud", one)?,
            several => json.value("aud", several)?,
        }
        for (name, value) in extra {
            json.value(name, value)?;
        }
        Ok(json.finish())
    }
}

/// The claims that have turned up so far.
#[derive(Default)]
struct Found {
    subject: Option<String>,
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
    fn read(&mut self, name: &str, value: Json<'_>) -> Result<(), TokenError> {
        match name {
            "sub" => self.subject = Some(text("sub", value)?),
            "iat" => self.issued_at = Some(time("iat", &value)?),
            "nbf" => self.not_before = Some(time("nbf", &value)?),
            "exp" => self.expires_at = Some(time("exp", &value)?),
            "jti" => self.token_id = Some(text("jti", value)?),
            "type" => self.kind = Some(kind(value)?),
            "fresh" => self.fresh = Some(fresh(&value)?),
            "csrf" => self.csrf = Some(text("csrf", value)?),
            "sid" => self.session = Some(session(value)?),
            "gen" => self.generation = Some(generation(&value)?),
            "auth_time" => self.auth_time = Some(time("auth_time", &value)?),
            "iss" => self.issuer = Some(value.into_string().ok_or(TokenError::BadClaim("iss"))?.into_owned()),
            "aud" => self.audience = audience(value)?,
            _ => {}
        }
        Ok(())
    }
}

/// A string that isn't empty.
pub(super) fn text(name: &'static str, value: Json<'_>) -> Result<String, TokenError> {
    let text = value.into_string().filter(|text| !text.is_empty());
    Ok(text.ok_or(TokenError::BadClaim(name))?.into_owned())
}

/// A NumericDate (RFC 7519 §2).
pub(super) fn time(name: &'static str, value: &Json<'_>) -> Result<Timestamp, TokenError> {
    let seconds = match value {
        Json::Unsigned(seconds) => i64::try_from(*seconds).ok(),
        // In this range a float holds whole seconds exactly; NaN is in no range.
        Json::Float(seconds) if (0.0..=MAX_TIME as f64).contains(seconds) => Some(*seconds as i64),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| *seconds <= MAX_TIME);
    seconds.map(Timestamp::from_unix_seconds).ok_or(TokenError::BadClaim(name))
}

pub(super) fn kind(value: Json<'_>) -> Result<TokenKind, TokenError> {
    match &*value.into_string().ok_or(TokenError::BadClaim("type"))? {
        "access" => Ok(TokenKind::Access),
        "refresh" => Ok(TokenKind::Refresh),
        _ => Err(TokenError::WrongKind),
    }
}

pub(super) fn fresh(value: &Json<'_>) -> Result<Fresh, TokenError> {
    match value {
        Json::Bool(false) => Ok(Fresh::No),
        Json::Bool(true) => Ok(Fresh::Yes),
        other => time("fresh", other).map(Fresh::Until),
    }
}

/// One session has one spelling: 32 digits, lower case.
pub(super) fn session(value: Json<'_>) -> Result<u128, TokenError> {
    let bad = TokenError::BadClaim("sid");
    let digits = value.into_string().ok_or(bad)?;
    let canonical = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(bad);
    }
    u128::from_str_radix(&digits, 16).map_err(|_| bad)
}

pub(super) fn generation(value: &Json<'_>) -> Result<u64, TokenError> {
    match value {
        Json::Unsigned(generation) => Ok(*generation),
        _ => Err(TokenError::BadClaim("gen")),
    }
}

pub(super) fn audience(value: Json<'_>) -> Result<Vec<String>, TokenError> {
    let names = match value {
        Json::String(name) => Some(vec![name.into_owned()]),
        // An empty array is for nobody; read as "absent", it would be for everybody.
        Json::Array(items) if !items.is_empty() => {
            items.into_iter().map(|item| item.into_string().map(|name| name.into_owned())).collect()
        }
        _ => None,
    };
    names.ok_or(TokenError::BadClaim("aud"))
}

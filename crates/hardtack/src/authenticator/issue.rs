//! Issuing tokens.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::extra_claims::ClaimMap;
use super::{Authenticator, SessionError};
use crate::config::{Lifetime, Settings};
use crate::jwt::{ClaimError, Claims, Fresh, KeySet, TokenKind};

use crate::token::{IssueError, Reading, VerifiedToken};

/// Builds a token that belongs to no session.
///
/// Flask-JWT-Extended's counterparts are `create_access_token` and `create_refresh_token`. If a method corresponds to
/// an argument of one of these functions, the method's description names the argument in parentheses.
///
/// ```
/// # use hardtack::{Authenticator, KeySet, SigningKey};
/// # use hardtack::jwt::Algorithm;
/// # use std::time::Duration;
/// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// # let auth = Authenticator::builder(keys).build()?;
/// let token = auth
///     .access_token("alice")
///     .fresh_for(Duration::from_secs(300))
///     .lifetime(Duration::from_secs(60))
///     .claim("role", "editor")
///     .issue()?;
/// let cookies = auth.set_access_cookies(&token)?;
/// # assert_eq!(cookies.iter().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until issue() is called"]
pub struct TokenBuilder<'a> {
    authenticator: &'a Authenticator,
    claims: Claims,
    identity: Option<Value>,
    lifetime: Lifetime,
    extra: ClaimMap,
    header: Map<String, Value>,
    /// The claims and header members that the callbacks add.
    added: Added,
}

/// What the callbacks add to a token, and whether they have been called yet.
enum Added {
    /// The callbacks add nothing.
    Nothing,
    /// The callbacks `additional_claims` and `additional_headers` will be called when the token is issued.
    Asked,
    /// The callback `additional_claims` has already returned these claims. The callback `additional_headers` will be
    /// called when the token is issued.
    Claims(Map<String, Value>),
}

impl<'a> TokenBuilder<'a> {
    fn new(authenticator: &'a Authenticator, subject: impl Into<String>, kind: TokenKind, lifetime: Lifetime) -> Self {
        let (settings, flask) = (authenticator.settings(), authenticator.settings().flask);
        let id = if flask { uuid4() } else { format!("{:032x}", rand::random::<u128>()) };
        let mut claims = Claims::new(subject, id, kind, authenticator.now());
        claims.csrf = match flask {
            false => Some(base64_simd::URL_SAFE_NO_PAD.encode_to_string(rand::random::<[u8; 16]>())),
            true => settings.csrf.protect.then(uuid4),
        };
        claims.issuer = settings.claims.encode_issuer.clone();
        claims.audience = settings.claims.encode_audience.clone();
        Self { added: Added::Asked, ..Self::without_callbacks(authenticator, claims, lifetime, Map::new()) }
    }

    /// Sets a subject that is not a string, such as a number or an object. This requires
    /// [`ClaimsPolicy::insecure_any_identity`](crate::config::ClaimsPolicy::insecure_any_identity).
    pub fn identity(mut self, identity: impl Into<Value>) -> Self {
        let identity = identity.into();
        self.claims.subject = identity.as_str().map_or_else(|| identity.to_string(), str::to_owned);
        self.identity = Some(identity);
        self
    }

    /// Makes the token fresh for the configured [fresh lifetime](crate::AuthenticatorBuilder::fresh_lifetime). Call
    /// this method if the user has just typed the password (`fresh=True`).
    pub fn fresh(mut self) -> Self {
        self.claims.fresh = Fresh::Yes;
        self
    }

    /// Makes the token fresh for `span` instead of the configured fresh lifetime (`fresh=timedelta(…)`).
    pub fn fresh_for(mut self, span: Duration) -> Self {
        self.claims.fresh = Fresh::Until(self.claims.issued_at + span);
        self
    }

    /// Overrides the lifetime from the settings (`expires_delta`).
    pub fn lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.lifetime = lifetime.into();
        self
    }

    /// Adds a claim (`additional_claims`).
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.set(name.into(), value.into());
        self
    }

    /// Adds claims from a value that serializes to a JSON object.
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.extra.set_all(claims);
        self
    }

    /// Adds a header member (`additional_headers`).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Overrides the audience from the settings.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.claims.audience = vec![audience.into()];
        self
    }

    /// Builds a token without the claims and header members that the callbacks return. A session's refresh token is
    /// built this way.
    pub(super) fn without_callbacks(
        authenticator: &'a Authenticator,
        claims: Claims,
        lifetime: Lifetime,
        extra: Map<String, Value>,
    ) -> Self {
        let (extra, header) = (extra.into(), Map::new());
        Self { authenticator, claims, identity: None, lifetime, extra, header, added: Added::Nothing }
    }

    /// Sets the claims that the callback `additional_claims` returned.
    pub(super) fn with_added(mut self, added: Map<String, Value>) -> Self {
        self.added = Added::Claims(added);
        self
    }

    /// Waits for the callback [`additional_claims`](crate::AuthenticatorBuilder::additional_claims), then signs the
    /// token. Call this method instead of [`issue`](Self::issue) if the callback waits for something, such as a
    /// database query.
    ///
    /// # Errors
    /// The same errors as [`issue`](Self::issue).
    pub async fn issue_async(self) -> Result<IssuedToken, SessionError> {
        let callbacks = &self.authenticator.0.callbacks;
        let added = callbacks.claims_for(&self.claims.subject, self.claims.kind).await?;
        Ok(self.with_added(added).issue()?)
    }

    /// Signs the token.
    ///
    /// # Errors
    /// - A claim or header member has a reserved name or an invalid value, or the claims are not a JSON object.
    /// - The token is longer than 8 KiB, or its header is longer than 2 KiB.
    /// - The key set can verify tokens but not sign them, or the signing key's id is longer than 256 bytes.
    /// - The cryptographic library failed.
    /// - The callback [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) failed, or it did not
    ///   return at once because it has to wait for something. For a callback that waits, call
    ///   [`issue_async`](Self::issue_async) instead.
    pub fn issue(mut self) -> Result<IssuedToken, IssueError> {
        let settings = self.authenticator.settings();
        self.claims.not_before = settings.claims.encode_nbf.then_some(self.claims.issued_at);
        self.claims.expires_at = self.lifetime.duration().map(|span| self.claims.issued_at + span);
        if let Some(realm) = &settings.realm
            && !self.claims.audience.contains(realm)
        {
            self.claims.audience.push(realm.clone());
        }
        let mut extra = self.extra.into_map()?;
        let (callbacks, subject, kind) = (&self.authenticator.0.callbacks, &self.claims.subject, self.claims.kind);
        let added = match self.added {
            Added::Nothing => None,
            Added::Asked => Some(callbacks.claims_at_once(subject, kind)?),
            Added::Claims(added) => Some(added),
        };
        if let Some(added) = added {
            extra = merged(added, extra);
            self.header = merged(callbacks.headers_for(subject, kind), self.header);
        }
        let plain = self.identity.is_none() && settings.claims.identity_claim == "sub" && !settings.flask;
        let payload = if plain {
            self.claims.to_json(&extra)?
        } else {
            let payload = named(&self.claims, self.identity, extra, settings)?;
            // With `flask_compatible`, additional claims might have replaced other claims, so read the claims from the
            // payload.
            self.claims = settings.claims_profile().read(&payload).unwrap_or(self.claims);
            payload
        };
        let own = self.authenticator.0.callbacks.signing_key_for(&self.claims.subject);
        if let Some(key) = own.as_ref().filter(|key| !key.is_deterministic())
            && self.claims.kind == TokenKind::Refresh
            && self.claims.session.is_some()
            && self.authenticator.store().is_some()
        {
            return Err(IssueError::RandomizedKey(key.algorithm().as_str()));
        }
        let keys = own.map_or_else(|| self.authenticator.keys(), KeySet::new);
        let text =
            if self.header.is_empty() { keys.sign(&payload)? } else { keys.sign_with_header(&self.header, &payload)? };
        Ok(IssuedToken { text, claims: self.claims, payload, reading: settings.reading() })
    }
}

/// Merges two sets of claims or header members. `general` was returned by a callback, and `given` was set for this
/// token. If both sets contain the same name, the value in `given` is used.
fn merged(mut general: Map<String, Value>, given: Map<String, Value>) -> Map<String, Value> {
    general.extend(given);
    general
}

/// Returns the payload of a token whose claims cannot be serialized in the usual way. There are three cases: the
/// subject was set with [`TokenBuilder::identity`], the subject is not stored in `sub`, or `flask_compatible` was
/// called. In the last case, additional claims can replace any other claim.
fn named(
    claims: &Claims,
    identity: Option<Value>,
    extra: Map<String, Value>,
    settings: &Settings,
) -> Result<Vec<u8>, ClaimError> {
    let name = &settings.claims.identity_claim;
    let json = claims.to_json(&Map::new())?;
    let mut members: Map<String, Value> = serde_json::from_slice(&json).map_err(|_| ClaimError::Invalid("extra"))?;
    let subject = members.remove("sub").unwrap_or_default();
    let identity = identity.unwrap_or(subject);
    if !settings.flask {
        if settings.claims.verify_sub && !identity.is_string() {
            return Err(ClaimError::Invalid("sub"));
        }
        if let Some(reserved) = extra.keys().find(|given| Claims::is_reserved(given) || *given == name) {
            return Err(ClaimError::Reserved(reserved.clone()));
        }
    }
    members.insert(name.clone(), identity);
    members.extend(extra);
    serde_json::to_vec(&members).map_err(|_| ClaimError::Invalid("extra"))
}

/// Returns a random UUID (RFC 9562 section 5.4), formatted like Python's `str(uuid.uuid4())`.
fn uuid4() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A signed token, and its claims.
#[derive(Clone)]
pub struct IssuedToken {
    pub(super) text: String,
    pub(super) claims: Claims,
    payload: Vec<u8>,
    reading: Reading,
}

impl IssuedToken {
    /// Returns the token in compact serialization. The token is a credential, so do not log it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn into_verified(self) -> VerifiedToken {
        VerifiedToken::new(self.claims, self.payload, self.reading)
    }
}

/// Omits the token, which is a credential.
impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("kind", &self.claims.kind).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Starts building an access token that belongs to no session.
    ///
    /// In Flask-JWT-Extended: `create_access_token`.
    pub fn access_token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject, TokenKind::Access, self.settings().access_lifetime)
    }

    /// Starts building a refresh token that belongs to no session.
    ///
    /// If the authenticator has a session store, it refuses refresh tokens without a session. In this case, use
    /// [`Self::log_in`] instead.
    ///
    /// In Flask-JWT-Extended: `create_refresh_token`.
    pub fn refresh_token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject, TokenKind::Refresh, self.settings().refresh_lifetime)
    }
}

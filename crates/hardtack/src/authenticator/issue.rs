//! Tokens made, and the cookies that carry them.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Authenticator;
use super::given_claims::GivenClaims;
use super::inspect::VerifiedToken;
use crate::clock::Timestamp;
use crate::config::Lifetime;
use crate::cookie::{CookieTooLarge, SetCookies};
use crate::jwt::{ClaimError, Claims, Fresh, SignError, TokenKind};

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A claim that is reserved or unfit.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A cookie that browsers would drop.
    #[error(transparent)]
    Cookie(#[from] CookieTooLarge),
    /// Claims that are no JSON object.
    #[error("further claims must serialise to a JSON object, such as a struct; this gave something else")]
    NotAnObject,
}

/// A token in the making: `create_access_token` and `create_refresh_token`.
///
/// ```
/// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
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
#[must_use = "a token is made by issue()"]
pub struct TokenBuilder<'a> {
    engine: &'a Authenticator,
    claims: Claims,
    lifetime: Lifetime,
    extra: GivenClaims,
    header: Map<String, Value>,
}

impl<'a> TokenBuilder<'a> {
    fn new(engine: &'a Authenticator, subject: impl Into<String>, kind: TokenKind, lifetime: Lifetime) -> Self {
        let id = format!("{:032x}", rand::random::<u128>());
        let mut claims = Claims::new(subject, id, kind, engine.now());
        claims.csrf = Some(base64_simd::URL_SAFE_NO_PAD.encode_to_string(rand::random::<[u8; 16]>()));
        claims.issuer = engine.settings().issuer.clone();
        claims.audience = engine.settings().audience.clone();
        Self { engine, claims, lifetime, extra: GivenClaims::default(), header: Map::new() }
    }

    /// Fresh as long as it lives: the password was just typed (`fresh=True`).
    pub fn fresh(mut self) -> Self {
        self.claims.fresh = Fresh::Yes;
        self
    }

    /// Fresh for a while (`fresh=timedelta(…)`).
    pub fn fresh_for(mut self, span: Duration) -> Self {
        self.claims.fresh = Fresh::Until(self.claims.issued_at + span);
        self
    }

    /// Another lifetime than the configured one (`expires_delta`).
    pub fn lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.lifetime = lifetime.into();
        self
    }

    /// A further claim (`additional_claims`).
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.set(name.into(), value.into());
        self
    }

    /// Further claims from a value that serialises to a JSON object.
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.extra.set_all(claims);
        self
    }

    /// A further header member (`additional_headers`).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Another audience than the configured one.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.claims.audience = vec![audience.into()];
        self
    }

    pub(super) fn from_claims(
        engine: &'a Authenticator,
        claims: Claims,
        lifetime: Lifetime,
        extra: Map<String, Value>,
    ) -> Self {
        Self { engine, claims, lifetime, extra: extra.into(), header: Map::new() }
    }

    /// Signs it.
    ///
    /// # Errors
    /// A reserved claim or header member, claims that are no object, a token over 8 KiB.
    pub fn issue(mut self) -> Result<IssuedToken, IssueError> {
        self.claims.not_before = Some(self.claims.issued_at);
        self.claims.expires_at = self.lifetime.duration().map(|span| self.claims.issued_at + span);
        let payload = self.claims.to_json(&self.extra.into_map()?)?;
        let text = if self.header.is_empty() {
            self.engine.keys().sign(&payload)?
        } else {
            self.engine.keys().sign_with_header(&self.header, &payload)?
        };
        Ok(IssuedToken { text, claims: self.claims, payload })
    }
}

/// A signed token.
#[derive(Clone)]
pub struct IssuedToken {
    text: String,
    claims: Claims,
    payload: Vec<u8>,
}

impl IssuedToken {
    /// The compact serialisation: a credential.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn into_verified(self) -> VerifiedToken {
        VerifiedToken::new(self.claims, self.payload)
    }
}

/// Without the token itself.
impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("kind", &self.claims.kind).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Starts an access token outside of any session (`create_access_token`).
    pub fn access_token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject, TokenKind::Access, self.settings().access_lifetime)
    }

    /// Starts a refresh token outside of any session (`create_refresh_token`). With a session store,
    /// [`Self::log_in`] is the way: a refresh token without a session is refused there.
    pub fn refresh_token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject, TokenKind::Refresh, self.settings().refresh_lifetime)
    }

    /// The access cookie and its CSRF cookie (`set_access_cookies`).
    ///
    /// # Errors
    /// A cookie over 4096 bytes.
    pub fn set_access_cookies(&self, token: &IssuedToken) -> Result<SetCookies, IssueError> {
        // The cookie outlives its token by as much as a refresh could, so that the server sees an
        // expired token rather than none.
        let refresh = self.settings().refresh_lifetime.duration();
        let until = token.claims.expires_at.zip(refresh).map(|(end, span)| end.max(token.claims.issued_at + span));
        self.access_cookies(token, until, !self.cookies().session_cookies)
    }

    /// The refresh cookie and its CSRF cookie (`set_refresh_cookies`).
    ///
    /// # Errors
    /// A cookie over 4096 bytes.
    pub fn set_refresh_cookies(&self, token: &IssuedToken) -> Result<SetCookies, IssueError> {
        self.refresh_cookies(token, !self.cookies().session_cookies)
    }

    pub(super) fn refresh_cookies(&self, token: &IssuedToken, persistent: bool) -> Result<SetCookies, IssueError> {
        let policy = self.cookies();
        let mut cookies = SetCookies::default();
        let age = persistent.then(|| max_age(token, token.claims.expires_at));
        policy.set(&policy.refresh, &token.text, age, &mut cookies)?;
        if let (true, Some(csrf)) = (policy.csrf_cookies, &token.claims.csrf) {
            policy.set(&policy.csrf_refresh, csrf, age, &mut cookies)?;
        }
        Ok(cookies)
    }

    pub(super) fn access_cookies(
        &self,
        token: &IssuedToken,
        until: Option<Timestamp>,
        persistent: bool,
    ) -> Result<SetCookies, IssueError> {
        let policy = self.cookies();
        let mut cookies = SetCookies::default();
        let age = persistent.then(|| max_age(token, until));
        policy.set(&policy.access, &token.text, age, &mut cookies)?;
        if let (true, Some(csrf)) = (policy.csrf_cookies, &token.claims.csrf) {
            policy.set(&policy.csrf_access, csrf, age, &mut cookies)?;
        }
        Ok(cookies)
    }

    /// Deletes both tokens' cookies (`unset_jwt_cookies`).
    pub fn unset_jwt_cookies(&self) -> SetCookies {
        let mut cookies = self.unset_access_cookies();
        cookies.extend(self.unset_refresh_cookies());
        cookies
    }

    /// Deletes the access cookie and its CSRF cookie (`unset_access_cookies`).
    pub fn unset_access_cookies(&self) -> SetCookies {
        let (policy, mut cookies) = (self.cookies(), SetCookies::default());
        policy.delete(&policy.access, &mut cookies);
        if policy.csrf_cookies {
            policy.delete(&policy.csrf_access, &mut cookies);
        }
        cookies
    }

    /// Deletes the refresh cookie and its CSRF cookie (`unset_refresh_cookies`).
    pub fn unset_refresh_cookies(&self) -> SetCookies {
        let (policy, mut cookies) = (self.cookies(), SetCookies::default());
        policy.delete(&policy.refresh, &mut cookies);
        if policy.csrf_cookies {
            policy.delete(&policy.csrf_refresh, &mut cookies);
        }
        cookies
    }
}

/// A persistent cookie's age. Counted from the token's making and not from now: the same token gives the
/// same cookie.
fn max_age(token: &IssuedToken, until: Option<Timestamp>) -> Duration {
    /// What stands for "never": the 400 days that browsers cap Max-Age at (RFC 6265bis §5.5).
    const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);
    until.map_or(LONGEST, |until| until.since(token.claims.issued_at).min(LONGEST))
}

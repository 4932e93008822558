//! A session's tokens and cookies, computed from the session's row.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Refreshed;
use crate::authenticator::{
    Authenticator, SessionError,
    issue::{IssuedToken, TokenBuilder},
};
use crate::clock::Timestamp;
use crate::config::{Lifetime, RefreshMode};
use crate::jwt::{Claims, Fresh, TokenKind};
use crate::session::Session;
use crate::token::{IssueError, VerifiedToken};

/// The claim that records whether the cookies outlive the browser. Without a store, all tokens of a session have this
/// claim if the log-in set [`LogIn::remember`](crate::LogIn::remember). With a store, only refresh tokens can have this
/// claim. A refresh token has it if the user chose to stay logged in and the session policy gives such sessions a
/// longer idle time.
pub(super) const PERSISTENT: &str = "persistent_cookies";

/// The claims that the callback `additional_claims` adds to an access token.
pub(super) type AddedClaims = Map<String, Value>;

impl Authenticator {
    /// Returns how long a refresh token's session may stay idle before it expires.
    pub(super) fn idle_of(&self, refresh: &VerifiedToken) -> Duration {
        let rules = &self.0.rules;
        let extra = if rules.favours_remembered() { own_claims(refresh) } else { Map::new() };
        rules.idle(extra.get(PERSISTENT).and_then(Value::as_bool).unwrap_or(false))
    }

    /// For a session without a row, returns whether the cookies outlive the browser. `extra` contains the claims of the
    /// session's tokens.
    pub(super) fn are_persistent(&self, extra: &Map<String, Value>) -> bool {
        extra.get(PERSISTENT).and_then(Value::as_bool).unwrap_or(!self.cookies().session_cookies)
    }

    /// Returns the claims that the callback `additional_claims` adds to the access tokens of a subject.
    pub(super) async fn added_claims(&self, subject: &str) -> Result<AddedClaims, SessionError> {
        self.0.callbacks.claims_for(subject, TokenKind::Access).await
    }

    /// Issues the tokens and cookies for the current state of a session's row. `added` contains the claims that the
    /// callback `additional_claims` adds.
    pub(super) fn session_cookies(
        &self,
        session: &Session,
        added: AddedClaims,
        fresh: Fresh,
        now: Timestamp,
    ) -> Result<Refreshed, IssueError> {
        // Only a re-authentication can rotate a bound session without a proof.
        self.proven_cookies(session, added, fresh, Some(session.rotated_at), now)
    }

    /// Does the same as [`Self::session_cookies`], but the caller supplies `proven_at`: when the client of a bound
    /// session last proved that it has its device's key. If `proven_at` is `None`, the time of the binding is used
    /// instead.
    pub(super) fn proven_cookies(
        &self,
        session: &Session,
        added: AddedClaims,
        fresh: Fresh,
        proven_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Refreshed, IssueError> {
        let proven_at = session.bound_at.map(|bound_at| proven_at.unwrap_or(bound_at));
        let access = self.session_access(session, added, fresh, proven_at, now)?;
        let mut cookies = match session.bound_key {
            None => self.access_cookies(&access, Some(session.expires_at), session.persistent)?,
            Some(_) => self.bound_access_cookies(&access, session, now)?,
        };
        if self.settings().refresh != RefreshMode::Sliding {
            cookies.extend(self.refresh_cookies(&self.session_refresh(session)?, session.persistent)?);
        }
        Ok(Refreshed { access: access.into_verified(), cookies })
    }

    /// Issues an access token for a session. Its `iat` is the time of the session's last rotation, so concurrent
    /// requests get tokens with the same claims. If more than half of the token's lifetime has passed since the
    /// rotation, `iat` is the current time instead. This happens, for example, if the response to a refresh was lost
    /// and the client repeats the request several minutes later.
    fn session_access(
        &self,
        session: &Session,
        added: AddedClaims,
        fresh: Fresh,
        proven_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<IssuedToken, IssueError> {
        let lifetime = self.settings().access_lifetime;
        let young = lifetime.duration().is_none_or(|span| now.since(session.rotated_at) <= span / 2);
        let issued_at = if young { session.rotated_at } else { now };
        let purpose = if fresh == Fresh::No { "access" } else { "fresh access" };
        let mut claims =
            self.session_claims(session, TokenKind::Access, session.token_id(purpose, issued_at), issued_at);
        claims.fresh = fresh;
        claims.generation = Some(session.generation);
        claims.proven_at = proven_at;
        let extra = given_claims(session);
        // An access token must not outlive its session.
        let remaining = session.expires_at.since(issued_at);
        let lifetime = match lifetime {
            Lifetime::For(span) => {
                let most = span * u32::from(self.settings().sessions.access_jitter) / 100;
                Lifetime::For((span - session.jitter(issued_at, most)).min(remaining))
            }
            forever @ Lifetime::InsecureForever => forever,
        };
        TokenBuilder::without_callbacks(self, claims, lifetime, extra).with_added(added).issue()
    }

    /// Issues a session's refresh token. The token is a pure function of the session's row and the key, so computing it
    /// again gives the same bytes.
    fn session_refresh(&self, session: &Session) -> Result<IssuedToken, IssueError> {
        let at = session.rotated_at;
        let mut claims = self.session_claims(session, TokenKind::Refresh, session.token_id("refresh", at), at);
        claims.generation = Some(session.generation);
        // A stored session keeps its claims in its row. Without a store, they must be in the token.
        let mut extra = match (&session.claims, self.store()) {
            (Some(text), None) => serde_json::from_str(text).unwrap_or_default(),
            _ => Map::new(),
        };
        if session.persistent && self.0.rules.favours_remembered() {
            // A rotation computes the session's new expiry time before it reads the row. The user's choice to stay
            // logged in must therefore be in the token.
            extra.insert(PERSISTENT.into(), true.into());
        }
        let lifetime = match self.settings().refresh_lifetime {
            Lifetime::For(_) => Lifetime::For(session.expires_at.since(at)),
            forever @ Lifetime::InsecureForever => forever,
        };
        TokenBuilder::without_callbacks(self, claims, lifetime, extra).issue()
    }

    /// Returns the payload that an access token would have if it were issued now for the session of `token`. Only the
    /// application's claims are current: the reserved claims and the identity claim are copied from `token`. With a
    /// store, returns `None` if the session is no longer live.
    pub(crate) async fn next_payload(&self, token: &VerifiedToken) -> Result<Option<Vec<u8>>, SessionError> {
        let row = match (self.store(), token.session()) {
            (Some(store), Some(id)) => match store.find(id).await? {
                Some(row) if row.is_live(self.now()) => Some(row),
                _ => return Ok(None),
            },
            (Some(_), None) => return Ok(None),
            (None, _) => None,
        };
        let added = self.added_claims(token.subject()).await?;
        let given = row.map_or_else(|| self.carried_claims(token, &added), |row| given_claims(&row));
        let mut members: Map<String, Value> = serde_json::from_slice(token.payload()).unwrap_or_default();
        let identity = &self.settings().claims.identity_claim;
        members.retain(|name, _| Claims::is_reserved(name) || name == identity);
        members.extend(added);
        members.extend(given);
        Ok(serde_json::to_vec(&members).ok())
    }

    pub(super) fn session_claims(
        &self,
        session: &Session,
        kind: TokenKind,
        id: String,
        issued_at: Timestamp,
    ) -> Claims {
        let mut claims = Claims::new(session.subject.clone(), id, kind, issued_at);
        claims.csrf = Some(session.csrf());
        claims.session = Some(session.id.as_u128());
        claims.auth_time = Some(session.auth_time);
        claims.issuer = self.settings().claims.encode_issuer.clone();
        claims.audience = self.settings().claims.encode_audience.clone();
        claims
    }

    /// Returns the claims that carry over to the next token: those that were set when the user logged in. An access
    /// token also contains the claims that the callback added (`added`). These are left out, because the callback is
    /// called again for the next token. A refresh token contains no such claims.
    pub(super) fn carried_claims(&self, token: &VerifiedToken, added: &AddedClaims) -> Map<String, Value> {
        let mut claims = own_claims(token);
        let identity = &self.settings().claims.identity_claim;
        claims.retain(|name, _| name != identity && (token.kind() == TokenKind::Refresh || !added.contains_key(name)));
        claims
    }
}

/// Returns a token's claims, except for the reserved ones.
fn own_claims(token: &VerifiedToken) -> Map<String, Value> {
    let mut claims: Map<String, Value> = serde_json::from_slice(token.payload()).unwrap_or_default();
    claims.retain(|name, _| !Claims::is_reserved(name));
    claims
}

/// Returns the claims that the application set for a session, either when the user logged in or later.
fn given_claims(session: &Session) -> Map<String, Value> {
    session.claims.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

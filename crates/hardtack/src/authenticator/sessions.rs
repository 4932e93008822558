//! Sessions begun, refreshed and ended: where the engine meets its store.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value};

use super::cookies::CookieOptions;
use super::issue::{IssueError, IssuedToken, TokenBuilder};
use super::log_in::{Freshness, LogIn};
use super::{Authenticator, VerifiedToken};
use crate::clock::Timestamp;
use crate::config::{Lifetime, RefreshMode};
use crate::cookie::SetCookies;
use crate::failure::{Reason, RefreshFlaw};
use crate::jwt::{Claims, Fresh, TokenKind};
use crate::session::{Ends, Judgement, Rotation, Session, SessionId, StoreError};

/// How often a lost compare-and-swap is tried again before the store is called broken.
const ATTEMPTS: usize = 8;

/// How many entries of the log are read at once.
const LOG_PAGE: u32 = 1000;

/// A session operation that failed outside of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tokens.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<SessionError> for Reason {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => Self::Store(error),
            SessionError::Issue(error) => Self::Issue(error),
        }
    }
}

/// A refreshed session: its new access token, and the cookies that carry everything new.
pub(crate) struct Refreshed {
    pub(crate) access: VerifiedToken,
    pub(crate) cookies: SetCookies,
}

impl Authenticator {
    /// Logs a user in and answers the cookies of the new session. Inside a request, the adapter's
    /// `Auth::log_in` is better: it also checks where the request came from and ends the browser's
    /// previous session.
    ///
    /// # Errors
    /// The store failed, or the claims don't fit into tokens and cookies.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, SessionError> {
        self.begin(log_in.into(), &[]).await
    }

    pub(crate) async fn begin(&self, log_in: LogIn, replaced: &[SessionId]) -> Result<SetCookies, SessionError> {
        let now = self.now();
        let extra = log_in.extra.into_map()?;
        let session = Session {
            claims: (!extra.is_empty()).then(|| Value::Object(extra).to_string()),
            user_agent: log_in.user_agent,
            address: log_in.address,
            ..Session::begin(log_in.subject, now, &self.0.rules)
        };
        // Issued before anything is stored: claims that don't fit must not leave a session behind.
        let cookies = self.session_cookies(&session, log_in.freshness.at(now), now)?.cookies;
        self.insert(&session, Ends::These(replaced), replaced, now).await?;
        tracing::info!(event = "login", subject = %session.subject, session = %session.id);
        Ok(cookies)
    }

    /// Starts a new session in place of all others of `previous`'s user, and keeps its CSRF value so
    /// that forms in other tabs still post. For a changed password: what was copied before is dead
    /// when this returns, within the same second too.
    pub(crate) async fn renew(&self, previous: &VerifiedToken) -> Result<SetCookies, Reason> {
        let now = self.now();
        let mut session = Session::begin(previous.subject(), now, &self.0.rules);
        if let (Some(store), Some(id)) = (self.store(), previous.session()) {
            let row = store.find(id).await?.filter(|row| row.is_live(now)).ok_or(Reason::Revoked)?;
            session = Session {
                salt: row.salt,
                created_at: row.created_at,
                claims: row.claims,
                user_agent: row.user_agent,
                address: row.address,
                ..session
            };
        } else {
            session.claims = Some(Value::Object(self.carried_claims(previous)).to_string());
        }
        let cookies = self.session_cookies(&session, Fresh::Yes, now).map_err(Reason::Issue)?.cookies;
        let replaced = previous.session();
        let ended = self.insert(&session, Ends::AllOf(&session.subject), replaced.as_slice(), now).await?;
        if let Some(id) = replaced {
            // Someone ended the old session after it was read: the new one must not outlive that.
            if self.store().is_some() && !ended.contains(&id) {
                self.end(Ends::These(&[session.id]), now).await?;
                return Err(Reason::Revoked);
            }
        }
        tracing::info!(event = "renewed", subject = %session.subject, session = %session.id);
        Ok(cookies)
    }

    /// Stores a session and ends others with it; `replaced` are those of the browser that gets it.
    async fn insert(
        &self,
        session: &Session,
        ends: Ends<'_>,
        replaced: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ended = match self.store() {
            Some(store) => store.create(session, ends).await?,
            None => replaced.to_vec(),
        };
        for id in replaced {
            self.revocations().replace(*id, now + self.token_memory(), now);
        }
        for id in &ended {
            self.end_locally(*id, now);
        }
        Ok(ended)
    }

    /// The tokens and cookies of a session as its row stands.
    fn session_cookies(&self, session: &Session, fresh: Fresh, now: Timestamp) -> Result<Refreshed, IssueError> {
        let access = self.session_access(session, fresh, now)?;
        let mut cookies = self.access_cookies(&access, Some(session.expires_at), &CookieOptions::default())?;
        if self.settings().refresh != RefreshMode::Sliding {
            cookies.extend(self.set_refresh_cookies(&self.session_refresh(session)?)?);
        }
        Ok(Refreshed { access: access.into_verified(), cookies })
    }

    /// The access token of a session. Made as of the rotation while that leaves it half of its life,
    /// so that all who race for it get the same bytes; as of now when a lost response is repeated late.
    fn session_access(&self, session: &Session, fresh: Fresh, now: Timestamp) -> Result<IssuedToken, IssueError> {
        let lifetime = self.settings().access_lifetime;
        let young = lifetime.duration().is_none_or(|span| now.since(session.rotated_at) <= span / 2);
        let issued_at = if young { session.rotated_at } else { now };
        let purpose = if fresh == Fresh::No { "access" } else { "fresh access" };
        let mut claims =
            self.session_claims(session, TokenKind::Access, session.token_id(purpose, issued_at), issued_at);
        claims.fresh = fresh;
        claims.generation = Some(session.generation);
        let extra = session.claims.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        // No access token outlives its session.
        let remaining = session.expires_at.since(issued_at);
        let lifetime = match lifetime {
            Lifetime::For(span) => Lifetime::For(span.min(remaining)),
            forever @ Lifetime::InsecureForever => forever,
        };
        TokenBuilder::from_claims(self, claims, lifetime, extra).issue()
    }

    /// The refresh token of a session: a pure function of the row, so that the same row always gives
    /// the same bytes.
    fn session_refresh(&self, session: &Session) -> Result<IssuedToken, IssueError> {
        let at = session.rotated_at;
        let mut claims = self.session_claims(session, TokenKind::Refresh, session.token_id("refresh", at), at);
        claims.generation = Some(session.generation);
        // A session of a store has a row for its claims; without one the token has to carry them.
        let extra = match (&session.claims, self.store()) {
            (Some(text), None) => serde_json::from_str(text).unwrap_or_default(),
            _ => Map::new(),
        };
        let lifetime = match self.settings().refresh_lifetime {
            Lifetime::For(_) => Lifetime::For(session.expires_at.since(at)),
            forever @ Lifetime::InsecureForever => forever,
        };
        TokenBuilder::from_claims(self, claims, lifetime, extra).issue()
    }

    fn session_claims(&self, session: &Session, kind: TokenKind, id: String, issued_at: Timestamp) -> Claims {
        let mut claims = Claims::new(session.subject.clone(), id, kind, issued_at);
        claims.csrf = Some(session.csrf());
        claims.session = Some(session.id.as_u128());
        claims.auth_time = Some(session.auth_time);
        claims.issuer = self.settings().encode_issuer.clone();
        claims.audience = self.settings().encode_audience.clone();
        claims
    }

    /// Exchanges a verified refresh token. Never answers a fresh access token.
    pub(crate) async fn exchange_refresh(&self, refresh: &VerifiedToken) -> Result<Refreshed, Reason> {
        let now = self.now();
        let Some(store) = self.store() else { return self.exchange_stateless(refresh, now) };
        let (Some(id), Some(generation)) = (refresh.session(), refresh.claims().generation) else {
            return Err(Reason::Refresh(RefreshFlaw::UnknownSession));
        };
        let rotation = Rotation { now, expires_at: now + self.0.rules.idle, auth_time: None };
        for _ in 0..ATTEMPTS {
            if let Some(row) = store.rotate(id, generation, rotation).await? {
                self.await_confirmation(&row, now);
                tracing::debug!(event = "refresh", session = %id, generation = row.generation);
                return Ok(self.session_cookies(&row, Fresh::No, now)?);
            }
            let Some(row) = store.find(id).await? else { return Err(self.flaw(id, RefreshFlaw::UnknownSession)) };
            match self.0.rules.judge(&row, generation, now) {
                Judgement::Repeat => return Ok(self.session_cookies(&row, Fresh::No, now)?),
                Judgement::Retry => {}
                Judgement::Revoked => return Err(self.flaw(id, RefreshFlaw::SessionEnded)),
                Judgement::Expired => return Err(self.flaw(id, RefreshFlaw::SessionExpired)),
                Judgement::Ahead => return Err(self.flaw(id, RefreshFlaw::Ahead)),
                Judgement::Reuse => {
                    // Ended before anybody is answered, so that it stays ended although this fails.
                    self.end(Ends::These(&[id]), now).await?;
                    return Err(self.flaw(id, RefreshFlaw::Reused));
                }
            }
        }
        Err(StoreError::new("a rotation was lost again and again").into())
    }

    fn flaw(&self, id: SessionId, flaw: RefreshFlaw) -> Reason {
        match flaw {
            RefreshFlaw::Reused => tracing::warn!(event = "reuse_detected", session = %id),
            RefreshFlaw::Ahead => tracing::error!(event = "refresh_ahead", session = %id),
            _ => tracing::debug!(event = "refresh_refused", session = %id, ?flaw),
        }
        Reason::Refresh(flaw)
    }

    /// Without a store: the refresh token stays, as in Flask, and a new access token joins it.
    fn exchange_stateless(&self, refresh: &VerifiedToken, now: Timestamp) -> Result<Refreshed, Reason> {
        let from = refresh.claims();
        let mut claims =
            Claims::new(from.subject.clone(), format!("{:032x}", rand::random::<u128>()), TokenKind::Access, now);
        claims.csrf = from.csrf.clone();
        claims.session = from.session;
        claims.auth_time = from.auth_time;
        claims.issuer = from.issuer.clone();
        claims.audience = from.audience.clone();
        let lifetime = self.settings().access_lifetime;
        let builder = TokenBuilder::from_claims(self, claims, lifetime, self.carried_claims(refresh));
        let access = builder.issue()?;
        let cookies = self.access_cookies(&access, from.expires_at, &CookieOptions::default())?;
        Ok(Refreshed { access: access.into_verified(), cookies })
    }

    /// A new access token for the session of a valid one, without a refresh token: sliding.
    pub(crate) async fn slide(&self, access: &VerifiedToken) -> Result<Refreshed, Reason> {
        self.advance(access, Freshness::Not).await
    }

    /// Fresh tokens for the session of a valid access token: the password was just typed again.
    pub(crate) async fn step_up(&self, access: &VerifiedToken) -> Result<Refreshed, Reason> {
        self.advance(access, Freshness::TokenLife).await
    }

    async fn advance(&self, access: &VerifiedToken, freshness: Freshness) -> Result<Refreshed, Reason> {
        let now = self.now();
        let fresh = freshness.at(now);
        let auth_time = (freshness != Freshness::Not).then_some(now);
        let (Some(store), Some(id)) = (self.store(), access.session()) else {
            return self.advance_stateless(access, fresh, auth_time, now);
        };
        let rotation = Rotation { now, expires_at: now + self.0.rules.idle, auth_time };
        for _ in 0..ATTEMPTS {
            let row = store.find(id).await?.ok_or(Reason::Revoked)?;
            if !row.is_live(now) {
                return Err(Reason::Revoked);
            }
            // Two requests that slide at once, or a re-authentication sent twice: the second takes what the
            // first has made. Rotated again, the first one's tokens would be a copy that comes back.
            let overtaken =
                row.rotated_at >= access.claims().issued_at && row.generation > access.claims().generation.unwrap_or(0);
            let proven = row.auth_time == row.rotated_at && now.since(row.rotated_at) <= self.0.rules.race_window;
            if overtaken && (freshness == Freshness::Not || proven) {
                return Ok(self.session_cookies(&row, fresh, now)?);
            }
            if let Some(row) = store.rotate(id, row.generation, rotation).await? {
                self.await_confirmation(&row, now);
                return Ok(self.session_cookies(&row, fresh, now)?);
            }
        }
        Err(StoreError::new("a rotation was lost again and again").into())
    }

    fn advance_stateless(
        &self,
        access: &VerifiedToken,
        fresh: Fresh,
        auth_time: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Refreshed, Reason> {
        let mut session = Session::begin(access.subject(), now, &self.0.rules);
        session.auth_time = auth_time.or(access.claims().auth_time).unwrap_or(now);
        let mut claims = self.session_claims(&session, TokenKind::Access, session.token_id("access", now), now);
        claims.csrf = access.claims().csrf.clone();
        claims.session = access.claims().session;
        claims.fresh = fresh;
        let lifetime = self.settings().access_lifetime;
        let token = TokenBuilder::from_claims(self, claims, lifetime, self.carried_claims(access)).issue()?;
        let cookies = self.access_cookies(&token, Some(session.expires_at), &CookieOptions::default())?;
        Ok(Refreshed { access: token.into_verified(), cookies })
    }

    fn await_confirmation(&self, row: &Session, now: Timestamp) {
        let until = now + self.0.rules.lost_response_window;
        self.revocations().await_confirmation(row.id, row.generation, until, now);
    }

    /// Tells the store that a generation has come back, once.
    pub(crate) async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), StoreError> {
        if let Some(store) = self.store() {
            store.confirm(id, generation).await?;
        }
        self.revocations().confirmed(id, generation);
        Ok(())
    }

    /// Ends sessions: in the store first, then in this process, and only then is anybody answered.
    pub(crate) async fn end(&self, ends: Ends<'_>, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let ended = match self.store() {
            Some(store) => store.revoke(ends, now).await?,
            None => Vec::new(),
        };
        // Those named are ended here even where the store knew them dead or not at all.
        let named: &[SessionId] = if let Ends::These(ids) = ends { ids } else { &[] };
        ended.iter().chain(named).for_each(|id| self.end_locally(*id, now));
        for id in &ended {
            tracing::info!(event = "revoked", session = %id);
        }
        Ok(ended)
    }

    fn end_locally(&self, id: SessionId, now: Timestamp) {
        self.revocations().end(id, now + self.token_memory(), now);
    }

    /// How long an ended session's tokens could still look good.
    fn token_memory(&self) -> Duration {
        let settings = self.settings();
        let longest = match (settings.access_lifetime.duration(), settings.refresh_lifetime.duration()) {
            (Some(access), _) if self.store().is_some() => Some(access),
            // Nobody else remembers that its refresh token is dead.
            (Some(access), Some(refresh)) => Some(access.max(refresh)),
            _ => None,
        };
        longest.map_or(Duration::from_secs(u64::from(u32::MAX)), |span| span.saturating_add(settings.leeway))
    }

    /// The live sessions of a subject, the newest first; none without a store.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, StoreError> {
        match self.store() {
            Some(store) => store.list(subject, self.now()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Ends one session of a subject; false if it is not theirs or not live (ASVS 5.0 V7.5.2).
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_session(&self, subject: &str, id: SessionId) -> Result<bool, StoreError> {
        let now = self.now();
        let row = match self.store() {
            Some(store) => store.find(id).await?,
            None => None,
        };
        if row.is_none_or(|row| row.subject != subject || !row.is_live(now)) {
            return Ok(false);
        }
        self.end(Ends::These(&[id]), now).await?;
        Ok(true)
    }

    /// Ends all sessions of a subject but one; answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_other_sessions(&self, subject: &str, kept: SessionId) -> Result<usize, StoreError> {
        self.end(Ends::OthersOf(subject, kept), self.now()).await.map(|ended| ended.len())
    }

    /// Ends all sessions of a subject: for a user who was disabled or deleted. Answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_all_sessions(&self, subject: &str) -> Result<usize, StoreError> {
        self.end(Ends::AllOf(subject), self.now()).await.map(|ended| ended.len())
    }

    /// Learns which sessions others have ended: once before serving, then regularly where several
    /// processes share a store. Answers how many were new.
    ///
    /// # Errors
    /// The store failed; nothing is skipped, the next call takes up where this one began.
    pub async fn sync_revocations(&self) -> Result<usize, StoreError> {
        let Some(store) = self.store() else { return Ok(0) };
        let now = self.now();
        let mut news = 0;
        loop {
            let page = store.revocations(self.0.log_position.load(Ordering::Acquire), LOG_PAGE).await?;
            for entry in &page.entries {
                self.revocations().end(entry.session, entry.at + self.token_memory(), now);
                self.0.log_position.fetch_max(entry.sequence, Ordering::AcqRel);
            }
            news += page.entries.len();
            if page.entries.len() < LOG_PAGE as usize {
                return Ok(news);
            }
        }
    }

    /// Forgets up to `limit` rows that no token can need any more; answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn prune_sessions(&self, limit: u32) -> Result<u64, StoreError> {
        match self.store() {
            Some(store) => store.prune(self.now() - self.token_memory() - self.0.rules.idle, limit).await,
            None => Ok(0),
        }
    }

    /// The claims that a log-in gave to its tokens. What the application says of every token is asked anew.
    fn carried_claims(&self, token: &VerifiedToken) -> Map<String, Value> {
        let mut claims: Map<String, Value> = serde_json::from_slice(token.payload()).unwrap_or_default();
        let asked = match token.claims().kind {
            TokenKind::Access => self.claims_for(token.subject(), TokenKind::Access),
            TokenKind::Refresh => Map::new(),
        };
        let identity = &self.settings().identity_claim;
        claims.retain(|name, _| !Claims::is_reserved(name) && name != identity && !asked.contains_key(name));
        claims
    }
}

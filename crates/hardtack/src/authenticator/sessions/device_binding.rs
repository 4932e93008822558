//! Binds sessions to devices, and refreshes bound sessions.

use std::time::Duration;

use serde_json::Value;

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::config::DeviceBinding;
use crate::cookie::SetCookies;
use crate::device_binding::{DeviceKey, Instructions, ProofError, Purpose, read_refresh, read_registration};
use crate::device_binding::{challenge_field, registration_field};
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::{Fresh, TokenError};
use crate::refusal::Reason;
use crate::session::{Presented, RefreshFlaw, RefreshVerdict, RevokeTarget, Rotation, Session, SessionId};
use crate::token::VerifiedToken;

use super::dead;
use super::refresh::ATTEMPTS;
use super::tokens::AddedClaims;

/// How long after a log-in a browser can bind the session. A thief who copies the cookies later cannot bind the session
/// to a different device.
const WINDOW: Duration = Duration::from_secs(60);

/// Each challenge is issued together with an access token, and is still accepted for this long after the token expires.
/// A browser that is reopened within this time can sign the challenge that it already has, without a round trip for a
/// new one.
const CHALLENGE_MARGIN: Duration = Duration::from_secs(5 * 60);

/// The result of registering a device's key.
pub(crate) enum Binding {
    Bound {
        cookies: SetCookies,
        instructions: Value,
    },
    /// The session was not bound, and continues as before.
    Refused,
}

/// The result of refreshing a bound session.
pub(crate) enum BoundRefresh {
    /// The new cookies, and the value of the header field with the challenge for the next proof.
    Refreshed { cookies: SetCookies, challenge: String },
    /// The proof is missing, unreadable or too old. The client must sign the challenge in this header value.
    Challenged(String),
    /// The session is not bound, but the browser acts as if it were. The browser must forget the binding.
    Unbound,
    /// The user has entered the password again since the browser sent this request. The browser is about to get the new
    /// tokens.
    Superseded,
}

impl Authenticator {
    /// Returns the value of the header field that asks a browser to bind a new session, or `None` if device binding is
    /// off or cookies are not `Secure`.
    pub(super) fn registration(&self, session: &Session, now: Timestamp) -> Option<String> {
        let offered = self.settings().binding == DeviceBinding::Offer && self.cookies().secure;
        offered.then(|| {
            let challenge = self.keys_in_use().challenges.issue(session.id, Purpose::Bind, now);
            registration_field(&self.settings().urls.bind, &challenge)
        })
    }

    /// Binds the session of a valid refresh token to the device that signed `proof`. `fresh` is the freshness of the
    /// browser's access token.
    pub(crate) async fn bind(
        &self,
        refresh: &VerifiedToken,
        proof: &str,
        fresh: Fresh,
        client: &Client<'_>,
    ) -> Result<Binding, Reason> {
        let now = self.now();
        let (Some(store), Some(id), Some(mut generation)) =
            (self.store(), refresh.session(), refresh.claims().generation)
        else {
            return Ok(Binding::Refused);
        };
        if self.settings().binding != DeviceBinding::Offer {
            return Ok(Binding::Refused);
        }
        let refused = || {
            self.emit(EventKind::BindRefused, refresh.subject(), Some(id), client);
            Ok(Binding::Refused)
        };
        let url = self.own_url(&self.settings().urls.bind);
        let (key, challenge) = match read_registration(proof, url.as_deref()) {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(event = "bind_refused", %error);
                return refused();
            }
        };
        if !self.accepts_challenge(&challenge, id, Purpose::Bind, WINDOW, now) {
            return refused();
        }
        let key = key.to_text();
        // Call the `additional_claims` callback before changing the session's row, so that the browser can register the
        // key again if the callback fails.
        let (added, loaded_at) = (self.added_claims(refresh.subject()).await?, generation);
        let rotation = Rotation::new(now, now + self.idle_of(refresh));
        for _ in 0..ATTEMPTS {
            if let Some(row) = store.bind(id, generation, &key, rotation).await? {
                self.await_confirmation(&row);
                self.emit(EventKind::Bound, &row.subject, Some(id), client);
                let added = self.added_claims_of(&row, loaded_at, added).await?;
                return self.bound(&row, added, fresh, now);
            }
            let Some(row) = store.find(id).await?.filter(|row| row.is_live(now)) else { return refused() };
            if row.bound_key.as_ref() == Some(&key) {
                // The browser is registering the same key again, because it did not get the first response.
                let added = self.added_claims_of(&row, loaded_at, added).await?;
                return self.bound(&row, added, fresh, now);
            }
            let presented = Presented { generation, auth_time: refresh.claims().auth_time, mark: None };
            match self.0.rules.check_refresh(&row, presented, now) {
                _ if row.bound_key.is_some() => return refused(),
                RefreshVerdict::Retry => {}
                // Another request has refreshed the tokens in the meantime. Try again with the current generation.
                RefreshVerdict::Repeat => generation = row.generation,
                _ => return refused(),
            }
        }
        Err(BackendError::new("the session could not be bound, because its stored state kept changing").into())
    }

    /// Returns whether `proof` signs a challenge that was issued to bind the session of this refresh token.
    pub(crate) fn has_signed(&self, refresh: &VerifiedToken, proof: &str) -> bool {
        let url = self.own_url(&self.settings().urls.bind);
        let challenge = read_registration(proof, url.as_deref()).map(|(_, challenge)| challenge);
        match (refresh.session(), challenge) {
            (Some(id), Ok(challenge)) => self.accepts_challenge(&challenge, id, Purpose::Bind, WINDOW, self.now()),
            _ => false,
        }
    }

    fn bound(&self, row: &Session, added: AddedClaims, fresh: Fresh, now: Timestamp) -> Result<Binding, Reason> {
        let attributes = self.cookies().attributes(&self.cookies().access);
        let instructions = Instructions {
            session: row.id,
            refresh_path: &self.settings().urls.bound,
            cookie: self.cookies().access.name.as_str(),
            attributes: &attributes,
        };
        let cookies = self.session_cookies(row, added, fresh, now)?.cookies;
        Ok(Binding::Bound { cookies, instructions: instructions.to_json() })
    }

    /// Exchanges the refresh token of a bound session, if `proof` shows that the client has the device's key.
    ///
    /// A token that a re-authentication has replaced is accepted only if `mark` is the mark of that re-authentication.
    /// The mark shows that the browser received the new tokens, but lost them because the response to an earlier
    /// refresh arrived later and overwrote them.
    pub(crate) async fn refresh_bound(
        &self,
        refresh: &VerifiedToken,
        proof: Option<&str>,
        mark: Option<&str>,
        client: &Client<'_>,
    ) -> Result<BoundRefresh, Reason> {
        let now = self.now();
        let (Some(store), Some(id), Some(generation)) = (self.store(), refresh.session(), refresh.claims().generation)
        else {
            return Err(self.flaw(RefreshFlaw::UnknownSession, refresh, client));
        };
        let rotation = Rotation::new(now, now + self.idle_of(refresh)).with_proof();
        for _ in 0..ATTEMPTS {
            let Some(row) = store.find(id).await? else {
                return Err(self.flaw(RefreshFlaw::UnknownSession, refresh, client));
            };
            if row.revoked_at.is_some() {
                return Err(dead(&row));
            }
            if !row.is_live(now) {
                return Err(self.flaw(RefreshFlaw::SessionExpired, refresh, client));
            }
            let Some(key) = &row.bound_key else { return Ok(BoundRefresh::Unbound) };
            if generation > row.generation {
                return Err(self.flaw(RefreshFlaw::Ahead, refresh, client));
            }
            if row.supersedes(refresh.claims().auth_time) && !row.has_mark(mark) {
                let _ = self.flaw(RefreshFlaw::Superseded, refresh, client);
                return Ok(BoundRefresh::Superseded);
            }
            let key = DeviceKey::from_text(key).map_err(BackendError::new)?;
            let signed = match self.read_proof(proof, &key) {
                Ok(Some(challenge)) => challenge,
                Ok(None) => return Ok(self.challenged(&row, now)),
                Err(()) => {
                    // End the session before responding, so that it ends even if the response cannot be sent.
                    let at = row.rotated_at.max(now);
                    self.end(RevokeTarget::Sessions(&[id]), &[&row.subject], at).await?;
                    return Err(self.flaw(RefreshFlaw::ProofFailed, refresh, client));
                }
            };
            if self.accepts_refresh_challenge(&signed, id, row.generation, now) {
                // The device has signed a challenge for the newest tokens, so the proof is accepted even if the client
                // sent older tokens. Call the `additional_claims` callback before the rotation, so that the client can
                // send the same proof again if the callback fails.
                let added = self.added_claims(&row.subject).await?;
                if let Some(rotated) = store.rotate(id, row.generation, rotation).await? {
                    self.await_confirmation(&rotated);
                    self.emit(EventKind::Refresh, &rotated.subject, Some(id), client);
                    let added = self.added_claims_of(&rotated, row.generation, added).await?;
                    return self.refreshed(&rotated, added, now);
                }
                continue;
            }
            let repeats = self.accepts_refresh_challenge(&signed, id, generation, now);
            // A token that a re-authentication has replaced needs a proof over the newest challenge, even if the
            // request carries the mark of that re-authentication.
            let presented = Presented { generation, auth_time: refresh.claims().auth_time, mark: None };
            return match self.0.rules.check_refresh_of_device(&row, presented, now) {
                RefreshVerdict::Repeat if repeats => {
                    let added = self.added_claims(&row.subject).await?;
                    self.refreshed(&row, added, now)
                }
                RefreshVerdict::Early => {
                    self.warn_of_early(row.rotated_at, now);
                    Err(TokenError::IssuedInFuture.into())
                }
                // Browsers might sign an old challenge again, so an old challenge does not indicate an attack.
                _ => Ok(self.challenged(&row, now)),
            };
        }
        Err(BackendError::new("the session could not be refreshed, because its stored state kept changing").into())
    }

    /// Returns the challenge that the device has signed. Returns `None` if the proof is missing or cannot be read, and
    /// an error if the proof was signed with a different key.
    fn read_proof(&self, proof: Option<&str>, key: &DeviceKey) -> Result<Option<String>, ()> {
        let url = self.own_url(&self.settings().urls.bound);
        match proof.map(|proof| read_refresh(proof, key, url.as_deref())) {
            None => Ok(None),
            Some(Ok(challenge)) => Ok(Some(challenge)),
            Some(Err(ProofError::BadSignature | ProofError::OtherKey)) => Err(()),
            Some(Err(error)) => {
                tracing::debug!(event = "proof_unreadable", %error);
                Ok(None)
            }
        }
    }

    fn refreshed(&self, row: &Session, added: AddedClaims, now: Timestamp) -> Result<BoundRefresh, Reason> {
        let cookies = self.session_cookies(row, added, Fresh::No, now)?.cookies;
        Ok(BoundRefresh::Refreshed { cookies, challenge: self.refresh_challenge(row, now) })
    }

    fn challenged(&self, row: &Session, now: Timestamp) -> BoundRefresh {
        BoundRefresh::Challenged(self.refresh_challenge(row, now))
    }

    fn refresh_challenge(&self, row: &Session, now: Timestamp) -> String {
        let purpose = Purpose::Refresh(row.generation);
        challenge_field(row.id, &self.keys_in_use().challenges.issue(row.id, purpose, now))
    }

    fn accepts_refresh_challenge(&self, challenge: &str, id: SessionId, generation: u64, now: Timestamp) -> bool {
        let lifetime = self.settings().access_lifetime.duration().unwrap_or_default();
        self.accepts_challenge(challenge, id, Purpose::Refresh(generation), lifetime + CHALLENGE_MARGIN, now)
    }

    fn accepts_challenge(
        &self,
        challenge: &str,
        id: SessionId,
        purpose: Purpose,
        max_age: Duration,
        now: Timestamp,
    ) -> bool {
        let skew = self.settings().claims.skew();
        self.keys_in_use().challenges.accepts(challenge, id, purpose, now, max_age, skew)
    }

    /// Returns the URL of a path on this site, or `None` if no base URL is set.
    fn own_url(&self, path: &str) -> Option<String> {
        self.origin().map(|origin| format!("{origin}{path}"))
    }
}

//! Other claims for sessions that go on: a role given or taken away.

use serde::Serialize;
use serde_json::Value;

use crate::authenticator::{Authenticator, SessionError, extra_claims::ClaimMap};
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::Fresh;
use crate::session::{RevocationKind, RevokeTarget, Session};

impl Authenticator {
    /// Gives all sessions of a subject other claims, in place of those that [`LogIn`](crate::LogIn) gave
    /// them: for a role that was given or taken away. Answers how many sessions there are.
    ///
    /// Nobody is logged out. Access tokens that were made before are outdated: they are refused as expired ones
    /// are, and a refresh gives new ones with the new claims. In this process that holds when this returns, in
    /// others as soon as they have read the log ([`Self::follow_revocations`]).
    ///
    /// Call it when the application has written the change down. A log-in that has read the old claims before
    /// that may begin its session after this: where [`LogIn`](crate::LogIn) is given claims, ask after the log-in
    /// whether they still hold, and call this again if they don't.
    ///
    /// Without a store it changes nothing: tokens then keep their claims until they expire.
    ///
    /// ```
    /// # async fn demote(auth: &hardtack::Authenticator) -> Result<(), hardtack::authenticator::SessionError> {
    /// auth.change_claims("alice", &serde_json::json!({ "role": "reader" })).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Source: ASVS 5.0 V8.3.2.
    ///
    /// # Errors
    /// The store failed, or the claims don't fit into tokens and cookies; then nothing has changed.
    pub async fn change_claims(&self, subject: &str, claims: &impl Serialize) -> Result<usize, SessionError> {
        let mut given = ClaimMap::default();
        given.set_all(claims);
        let claims = Value::Object(given.into_map()?).to_string();
        // Tried before anything is stored: with claims that don't fit no session could be refreshed any more.
        let now = self.now();
        let trial = Session {
            claims: Some(claims.clone()),
            // The longest of all.
            generation: u64::MAX,
            ..Session::begin(subject, now, &self.0.rules)
        };
        let _ = self.session_cookies(&trial, Fresh::No, now)?;
        Ok(self.outdate(subject, Some(&claims)).await?)
    }

    /// Has the claims of [`AuthenticatorBuilder::additional_claims`](crate::AuthenticatorBuilder::additional_claims) asked for again: what
    /// [`Self::change_claims`] does, for an application whose roles are there and not with the sessions. The
    /// claims that log-ins gave stay.
    ///
    /// Call it when the application has written the change down. A log-in that is on its way asks again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reload_claims(&self, subject: &str) -> Result<usize, BackendError> {
        self.outdate(subject, None).await
    }

    /// In the store first, then in this process, and only then is anybody answered.
    async fn outdate(&self, subject: &str, claims: Option<&str>) -> Result<usize, BackendError> {
        let Some(store) = self.store() else { return Ok(0) };
        let now = self.now();
        let write = self.begin_uncertain_write(store, RevokeTarget::AllOf(subject)).await?;
        let outdated = store.outdate(subject, claims, now).await?;
        write.confirm();
        let until = now + self.token_memory();
        for (id, generation) in &outdated {
            self.learn(*id, RevocationKind::Outdated(*generation), until, now);
        }
        for (id, _) in &outdated {
            self.emit(EventKind::ClaimsChanged, subject, Some(*id), &Client::default());
        }
        Ok(outdated.len())
    }
}

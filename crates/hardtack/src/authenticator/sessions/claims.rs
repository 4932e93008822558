//! Other claims for sessions that go on: a role given or taken away.

use serde::Serialize;
use serde_json::Value;

use super::SessionError;
use crate::authenticator::Authenticator;
use crate::authenticator::given_claims::GivenClaims;
use crate::event::{Client, EventKind};
use crate::jwt::Fresh;
use crate::session::{Ends, Revoked, Session, StoreError};

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
        let mut given = GivenClaims::default();
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

    /// Has the claims of [`Builder::additional_claims`](crate::Builder::additional_claims) asked for again: what
    /// [`Self::change_claims`] does, for an application whose roles are there and not with the sessions. The
    /// claims that log-ins gave stay.
    ///
    /// Call it when the application has written the change down. A log-in that is on its way asks again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reload_claims(&self, subject: &str) -> Result<usize, StoreError> {
        self.outdate(subject, None).await
    }

    /// In the store first, then in this process, and only then is anybody answered.
    async fn outdate(&self, subject: &str, claims: Option<&str>) -> Result<usize, StoreError> {
        let Some(store) = self.store() else { return Ok(0) };
        let now = self.now();
        let doubt = self.doubt(store, Ends::AllOf(subject)).await?;
        let outdated = store.outdate(subject, claims, now).await?;
        doubt.dispel();
        let until = now + self.token_memory();
        for (id, generation) in &outdated {
            self.learn(*id, Revoked::Outdated(*generation), until, now);
        }
        for (id, _) in &outdated {
            self.tell(EventKind::ClaimsChanged, subject, Some(*id), &Client::default());
        }
        Ok(outdated.len())
    }
}

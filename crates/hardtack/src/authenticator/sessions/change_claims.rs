//! Changing the claims of live sessions, such as a role.

use serde::Serialize;
use serde_json::Value;

use crate::authenticator::{Authenticator, SessionError, extra_claims::ClaimMap};
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::Fresh;
use crate::revocation::SessionStatus;
use crate::session::{ChangedClaims, RevocationKind, RevokeTarget, Session};

/// The new claims of a user's sessions, after [`Authenticator::check_claims`] has checked that they fit into the user's
/// tokens and cookies. For stores that change claims in a transaction of the application.
#[derive(Clone, Debug)]
pub struct CheckedClaims {
    subject: String,
    json: String,
}

impl CheckedClaims {
    /// Returns the user.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the claims as a JSON object.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl Authenticator {
    /// Replaces the claims of all sessions of a subject, for example after a role was granted or withdrawn. Returns
    /// the number of sessions.
    ///
    /// The claims replace those that were given with [`LogIn`](crate::LogIn). No session ends: access tokens with the
    /// old claims are refused like expired ones, and a refresh gives tokens with the new ones. This process refuses the
    /// old tokens as soon as this method returns, and other processes as soon as they have read the revocation log
    /// ([`Self::follow_revocations`]).
    ///
    /// Call this after the application has committed the change. A concurrent log-in may have read the old claims and
    /// create its session afterwards: if your log-ins pass claims, check after each log-in that they still hold, and
    /// call this again if they do not.
    ///
    /// If the sessions are in the application's own database, `Sessions::change_claims_in` of `hardtack-sqlx` commits
    /// both changes together.
    ///
    /// Without a store, this changes nothing: tokens keep their claims until they expire.
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
    /// - Those of [`Self::check_claims`]. Nothing has changed.
    /// - The store failed.
    pub async fn change_claims(&self, subject: &str, claims: &impl Serialize) -> Result<usize, SessionError> {
        let claims = self.check_claims(subject, claims)?;
        Ok(self.outdate(subject, Some(&claims.json)).await?)
    }

    /// Checks that claims fit into the tokens and cookies of a user, before they are stored in a transaction of the
    /// application: `Sessions::change_claims_in` of `hardtack-sqlx` takes them.
    ///
    /// # Errors
    /// The claims are not a JSON object, have a reserved name, or do not fit into tokens and cookies; or a token cannot
    /// be issued for another reason, for example because the key set can only verify.
    pub fn check_claims(&self, subject: &str, claims: &impl Serialize) -> Result<CheckedClaims, SessionError> {
        let mut given = ClaimMap::default();
        given.set_all(claims);
        let json = Value::Object(given.into_map()?).to_string();
        // Issue a token before anything is stored: if claims that do not fit were stored, refreshes would fail.
        let now = self.now();
        let trial = Session {
            claims: Some(json.clone()),
            // The number with the most digits.
            generation: u64::MAX,
            ..Session::begin(subject, now, &self.0.rules)
        };
        let _ = self.session_cookies(&trial, Fresh::No, now)?;
        Ok(CheckedClaims { subject: subject.to_owned(), json })
    }

    /// Makes this process refuse the tokens whose claims were changed in a transaction of the application, after its
    /// commit. Other processes refuse them within seconds, as soon as they have read the revocation log.
    ///
    /// If the store cannot be reached, this process checks each request of these sessions against the store until it
    /// has read the log. The change itself is stored, so do not tell the user to try again.
    pub async fn finish_changing_claims(&self, changed: ChangedClaims) {
        let ids = || changed.sessions.iter().map(|(id, _)| *id);
        if !self.read_committed(ids()).await {
            return;
        }
        for (id, generation) in &changed.sessions {
            // The transaction may have been rolled back.
            if matches!(self.0.revocation_cache.status(*id), SessionStatus::Live(notes) if notes.outdated >= *generation)
            {
                self.emit(EventKind::ClaimsChanged, &changed.subject, Some(*id), &Client::default());
            }
        }
    }

    /// Marks the access tokens of a subject as outdated, so that
    /// [`AuthenticatorBuilder::additional_claims`](crate::AuthenticatorBuilder::additional_claims) is called again for
    /// each of the subject's sessions. Returns the number of sessions.
    ///
    /// Use it instead of [`Self::change_claims`] if the application keeps roles in its own database. Claims that were
    /// given with log-ins stay as they are. Call it after the application has committed the change. You need not worry
    /// about concurrent log-ins: they call the callback again after storing their session.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reload_claims(&self, subject: &str) -> Result<usize, BackendError> {
        self.outdate(subject, None).await
    }

    /// Marks tokens as outdated in the store first and then in this process's cache, before it returns.
    async fn outdate(&self, subject: &str, claims: Option<&str>) -> Result<usize, BackendError> {
        let Some(store) = self.store() else { return Ok(0) };
        let now = self.now();
        let write = self.begin_uncertain_write(store, RevokeTarget::AllOf(subject)).await?;
        let outdated = store.outdate(subject, claims, now).await?;
        write.confirm();
        let learned = self.moment();
        for (id, generation) in &outdated {
            self.learn(*id, RevocationKind::Outdated(*generation), now, learned);
        }
        for (id, _) in &outdated {
            self.emit(EventKind::ClaimsChanged, subject, Some(*id), &Client::default());
        }
        Ok(outdated.len())
    }
}

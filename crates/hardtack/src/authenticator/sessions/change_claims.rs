//! Changing the claims of live sessions, such as a role.

use serde::Serialize;
use serde_json::Value;

use crate::authenticator::{Authenticator, SessionError, extra_claims::ClaimMap};
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::Fresh;
use crate::revocation::SessionStatus;
use crate::session::{ChangedClaims, RevocationKind, RevokeTarget, Session};

/// The new claims for a user's sessions. [`Authenticator::check_claims`] has checked that they fit into the user's
/// tokens and cookies. To change the claims in one of the application's transactions, pass this value to the store.
#[derive(Clone, Debug)]
pub struct CheckedClaims {
    subject: String,
    json: String,
}

impl CheckedClaims {
    /// Returns the subject (the user's id).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the claims as a JSON object.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl Authenticator {
    /// Replaces the claims of all of a subject's sessions, for example after a role has been granted or withdrawn.
    /// Returns the number of changed sessions.
    ///
    /// The new claims replace the claims that were passed to [`LogIn`](crate::LogIn). No session ends. Access tokens
    /// with the old claims are treated as expired, and a refresh issues tokens with the new claims. This process
    /// refuses the old tokens as soon as this method returns. Other processes refuse them once they have read the
    /// revocation log ([`Self::follow_revocations`]).
    ///
    /// Call this method after the application has committed its change. Even so, a concurrent log-in might have read
    /// the old claims before the change, and create a session with these claims after this call. If your log-ins pass
    /// claims, check after each log-in that the claims are still correct. If they are not, call this method again.
    ///
    /// If the sessions are in the application's own database, `Sessions::change_claims_in` of `hardtack-sqlx` commits
    /// the new claims together with the application's change.
    ///
    /// Without a store, this method changes nothing, and tokens keep their claims until they expire.
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
    /// - [`Self::check_claims`] returns an error. The sessions' claims have not changed.
    /// - The store failed.
    pub async fn change_claims(&self, subject: &str, claims: &impl Serialize) -> Result<usize, SessionError> {
        let claims = self.check_claims(subject, claims).await?;
        Ok(self.outdate(subject, Some(&claims.json)).await?)
    }

    /// Checks that claims fit into a user's tokens and cookies. Pass the result to `Sessions::change_claims_in` of
    /// `hardtack-sqlx`, which stores the claims in one of the application's transactions.
    ///
    /// # Errors
    /// - The claims are not a JSON object, include a reserved name, or do not fit into tokens and cookies.
    /// - The callback [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) failed.
    /// - A token cannot be issued for another reason, for example because the key set can only verify tokens.
    pub async fn check_claims(&self, subject: &str, claims: &impl Serialize) -> Result<CheckedClaims, SessionError> {
        let mut given = ClaimMap::default();
        given.set_all(claims);
        let json = Value::Object(given.into_map()?).to_string();
        let added = self.added_claims(subject).await?;
        // Issue a token before storing anything. If claims that do not fit were stored, every refresh would fail.
        let now = self.now();
        let trial = Session {
            claims: Some(json.clone()),
            // Use the largest generation, because its number has the most digits.
            generation: u64::MAX,
            ..Session::begin(subject, now, &self.0.rules)
        };
        let _ = self.session_cookies(&trial, added, Fresh::No, now)?;
        Ok(CheckedClaims { subject: subject.to_owned(), json })
    }

    /// Makes this process refuse tokens with old claims after the application has changed the claims in a transaction.
    /// Call this method after the transaction is committed. Other processes refuse these tokens within seconds, as soon
    /// as they have read the revocation log.
    ///
    /// If this process cannot read the log, it checks every request in a changed session against the store until it can
    /// read the log again. The new claims are already stored, so do not tell the user to try again.
    pub async fn finish_changing_claims(&self, changed: ChangedClaims) {
        let ids = || changed.sessions.iter().map(|(id, _)| *id);
        if !self.read_committed(ids()).await {
            return;
        }
        for (id, generation) in &changed.sessions {
            // If the transaction was rolled back, the claims have not changed, so emit no event.
            if matches!(self.0.revocation_cache.status(*id), SessionStatus::Live(notes) if notes.outdated >= *generation)
            {
                self.emit(EventKind::ClaimsChanged, &changed.subject, Some(*id), &Client::default());
            }
        }
    }

    /// Marks a subject's access tokens as outdated, so that each of the subject's sessions refreshes its tokens. Each
    /// refresh calls the [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) callback again. Returns
    /// the number of affected sessions.
    ///
    /// Use this method instead of [`Self::change_claims`] if the callback reads claims, such as roles, from the
    /// application's database. Claims that were passed to log-ins stay the same. Call this method after the application
    /// has committed its change. If a log-in happens at the same time, its claims are correct too, because the log-in
    /// calls the callback again after storing its session.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reload_claims(&self, subject: &str) -> Result<usize, BackendError> {
        self.outdate(subject, None).await
    }

    /// Marks a subject's access tokens as outdated in the store, and then in this process's cache.
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

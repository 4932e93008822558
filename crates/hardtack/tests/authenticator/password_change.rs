//! A password change ends every other session.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::{KeySet, MemorySessions, SessionId};

use crate::support::{Request, Site, block_on, key, page};

#[test]
fn s35_every_other_session_ends_within_the_same_second() {
    let site = Site::new();
    let (mut here, mut there) = (site.browser_of("alice"), site.browser_of("alice"));
    let mut bob = site.browser_of("bob");
    let stolen = here.clone();
    let (form, before) = (here.csrf(), site.visit(&mut here).token().session());
    assert_eq!(site.renew(&mut here).status, 200);
    for copy in [&stolen, &there] {
        assert!(site.visit(&mut copy.clone()).is_refused(401, "revoked"));
        assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"));
    }
    let response = site.visit(&mut here);
    assert!(response.token().is_fresh(site.auth.now()));
    assert_ne!(response.token().session(), before);
    // A form in another tab is still accepted.
    assert_eq!(here.csrf(), form);
    let request = Request::post("/page").form(&form);
    assert_eq!(site.send(&mut here, request, page(hardtack::Need::access())).status, 200);
    assert_eq!((site.live_sessions("alice").len(), site.visit(&mut bob).status), (1, 200));
    site.advance(1000);
    assert_eq!((site.visit(&mut here).status, site.visit(&mut there).status), (200, 401));
}

#[test]
fn s35_it_works_with_a_token_that_has_just_expired() {
    let site = Site::new();
    let mut here = site.browser_of("alice");
    let there = site.browser_of("alice");
    site.advance(1000);
    let response = site.renew(&mut here);
    assert_eq!(response.status, 200);
    assert!(response.added.is_empty());
    assert!(site.visit(&mut here).token().is_fresh(site.auth.now()));
    assert_eq!(site.refresh(&mut there.clone()).status, 401);
    assert_eq!(site.live_sessions("alice").len(), 1);
}

#[test]
fn an_ended_session_is_not_renewed() {
    let site = Site::new();
    let here = site.browser_of("alice");
    // Another process ends the session, and this one does not know.
    let id = site.live_sessions("alice")[0].id;
    block_on(site.store.revoke(RevokeTarget::Sessions(&[id]), site.auth.now())).unwrap();
    assert_eq!(site.visit(&mut here.clone()).status, 200);
    assert!(site.renew(&mut here.clone()).is_refused(401, "revoked"));
    assert!(site.live_sessions("alice").is_empty());
}

/// A store that ends a session right after it was read.
struct RevokesAfterFind(MemorySessions);

impl SessionStore for RevokesAfterFind {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        SessionStore::create(&self.0, session, ends).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        let row = self.0.find(id).await?;
        if let Some(row) = &row {
            self.0.revoke(RevokeTarget::AllOf(&row.subject), row.rotated_at).await?;
        }
        Ok(row)
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.0.rotate(id, generation, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.0.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        self.0.revoke(ends, now).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        self.0.outdate(subject, claims, now).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.0.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.0.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.0.prune(before, limit).await
    }
}

#[test]
fn a_session_that_ends_while_it_is_renewed_stays_ended() {
    let site = Site::over(RevokesAfterFind(MemorySessions::new()), KeySet::new(key()), |builder| builder);
    let alice = site.browser_of("alice");
    assert!(site.renew(&mut alice.clone()).is_refused(401, "revoked"));
    assert!(site.live_sessions("alice").is_empty());
    let bob = site.browser_of("bob");
    assert!(site.reauthenticate(&mut bob.clone(), "bob").is_refused(401, "revoked"));
}

/// The response to a request that was sent before the renewal must not delete the cookies of the new session.
#[test]
fn a_late_response_to_old_cookies_does_not_delete_the_new_ones() {
    let site = Site::new();
    let mut browser = site.browser_of("alice");
    let late = browser.clone();
    assert_eq!(site.renew(&mut browser).status, 200);
    let mut browser_after = late.clone();
    assert!(site.visit(&mut browser_after).is_refused(401, "revoked"));
    assert_eq!(browser_after.access(), late.access());
    assert_eq!(browser_after.refresh(), late.refresh());
    let elsewhere = site.browser_of("alice");
    assert_eq!(site.renew(&mut browser).status, 200);
    let mut dead = elsewhere.clone();
    assert!(site.visit(&mut dead).is_refused(401, "revoked"));
    assert!(dead.is_empty());
}

/// A store from before there were limits and pages.
#[test]
fn a_store_without_an_ability_is_refused_only_if_a_setting_needs_it() {
    let builder =
        || hardtack::Authenticator::builder(KeySet::new(key())).sessions(RevokesAfterFind(MemorySessions::new()));
    let auth = builder().build().unwrap();
    for _ in 0..120 {
        let _ = block_on(auth.log_in("alice")).unwrap();
    }
    let page = block_on(auth.sessions_page("alice", None)).unwrap();
    assert_eq!((page.sessions.len(), block_on(auth.sessions("alice")).unwrap().len()), (50, 120));
    let rest = block_on(auth.sessions_page("alice", page.next)).unwrap();
    assert_eq!(rest.sessions[..], block_on(auth.sessions("alice")).unwrap()[50..100]);
    let policy = hardtack::session::SessionPolicy::default();
    let refused = builder().session_policy(policy.max_sessions(100)).build().unwrap_err();
    assert_eq!(refused, hardtack::ConfigError::StoreCannotLimitSessions);
    assert!(builder().session_policy(policy.insecure_unlimited_sessions()).build().is_ok());
}

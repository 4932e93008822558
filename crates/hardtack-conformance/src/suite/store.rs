//! The session store that fails on demand, and what clients are told then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};
use hardtack::{MemorySessions, SessionId};
use serde_json::json;

use super::case::Case;
use super::site::{PRE_SESSION, Site};
use super::told::SECRET;

/// Sessions in memory; it counts rotations, and fails with a secret text once it is told to.
#[derive(Clone, Debug, Default)]
pub(super) struct SuiteStore {
    sessions: MemorySessions,
    down: Arc<AtomicBool>,
    rotations: Arc<AtomicU64>,
}

impl SuiteStore {
    pub(super) fn break_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    pub(super) fn repair(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// How often a session has moved on by a generation.
    pub(super) fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::SeqCst)
    }

    fn up(&self) -> Result<&MemorySessions, BackendError> {
        if self.down.load(Ordering::SeqCst) { Err(BackendError::new(SECRET)) } else { Ok(&self.sessions) }
    }
}

impl SessionStore for SuiteStore {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        self.up()?.create(session, ends).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.up()?.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let row = self.up()?.rotate(id, generation, rotation).await?;
        self.rotations.fetch_add(u64::from(row.is_some()), Ordering::SeqCst);
        Ok(row)
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.up()?.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        self.up()?.revoke(ends, now).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        self.up()?.outdate(subject, claims, now).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.up()?.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.up()?.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.up()?.prune(before, limit).await
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("store down: verified requests need none", |site| async move {
            let mut alice = site.alice().await;
            site.store.break_down();
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/protected").csrf().send().await, "200");
            site.expect("nobody", &site.visitor().get("/protected").send().await, "401 missing_token");
        }),
        Case::new("store down: a refresh answers 503 and the cookies stay", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            site.store.break_down();
            for path in ["/protected", "/anyone", "/guarded/page", "/nested/inner", "/user"] {
                let refused = alice.get(path).accept_json().send().await;
                site.expect(path, &refused, "503 store_unavailable");
                site.same("Retry-After", refused.header("retry-after"), Some("5"));
                let page = alice.get(path).accept_html().send().await;
                site.expect(path, &page, "503");
                site.same("a page", page.header("content-type"), Some("text/html; charset=utf-8"));
            }
            site.store.repair();
            site.expect("afterwards", &alice.get("/protected").send().await, "200 +access +refresh");
        }),
        Case::new("store down: nobody logs in or out", |site| async move {
            let mut alice = site.alice().await;
            site.store.break_down();
            let log_in = site.visitor().post("/login").json(&json!({ "sub": "bob" })).send().await;
            site.expect("log-in", &log_in, "503 store_unavailable");
            site.expect("log-out", &alice.post("/logout").csrf().send().await, "503 store_unavailable");
            site.expect("refresh", &alice.post("/token/refresh").csrf().send().await, "503 store_unavailable");
            site.expect("renew", &alice.post("/renew").csrf().send().await, "503 store_unavailable");
            let form = site.visitor().get("/form").send().await;
            site.same("a form needs no store", form.set_cookie(PRE_SESSION).is_some(), true);
            site.store.repair();
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("store down: the application's own look-up fails", user_lookup),
    ]
}

async fn user_lookup(site: Site) {
    let mut broken = site.browser_of("broken").await;
    for path in ["/user", "/user/optional"] {
        let refused = broken.get(path).accept_json().send().await;
        site.expect(path, &refused, "503 store_unavailable");
        site.same("Retry-After", refused.header("retry-after"), Some("5"));
        site.expect("a page", &broken.get(path).accept_html().send().await, "503");
    }
    site.expect("elsewhere", &broken.get("/protected").send().await, "200");
}

//! Claims that the application loads for each token with a callback. The callback can wait and can fail.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use hardtack::authenticator::SessionError;
use hardtack::jwt::NoExtra;
use hardtack::token::IssueError;
use hardtack::{Authenticator, BackendError, Need, RefreshMode};
use serde::Serialize;
use serde_json::json;

use crate::support::{Browser, Handled, Request, Site, block_on, log_in, page};

/// The application's table of levels.
#[derive(Clone, Default)]
struct Levels {
    level: Arc<AtomicU64>,
    /// Counts the calls. The call with the number in `fails_at`, and all later ones, fail.
    calls: Arc<AtomicU64>,
    fails_at: Arc<AtomicU64>,
    /// The next look-up changes the level, and reloads the claims, before it returns the level from before the change.
    changes: Arc<AtomicBool>,
    auth: Arc<OnceLock<Authenticator>>,
}

#[derive(Serialize)]
struct Level {
    level: u64,
}

impl Levels {
    /// Waits once, as a query does, and returns the level.
    async fn of(self, subject: String) -> Result<Level, BackendError> {
        let level = self.level.load(Ordering::SeqCst);
        wait().await;
        let fails_at = self.fails_at.load(Ordering::SeqCst);
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 >= fails_at && fails_at > 0 {
            return Err(BackendError::new("internal details of the database"));
        }
        if self.changes.swap(false, Ordering::SeqCst) {
            self.level.store(level + 1, Ordering::SeqCst);
            self.auth.get().unwrap().reload_claims(&subject).await?;
        }
        Ok(Level { level })
    }

    fn fail_at_call(&self, number: u64) {
        self.calls.store(0, Ordering::SeqCst);
        self.fails_at.store(number, Ordering::SeqCst);
    }

    fn work(&self) {
        self.fails_at.store(0, Ordering::SeqCst);
    }
}

/// Yields to the executor once.
async fn wait() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn site(mode: RefreshMode) -> (Site, Levels) {
    let levels = Levels::default();
    let of = levels.clone();
    let site =
        Site::with(|builder| builder.refresh_mode(mode).additional_claims(move |subject, _| of.clone().of(subject)));
    levels.auth.set(site.auth.clone()).unwrap();
    (site, levels)
}

const MODES: [RefreshMode; 2] = [RefreshMode::Transparent, RefreshMode::Sliding];

#[test]
fn claims_may_be_waited_for() {
    for mode in MODES {
        let (site, levels) = site(mode);
        let mut alice = site.browser_of("alice");
        assert_eq!(site.visit(&mut alice).token().claim("level"), 0);
        levels.level.store(7, Ordering::SeqCst);
        site.advance(14 * 60);
        site.visit(&mut alice);
        assert_eq!(site.refresh_or_reauthenticate(&mut alice, mode), 200);
        assert_eq!(site.visit(&mut alice).token().claim("level"), 7, "{mode:?}");
        assert_eq!(site.renew(&mut alice).status, 200);
        assert_eq!(site.visit(&mut alice).token().claim("level"), 7, "{mode:?}");
    }
}

impl Site {
    /// Replaces the tokens on request.
    fn refresh_or_reauthenticate(&self, browser: &mut Browser, mode: RefreshMode) -> u16 {
        match mode {
            RefreshMode::Sliding => self.reauthenticate(browser, "alice").status,
            _ => self.refresh(browser).status,
        }
    }
}

#[test]
fn a_token_without_a_session_is_issued_with_claims_that_are_waited_for() {
    let (site, _) = site(RefreshMode::Transparent);
    let refused = site.auth.access_token("alice").issue();
    assert!(matches!(refused, Err(IssueError::ClaimsNotReady)), "{refused:?}");
    let token = block_on(site.auth.access_token("alice").claim("role", "editor").issue_async()).unwrap();
    let token = site.auth.decode_any::<NoExtra>(token.as_str()).unwrap();
    assert_eq!((token.claim("level"), token.claim("role")), (json!(0), json!("editor")));
}

/// A database that is down for long logs no user out, because the refresh token has not been used up.
#[test]
fn s41_a_refresh_whose_claims_cannot_be_loaded_uses_up_no_token() {
    for mode in MODES {
        let (site, levels) = site(mode);
        let mut alice = site.browser_of("alice");
        site.advance(if mode == RefreshMode::Sliding { 10 * 60 } else { 16 * 60 });
        levels.fail_at_call(1);
        for _ in 0..3 {
            let refused = site.visit(&mut alice);
            assert!(refused.is_refused(503, "store_unavailable"), "{} {}", refused.status, refused.code);
            assert!(!refused.body.contains("details") && refused.cookies.is_empty());
            site.advance(if mode == RefreshMode::Sliding { 1 } else { 3600 });
        }
        assert_eq!(site.live_sessions("alice")[0].generation, 1);
        levels.work();
        assert_eq!(site.visit(&mut alice).status, 200, "{mode:?}");
        assert_eq!(site.live_sessions("alice")[0].generation, 2);
    }
}

#[test]
fn a_log_in_whose_claims_cannot_be_loaded_leaves_no_session() {
    let (site, levels) = site(RefreshMode::Transparent);
    for call in [1, 2] {
        levels.fail_at_call(call);
        let refused = site.respond(&Browser::default(), Request::post("/login").json(), log_in("alice"));
        assert!(refused.is_refused(503, "store_unavailable"), "{} {}", refused.status, refused.code);
        assert!(refused.cookies.is_empty() && site.live_sessions("alice").is_empty(), "call {call}");
    }
    levels.work();
    let mut alice = site.browser_of("alice");
    assert_eq!(site.visit(&mut alice).status, 200);
}

/// The claims change after the callback has read them and before the tokens are issued.
#[test]
fn s39_a_change_between_the_look_up_and_the_rotation_is_not_lost() {
    for mode in MODES {
        let (site, levels) = site(mode);
        let mut alice = site.browser_of("alice");
        site.advance(if mode == RefreshMode::Sliding { 10 * 60 } else { 16 * 60 });
        levels.changes.store(true, Ordering::SeqCst);
        site.visit(&mut alice);
        assert_eq!(site.visit(&mut alice).token().claim("level"), 1, "{mode:?}");
        levels.changes.store(true, Ordering::SeqCst);
        assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
        assert_eq!(site.visit(&mut alice).token().claim("level"), 2, "{mode:?}");
    }
}

#[test]
fn s39_a_change_during_the_log_in_is_not_lost() {
    let (site, levels) = site(RefreshMode::Transparent);
    levels.changes.store(true, Ordering::SeqCst);
    let mut alice = site.browser_of("alice");
    assert_eq!(site.visit(&mut alice).token().claim("level"), 1);
}

#[test]
fn claims_that_are_not_an_object_issue_nothing() {
    let site = Site::with(|builder| builder.additional_claims(async |_, _| Ok("editor")));
    let refused = site.respond(&Browser::default(), Request::post("/login").json(), log_in("alice"));
    assert!(refused.is_refused(500, "cannot_issue"));
    assert!(site.live_sessions("alice").is_empty());
    let refused = block_on(site.auth.access_token("alice").issue_async());
    assert!(matches!(refused, Err(SessionError::Issue(IssueError::NotAnObject))), "{refused:?}");
}

#[test]
fn a_failed_look_up_is_no_missing_claim() {
    let (site, levels) = site(RefreshMode::Transparent);
    let alice = site.browser_of("alice");
    assert_eq!(site.respond(&alice, Request::get("/"), page(Need::access())).status, 200);
    levels.fail_at_call(1);
    let refused = block_on(site.auth.access_token("alice").issue_async());
    assert!(matches!(refused, Err(SessionError::Store(_))), "{refused:?}");
    // A valid token needs no look-up.
    assert_eq!(site.respond(&alice, Request::get("/"), page(Need::access())).status, 200);
}

/// Polls a future `polls` times, and returns whether it has completed.
fn poll_times(future: impl Future, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

/// The client hangs up while the claims are loaded, at each moment in turn.
#[test]
fn s32_a_request_that_is_cut_off_while_claims_are_loaded_can_be_repeated() {
    for mode in MODES {
        let mut polls = 1;
        loop {
            let (site, levels) = site(mode);
            let mut alice = site.browser_of("alice");
            site.advance(if mode == RefreshMode::Sliding { 10 * 60 } else { 16 * 60 });
            levels.changes.store(true, Ordering::SeqCst);
            let mut completed = false;
            site.respond(&alice, Request::get("/"), |exchange| {
                completed = poll_times(exchange.verify::<NoExtra>(Need::access()), polls);
                Ok(Handled::default())
            });
            site.visit(&mut alice);
            let response = site.visit(&mut alice);
            let level = levels.level.load(Ordering::SeqCst);
            assert_eq!((response.status, response.token().claim("level")), (200, json!(level)), "{mode:?}, {polls}");
            assert_eq!(site.live_sessions("alice").len(), 1);
            if completed {
                break;
            }
            polls += 1;
        }
        // Each look-up waits once: before the rotation, and after it because of the change.
        assert_eq!(polls, 3, "{mode:?}");
    }
}

#[test]
fn a_log_in_that_is_cut_off_while_claims_are_loaded_can_be_repeated() {
    for polls in 1..=3 {
        let (site, _) = site(RefreshMode::Transparent);
        let mut completed = false;
        site.respond(&Browser::default(), Request::post("/login").json(), |exchange| {
            completed = poll_times(exchange.log_in("alice"), polls);
            Ok(Handled::default())
        });
        assert_eq!(completed, polls == 3);
        let mut alice = site.browser_of("alice");
        assert_eq!(site.visit(&mut alice).token().claim("level"), 0);
    }
}

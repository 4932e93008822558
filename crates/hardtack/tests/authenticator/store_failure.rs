//! A session store that is down.

use std::future::Future;
use std::task::{Context, Waker};

use hardtack::session::SessionStore;
use hardtack::testing::{FailingSessions, Fault, FaultySessions};
use hardtack::{KeySet, MemorySessions, Need, RefreshMode};

use crate::events::Log;
use crate::support::{Browser, Request, Site, block_on, key, log_in, page};

fn site(mode: RefreshMode) -> (Site, FailingSessions) {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder.refresh_mode(mode));
    (site, store)
}

#[test]
fn s41_a_store_that_is_down_is_503_and_never_anonymous() {
    let (site, store) = site(RefreshMode::Transparent);
    let mut alice = site.browser_of("alice");
    let csrf = alice.csrf();
    let token = |need| move |exchange: &hardtack::adapter::Exchange<'_>| page(need)(exchange);
    store.fail();
    // A valid access token needs no query to the store.
    assert_eq!(site.visit(&mut alice).status, 200);
    site.advance(1000);
    let before = alice.cookies_for("/", site.auth.now());
    for wants in [|request: Request| request, Request::person, Request::htmx] {
        let get = || wants(Request::get("/page"));
        let post = || wants(Request::post("/page")).csrf(&csrf);
        let responses = [
            site.send(&mut alice, get(), token(Need::access())),
            site.send(&mut alice, get(), token(Need::access().optional())),
            site.send(&mut alice, get(), token(Need::access().fresh())),
            site.send(&mut alice, post(), crate::support::refresh),
            site.send(&mut alice, post(), crate::support::log_out),
            site.send(&mut alice, post(), crate::support::renew),
            site.send(&mut alice, post(), crate::support::reauthenticate("alice")),
            site.send(&mut alice, wants(Request::post("/login")).json(), log_in("alice")),
            site.send(&mut Browser::default(), wants(Request::post("/login")).json(), log_in("alice")),
        ];
        for response in responses {
            assert!(response.is_refused(503, "store_unavailable"), "{} {}", response.status, response.code);
            assert!(response.token.is_none() && response.cookies.is_empty());
            for text in
                [Some(response.body), response.location, response.hx_redirect, response.challenge].into_iter().flatten()
            {
                assert!(!text.contains(FailingSessions::ERROR), "{text}");
            }
        }
    }
    assert_eq!(alice.cookies_for("/", site.auth.now()), before);
    store.recover();
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn e01_a_session_that_the_store_has_stored_is_used_although_the_reply_was_lost() {
    let store = FaultySessions::new(MemorySessions::new());
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder);
    let count = |user: &str| block_on(store.store().list(user, site.auth.now())).unwrap().len();
    for call in 1.. {
        // A log-in leaves no session behind an error.
        let user = format!("user{call}");
        let mut browser = Browser::default();
        store.inject(call, Fault::LoseReply);
        let response = site.send(&mut browser, Request::post("/login").json(), log_in(&user));
        store.clear();
        assert_eq!(usize::from(response.status == 200), count(&user), "call {call}");
        // A password change leaves no session that no browser uses. A copied device is logged out.
        let mut browser = site.browser_of("alice");
        let mut other = site.browser_of("alice");
        let csrf = browser.csrf();
        store.inject(call, Fault::LoseReply);
        let changed = site.send(&mut browser, Request::post("/renew").csrf(&csrf), crate::support::renew);
        let calls = store.calls();
        store.clear();
        let usable = [site.visit(&mut browser).status, site.visit(&mut other).status].map(|status| status == 200);
        assert_eq!(count("alice"), usable.into_iter().filter(|usable| *usable).count(), "call {call}: {usable:?}");
        assert_eq!(changed.status == 200, usable == [true, false], "call {call}: {usable:?}");
        block_on(site.auth.revoke_all_sessions("alice")).unwrap();
        if calls < call {
            break;
        }
    }
}

#[test]
fn e01_a_re_authentication_whose_reply_was_lost_logs_nobody_out() {
    for mode in [RefreshMode::Transparent, RefreshMode::Sliding] {
        let store = FaultySessions::new(MemorySessions::new());
        let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder.refresh_mode(mode));
        for fault in [Fault::LoseReply, Fault::Fail] {
            for call in 1.. {
                let mut alice = site.browser_of("alice");
                site.advance(60);
                let csrf = alice.csrf();
                store.inject(call, fault);
                let request = Request::post("/reauthenticate").csrf(&csrf);
                let response = site.send(&mut alice, request, crate::support::reauthenticate("alice"));
                let calls = store.calls();
                store.clear();
                assert_eq!(
                    site.visit(&mut alice).status,
                    200,
                    "{mode:?}, {fault:?} at call {call}: {}",
                    response.status
                );
                if calls < call {
                    break;
                }
            }
        }
    }
}

#[test]
fn s41_a_new_generation_is_confirmed_or_503() {
    let (site, store) = site(RefreshMode::Transparent);
    let mut alice = site.browser_of("alice");
    site.refresh(&mut alice);
    store.fail();
    assert!(site.visit(&mut alice).is_refused(503, "store_unavailable"));
    store.recover();
    assert_eq!(site.visit(&mut alice).status, 200);
    assert!(block_on(store.sessions().list("alice", site.auth.now())).unwrap()[0].confirmed);
    // From now on, the store is not queried.
    store.fail();
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn s41_a_token_that_cannot_slide_is_503() {
    let (site, store) = site(RefreshMode::Sliding);
    let mut alice = site.browser_of("alice");
    site.advance(500);
    store.fail();
    assert!(site.visit(&mut alice).is_refused(503, "store_unavailable"));
}

#[test]
fn a_log_out_fails_if_the_store_fails() {
    let (site, store) = site(RefreshMode::Transparent);
    let mut alice = site.browser_of("alice");
    store.fail();
    let response = site.log_out(&mut alice);
    assert_eq!((response.status, response.cookies.len()), (503, 0));
    store.recover();
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_eq!(site.log_out(&mut alice).status, 200);
}

#[test]
fn calls_outside_of_requests_return_the_error_of_the_store() {
    let (site, store) = site(RefreshMode::Transparent);
    store.fail();
    let error = block_on(site.auth.log_in("alice")).unwrap_err();
    assert!(hardtack::error::WithCauses(&error).to_string().contains(FailingSessions::ERROR));
    assert!(block_on(site.auth.sessions("alice")).is_err());
    assert!(block_on(site.auth.sync_revocations()).is_err());
    assert!(block_on(site.auth.prune_sessions(10)).is_err());
    assert!(block_on(site.auth.revoke_all_sessions("alice")).is_err());
    store.recover();
    assert_eq!(block_on(site.auth.prune_sessions(10)).unwrap(), 0);
}

/// A client can send any number of requests during an outage.
#[test]
fn an_outage_is_logged_once_a_second() {
    let (site, store) = site(RefreshMode::Transparent);
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    store.fail();
    let mut refused = |requests: usize| {
        let lines = Log::of(|| {
            for _ in 0..requests {
                assert!(site.visit(&mut alice).is_refused(503, "store_unavailable"));
            }
        });
        lines.into_iter().filter(|line| line.contains("event=refused")).collect::<Vec<_>>()
    };
    let first = refused(1000);
    assert!(first.len() == 1 && first[0].starts_with("ERROR") && !first[0].contains("not_logged"), "{first:?}");
    assert!(first[0].contains(FailingSessions::ERROR), "{first:?}");
    assert!(refused(10).is_empty());
    site.advance(1);
    let next = refused(3);
    assert!(next.len() == 1 && next[0].contains("not_logged=1009"), "{next:?}");
    // If there are no further requests, the background job logs the number.
    site.advance(1);
    store.recover();
    let rest = Log::of(|| {
        let mut work = Box::pin(site.auth.clone().follow_revocations(|_| std::future::pending::<()>()));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let rest: Vec<_> = rest.into_iter().filter(|line| line.contains("event=refused")).collect();
    assert!(rest.len() == 1 && rest[0].contains("code=store_unavailable not_logged=2"), "{rest:?}");
}

//! A re-authentication replaces the tokens of its session: the earlier tokens are refused at once.

use std::sync::{Arc, Mutex};

use hardtack::clock::Clock;
use hardtack::event::EventKind;
use hardtack::session::{RefreshFlaw, SessionPolicy};
use hardtack::{KeySet, MemorySessions, Need, RefreshMode};

use crate::support::{Request, Response, Site, block_on, key, page, reauthenticate, seconds};

/// The cookie with the mark of a re-authentication.
const MARK: &str = "reauthentication_mark";

#[test]
fn s27_the_tokens_that_a_reauthentication_replaces_are_refused_at_once() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Off] {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let mut alice = site.browser_of("alice");
        for wait in [0, 400] {
            site.advance(wait);
            let copy = alice.clone();
            assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200, "{mode:?}");
            for request in [Request::get("/page"), Request::post("/page").csrf(&copy.csrf())] {
                let response = site.respond(&copy, request, page(Need::access()));
                assert_eq!(response.status, 401, "{mode:?}");
                assert!(!response.deletes("refresh_token_cookie"), "{mode:?}: the browser has newer cookies");
            }
            let optional = site.respond(&copy, Request::get("/page"), page(Need::access().optional()));
            assert!(optional.token.is_none(), "{mode:?}");
            let refused = site.refresh(&mut copy.clone());
            assert!(refused.is_refused(401, "revoked") && refused.cookies.is_empty(), "{mode:?}: {}", refused.code);
            // The session continues with its new tokens, which are fresh.
            let fresh = site.send(&mut alice, Request::get("/page"), page(Need::access().fresh()));
            assert_eq!(fresh.status, 200, "{mode:?}");
            assert_eq!(site.refresh(&mut alice).status, 200, "{mode:?}");
        }
    }
}

#[test]
fn s27_a_reauthentication_within_the_second_of_the_log_in_replaces_the_tokens_too() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    for _ in 0..3 {
        let copy = alice.clone();
        assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
        assert!(site.respond(&copy, Request::get("/page"), page(Need::access())).is_refused(401, "revoked"));
        assert_eq!(site.visit(&mut alice).status, 200);
    }
}

#[test]
fn s27_in_sliding_mode_the_replaced_token_cannot_slide() {
    let site = Site::with(|builder| {
        let policy = SessionPolicy::default().absolute_lifetime(seconds(3600));
        builder.refresh_mode(RefreshMode::Sliding).session_policy(policy)
    });
    let mut alice = site.browser_of("alice");
    let copy = alice.clone();
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    for wait in [0, 31, 500] {
        site.advance(wait);
        let response = site.respond(&copy, Request::get("/page"), page(Need::access()));
        assert!(response.status == 401 && response.cookies.is_empty(), "{wait}: {}", response.code);
        assert_eq!(site.visit(&mut alice).status, 200, "{wait}");
    }
}

#[test]
fn s27_another_server_refuses_the_replaced_token_when_it_has_read_the_log() {
    let (store, keys) = (MemorySessions::new(), KeySet::new(key()));
    let policy = || SessionPolicy::default().max_staleness(seconds(5));
    let [here, there] = [(); 2].map(|()| Site::over(store.clone(), keys.clone(), |b| b.session_policy(policy())));
    let mut alice = here.browser_of("alice");
    let copy = alice.clone();
    block_on(there.auth.sync_revocations()).unwrap();
    assert_eq!(there.respond(&copy, Request::get("/page"), page(Need::access())).status, 200);
    assert_eq!(here.reauthenticate(&mut alice, "alice").status, 200);
    block_on(there.auth.sync_revocations()).unwrap();
    assert!(there.respond(&copy, Request::get("/page"), page(Need::access())).is_refused(401, "revoked"));
    assert_eq!(there.visit(&mut alice).status, 200);
}

/// Within the race window, the old refresh token may come from a request that the browser had already sent. Later, it
/// is a sign of theft.
#[test]
fn s27_requests_in_flight_end_nothing_and_a_later_use_of_the_old_token_ends_the_session() {
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let seen = kinds.clone();
    let site = Site::with(|builder| builder.on_event(move |event| seen.lock().unwrap().push(event.kind)));
    let mut alice = site.browser_of("alice");
    let copy = alice.clone();
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    assert_eq!(site.visit(&mut alice).status, 200);
    site.advance(30);
    assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut alice).status, 200);
    let superseded = EventKind::RefreshRefused(RefreshFlaw::Superseded);
    assert_eq!(kinds.lock().unwrap().iter().filter(|kind| **kind == superseded).count(), 1);
    assert!(!kinds.lock().unwrap().contains(&EventKind::ReuseDetected));
    site.advance(1);
    assert!(site.refresh(&mut copy.clone()).is_refused(401, "refresh_reused"));
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn s27_only_the_same_form_sent_twice_gets_the_same_tokens_again() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Off] {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let alice = site.browser_of("alice");
        site.advance(5);
        let send = |site: &Site, value: &str, subject: &'static str| {
            let request = Request::post("/reauthenticate").csrf(value);
            site.respond(&alice, request, reauthenticate(subject))
        };
        let first = send(&site, &alice.csrf(), "alice");
        let again = send(&site, &alice.csrf(), "alice");
        let cookie = |response: &Response| response.set_cookie("refresh_token_cookie").map(str::to_owned);
        assert_eq!((first.status, again.status), (200, 200), "{mode:?}: {}", again.code);
        assert_eq!(cookie(&first), cookie(&again), "{mode:?}");
        assert_eq!(send(&site, &alice.csrf(), "bob").status, 401, "{mode:?}");
        assert_eq!(send(&site, "forged", "alice").status, 403, "{mode:?}");
        site.advance(31);
        assert_eq!(send(&site, &alice.csrf(), "alice").status, 401, "{mode:?}");
    }
}

/// A change of the claims does not replace refresh tokens, even right after a re-authentication.
#[test]
fn changed_claims_neither_replace_refresh_tokens_nor_revive_them() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let copy = alice.clone();
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    block_on(site.auth.change_claims("alice", &serde_json::json!({ "role": "admin" }))).unwrap();
    assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"));
    let late = alice.clone();
    assert_eq!(site.visit(&mut alice).token().claim("role"), "admin");
    // A second tab races with the refresh.
    assert_eq!(site.visit(&mut late.clone()).status, 200);
}

/// The browser sends a refresh and then a re-authentication. The server handles them in this order, but the response to
/// the refresh arrives last, and overwrites the tokens of the re-authentication.
#[test]
fn s27_a_refresh_that_arrives_after_a_reauthentication_logs_no_owner_out() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Off] {
        let kinds = Arc::new(Mutex::new(Vec::new()));
        let seen = kinds.clone();
        let site = Site::with(|builder| {
            builder.refresh_mode(mode).on_event(move |event| seen.lock().unwrap().push(event.kind))
        });
        let mut alice = site.browser_of("alice");
        for wait in [0, 31, 600] {
            let refreshed = site.refresh(&mut alice.clone());
            assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200, "{mode:?}");
            let mark = alice.value(MARK).unwrap().to_owned();
            alice.receive(&refreshed, site.clock.now());
            assert_eq!(alice.value(MARK), Some(&*mark), "{mode:?}");
            site.advance(wait);
            // A copy from before the re-authentication has the same tokens, but no mark.
            let mut copy = alice.without(&[MARK]);
            assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"), "{mode:?} {wait}");
            assert!(
                site.refresh(&mut copy.with("__Host-Http-reauthentication_mark", "AAAAAAAAAAAAAAAAAAAAAA"))
                    .is_refused(401, "revoked")
            );
            copy = alice.without(&[MARK]);
            assert_eq!(site.respond(&copy, Request::get("/page"), page(Need::access())).status, 401, "{mode:?}");
            let mut other_tab = alice.clone();
            // Two requests with the same cookies, before the browser has used the new tokens.
            for browser in [&mut alice, &mut other_tab] {
                let response = match mode {
                    RefreshMode::Transparent => site.visit(browser),
                    _ => site.refresh(browser),
                };
                assert_eq!(response.status, 200, "{mode:?} {wait}: {}", response.code);
            }
            assert_eq!(site.visit(&mut alice).status, 200, "{mode:?} {wait}");
            assert_eq!(alice.refresh(), other_tab.refresh(), "the race adds no generation");
            // The password is not needed again, but the access token of the refresh is not fresh.
            let fresh = site.send(&mut other_tab, Request::get("/page"), page(Need::access().fresh()));
            assert_eq!(fresh.code, "insufficient_user_authentication");
        }
        let kinds = kinds.lock().unwrap();
        assert!(!kinds.contains(&EventKind::ReuseDetected), "{mode:?}");
    }
}

/// The access token has expired, so the request that re-authenticates refreshes first, and so does another tab. The
/// response to the other tab arrives last.
#[test]
fn s27_a_page_that_arrives_after_a_reauthentication_logs_no_owner_out() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(901);
    let other_tab = site.visit(&mut alice.clone());
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    alice.receive(&other_tab, site.clock.now());
    site.advance(5);
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_eq!(site.visit(&mut alice).status, 200);
}

/// As with an ordinary refresh, the browser has ten minutes to get the new tokens.
#[test]
fn s27_a_mark_does_not_extend_the_time_for_lost_responses() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let refreshed = site.refresh(&mut alice.clone());
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    let mut used = alice.clone();
    alice.receive(&refreshed, site.clock.now());
    // Once the new tokens have been used, only the race window remains.
    assert_eq!(site.visit(&mut used).status, 200);
    site.advance(31);
    assert!(site.refresh(&mut alice).is_refused(401, "refresh_reused"));
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn s27_in_sliding_mode_a_late_response_logs_no_owner_out() {
    let site = Site::with(|builder| {
        let policy = SessionPolicy::default().absolute_lifetime(seconds(3600));
        builder.refresh_mode(RefreshMode::Sliding).session_policy(policy)
    });
    let mut alice = site.browser_of("alice");
    site.advance(500);
    let slid = site.visit(&mut alice.clone());
    assert!(slid.set_cookie("access_token_cookie").is_some());
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    alice.receive(&slid, site.clock.now());
    let copy = alice.without(&[MARK]);
    assert_eq!(site.respond(&copy, Request::get("/page"), page(Need::access())).status, 401);
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_eq!(site.visit(&mut alice).status, 200);
}

//! Routes that need a recent proof of the device's key.

use std::time::Duration;

use hardtack::event::EventKind;
use hardtack::{Need, TokenLocation};

use crate::device::{ACCESS, Bound, count, site};
use crate::support::{Browser, Request, Response, Site, page};

const NEED: Need = Need::access().proven(Duration::from_secs(300));

fn transfer(site: &Site, browser: &mut Browser) -> Response {
    let request = Request::post("/transfer?to=bob").csrf(&browser.csrf()).person();
    site.send(browser, request, page(NEED))
}

#[test]
fn s90_a_browser_is_redirected_to_the_same_url_and_proves_its_key() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    // The binding was a proof.
    for (wait, status) in [(0, 200), (300, 200), (1, 307)] {
        site.advance(wait);
        let response = transfer(&site, &mut alice.browser);
        assert_eq!(response.status, status, "{} {}", response.code, response.body);
        if status == 307 {
            assert_eq!(response.location.as_deref(), Some("/transfer?to=bob"));
            assert!(response.no_store && response.deletes(ACCESS) && !response.deletes("refresh_token_cookie"));
            assert_eq!(response.code, "device_proof_needed");
        }
    }
    // The browser has no access cookie, so it refreshes, and then repeats the request.
    assert!(alice.browser.value(ACCESS).is_none());
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(transfer(&site, &mut alice.browser).status, 200);
    // Every refresh is a proof, and lasts for 300 seconds.
    site.advance(299);
    assert_eq!(transfer(&site, &mut alice.browser).status, 200);
    assert_eq!(alice.refresh(&site).status, 200);
    site.advance(300);
    assert_eq!(transfer(&site, &mut alice.browser).status, 200);
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 0);
}

#[test]
fn s90_a_copy_without_the_key_is_refused() {
    let (site, events) = site();
    let alice = Bound::log_in(&site, "alice");
    site.advance(301);
    let mut thief = alice.browser.clone();
    assert_eq!(site.visit(&mut thief).status, 200, "the access token is a bearer token");
    assert_eq!(transfer(&site, &mut thief).status, 307);
    // The thief obeys: no access cookie is left, and the refresh cookie gets none.
    let refused = transfer(&site, &mut thief);
    assert!(refused.status == 303 && refused.code == "unproven_refresh", "{} {}", refused.status, refused.code);
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 1);
    // The thief keeps the cookies: redirected once, then refused.
    let stubborn = alice.browser.clone();
    let mut noted = stubborn.clone().with("__Host-Http-device_proof", "redirected");
    let refused = transfer(&site, &mut noted);
    assert_eq!((refused.status, refused.code), (303, "device_proof_needed"));
    assert!(refused.location.unwrap().starts_with("/reauthenticate"));
    let request = Request::get("/transfer").field("accept", "application/json");
    let problem = site.send(&mut noted, request, page(NEED));
    assert!(problem.is_refused(401, "device_proof_needed"));
    assert!(problem.challenge.unwrap().contains("insufficient_user_authentication"));
    // The token in a header is no proof either, and is not redirected.
    let need = NEED.locations([TokenLocation::Headers]);
    let request = Request::get("/transfer").bearer(stubborn.value(ACCESS).unwrap());
    assert!(site.send(&mut Browser::default(), request, page(need)).is_refused(401, "device_proof_needed"));
}

#[test]
fn s90_a_password_is_no_proof_for_a_bound_session() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    site.advance(301);
    assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
    assert_eq!(transfer(&site, &mut alice.browser).code, "device_proof_needed");
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(transfer(&site, &mut alice.browser).status, 200);
    // A re-authentication keeps the time of the last proof.
    site.advance(100);
    assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
    site.advance(200);
    assert_eq!(transfer(&site, &mut alice.browser).status, 200);
    site.advance(1);
    assert_eq!(transfer(&site, &mut alice.browser).code, "device_proof_needed");
}

#[test]
fn s90_without_a_key_the_user_types_the_password() {
    let (site, _) = site();
    let mut alice = site.browser_of("alice");
    assert_eq!(transfer(&site, &mut alice).status, 200, "the log-in is recent");
    site.advance(901);
    let response = transfer(&site, &mut alice);
    assert_eq!((response.status, response.code), (303, "insufficient_user_authentication"));
    assert!(response.location.unwrap().starts_with("/reauthenticate"));
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    assert_eq!(transfer(&site, &mut alice).status, 200);
    // Both: a recent proof and a recent password.
    let (mut bound, both) = (Bound::log_in(&site, "bob"), NEED.fresh());
    let ask = |browser: &mut Browser| site.send(browser, Request::get("/page"), page(both)).code;
    assert_eq!(ask(&mut bound.browser), "");
    assert_eq!(bound.refresh(&site).status, 200);
    assert_eq!(ask(&mut bound.browser), "insufficient_user_authentication");
}

/// Chromium makes at most six proofs in nine minutes.
#[test]
fn s90_routes_and_refreshes_together_ask_for_few_proofs() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    // A shorter time counts as 120 seconds.
    let need = Need::access().proven(Duration::from_secs(1));
    let mut proofs = vec![0];
    for second in 1..3600 {
        site.advance(1);
        let response = site.send(&mut alice.browser, Request::get("/page"), page(need));
        if response.status == 307 {
            assert_eq!(alice.refresh(&site).status, 200);
            proofs.push(second);
            assert_eq!(site.send(&mut alice.browser, Request::get("/page"), page(need)).status, 200);
        } else {
            assert_eq!(response.status, 200, "{}", response.code);
        }
    }
    assert!(proofs.windows(7).all(|window| window[6] - window[0] > 9 * 60), "{proofs:?}");
    assert_eq!(count(&events, EventKind::ProofFailed), 0);
}

#[test]
fn a_forged_claim_is_not_a_proof() {
    // The claim is reserved, so an application cannot set it for a session that is not bound.
    let (site, _) = site();
    let log_in = hardtack::LogIn::new("alice").claim("proven_at", 1_800_000_000_u64);
    let response = site.respond(&Browser::default(), Request::post("/login").json(), crate::support::log_in(log_in));
    assert_eq!(response.status, 500, "{}", response.code);
    let mut alice = Bound::log_in(&site, "alice");
    let token = |browser: &mut Browser| site.visit(browser).token().claims().clone();
    let bound = token(&mut alice.browser);
    assert_eq!(bound.proven_at, Some(bound.issued_at));
    assert_eq!(token(&mut site.browser_of("bob")).proven_at, None);
}

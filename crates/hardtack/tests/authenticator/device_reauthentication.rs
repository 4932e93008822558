//! Re-authentications of bound sessions, and refreshes that are in flight at the same moment.

use hardtack::Need;
use hardtack::clock::Clock;
use hardtack::event::EventKind;

use crate::device::{ACCESS, Bound, count, post_bound, row, site};
use crate::support::{Browser, Request, page, seconds};

/// The cookie that says what the browser was told to do so that it sends a proof.
const NOTE: &str = "device_proof";

/// The cookie with the mark of a re-authentication.
const MARK: &str = "reauthentication_mark";

#[test]
fn a_log_in_that_is_recent_stays_recent_when_it_is_bound() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let fresh = |browser: &mut Browser| site.send(browser, Request::get("/page"), page(Need::access().fresh())).status;
    assert_eq!(fresh(&mut alice.browser), 200);
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(fresh(&mut alice.browser), 401);
    // A re-authentication needs no proof, because the user enters the password. The session stays bound.
    let response = site.reauthenticate(&mut alice.browser, "alice");
    assert_eq!(response.status, 200, "{}", response.code);
    assert!(response.set_cookie(ACCESS).unwrap().contains("; Max-Age=900;"));
    assert_eq!(fresh(&mut alice.browser), 200);
    assert!(row(&site, &alice.id).bound_key.is_some());
    site.advance(890);
    assert_eq!(alice.refresh(&site).status, 200);
}

/// The browser has sent a refresh and a re-authentication at once. The server handles the refresh first, but the
/// response to the refresh arrives last, and overwrites the tokens of the re-authentication.
#[test]
fn s89_a_refresh_that_arrives_after_a_reauthentication_logs_no_owner_out() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let overtake = |alice: &mut Bound| {
        let refreshed = alice.refresh_in_flight(&site);
        assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
        alice.browser.receive(&refreshed, site.clock.now());
    };
    for wait in [0, 31, 800, 901, 7200] {
        overtake(&mut alice);
        site.advance(wait);
        if alice.has_access(&site) {
            // The access token is outdated, so the browser is told to send a proof.
            assert_eq!(site.visit(&mut alice.browser).status, 307, "{wait}");
        }
        assert_eq!(alice.refresh(&site).status, 200, "{wait}");
        assert_eq!(site.visit(&mut alice.browser).status, 200, "{wait}");
        assert!(alice.browser.value(NOTE).is_none(), "the refresh deletes the note");
        assert!(alice.browser.value(MARK).is_some(), "the refresh keeps the mark");
    }
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 0);
    // The password is not needed again, but the access token of the refresh is not fresh.
    let fresh = site.send(&mut alice.browser, Request::get("/page"), page(Need::access().fresh()));
    assert_eq!(fresh.code, "insufficient_user_authentication");

    // A copy with the mark, but without the key, is refused. The key without the mark is refused, too: the user might
    // have re-authenticated on another device to lock this device out.
    overtake(&mut alice);
    let mut thief = alice.browser.clone();
    assert_eq!(post_bound(&site, &mut thief, Some(&alice.id), None).unwrap().status, 403);
    assert!(site.refresh(&mut thief.clone()).is_refused(401, "unproven_refresh"));
    assert_eq!(site.visit(&mut thief).status, 307);
    assert!(site.visit(&mut thief).is_refused(401, "unproven_refresh"));
    for mark in [None, Some(""), Some("."), Some("AAAAAAAAAAAAAAAAAAAAAA"), Some("é")] {
        let mut other = Bound { browser: alice.browser.without(&[MARK]), ..alice.clone() };
        if let Some(mark) = mark {
            other.browser = other.browser.with("__Host-Http-reauthentication_mark", mark);
        }
        assert_eq!(other.post(&site).status, 503, "{mark:?}");
    }
    assert_eq!(alice.refresh(&site).status, 200);
}

/// The server tells the browser to repeat a request, and is then down for longer than the note counts.
#[test]
fn a_mark_outlives_the_note_that_the_browser_was_told_to_prove_its_key() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let refreshed = alice.refresh_in_flight(&site);
    assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
    alice.browser.receive(&refreshed, site.clock.now());
    let mark = alice.browser.value(MARK).unwrap().to_owned();
    let outdated = alice.browser.clone();
    let told = site.visit(&mut alice.browser);
    assert_eq!(told.status, 307);
    assert!(told.set_cookie(NOTE).unwrap().contains("=redirected; Max-Age=10;") && told.set_cookie(MARK).is_none());
    // The note counts for ten seconds, so a browser without a proof is told once in this time.
    let mut still = alice.browser.clone().with("__Host-access_token_cookie", outdated.value(ACCESS).unwrap());
    for (wait, status) in [(0, 401), (9, 401), (1, 307)] {
        site.advance(wait);
        assert_eq!(site.visit(&mut still.clone()).status, status, "{wait}");
    }
    // The browser keeps the mark, and needs no log-in.
    site.advance(7200);
    still = alice.browser.clone();
    assert!(still.cookies_for("/token/bound", site.clock.now()).unwrap().contains(&mark));
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(alice.browser.value(MARK), Some(&*mark));
    assert_eq!(site.visit(&mut alice.browser).status, 200);
    assert_eq!(count(&events, EventKind::ReuseDetected) + count(&events, EventKind::ProofFailed), 0);
}

/// The browser has the mark of an earlier re-authentication when it refreshes. The response to the refresh arrives
/// after a second re-authentication, and must not delete the new mark.
#[test]
fn a_late_response_to_a_refresh_keeps_the_newer_mark() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    for _ in 0..3 {
        let refreshed = alice.refresh_in_flight(&site);
        assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
        let mark = alice.browser.value(MARK).unwrap().to_owned();
        alice.browser.receive(&refreshed, site.clock.now());
        assert_eq!(alice.browser.value(MARK), Some(&*mark));
        assert_eq!(site.visit(&mut alice.browser).status, 307);
        assert_eq!(alice.refresh(&site).status, 200);
        assert_eq!(site.visit(&mut alice.browser).status, 200);
        site.advance(2);
    }
}

/// The browser has a mark. A page then needs a recent proof, so the browser also gets a note, and refreshes. At the
/// same moment, the user re-authenticates in another tab. The two responses about the proof arrive last, and neither
/// may replace the new mark with the earlier one.
#[test]
fn s89_no_response_about_a_proof_replaces_a_newer_mark() {
    let proven = Need::access().proven(seconds(300));
    for told_last in [false, true] {
        let (site, events) = site();
        let mut alice = Bound::log_in(&site, "alice");
        assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
        assert_eq!(alice.refresh(&site).status, 200);
        let earlier = alice.browser.value(MARK).unwrap().to_owned();
        site.advance(400);
        let form = alice.browser.clone();
        let told = site.send(&mut alice.browser, Request::get("/transfer"), page(proven));
        assert_eq!(told.status, 307);
        assert!(alice.browser.value(NOTE).is_some());
        let refreshed = alice.refresh_in_flight(&site);
        let typed = site.reauthenticate(&mut form.clone(), "alice");
        assert_eq!(typed.status, 200, "{}", typed.code);
        for response in [&typed, &refreshed].into_iter().chain(told_last.then_some(&told)) {
            alice.browser.receive(response, site.clock.now());
        }
        assert_ne!(alice.browser.value(MARK), Some(&*earlier));
        let mut opened = site.visit(&mut alice.browser);
        if opened.status != 200 {
            assert_eq!(alice.refresh(&site).status, 200, "the user has to log in again");
            opened = site.visit(&mut alice.browser);
        }
        assert_eq!(opened.status, 200, "{}", opened.code);
        assert_eq!(count(&events, EventKind::ReuseDetected) + count(&events, EventKind::ProofFailed), 0);
    }
}

#[test]
fn each_reauthentication_sets_a_mark_of_its_own() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let refreshed = alice.refresh_in_flight(&site);
    let marked = site.reauthenticate(&mut alice.browser, "alice");
    let cookie = marked.set_cookie(MARK).unwrap();
    assert!(cookie.starts_with("__Host-Http-") && cookie.contains("HttpOnly"), "{cookie}");
    let mark = alice.browser.value(MARK).unwrap().to_owned();
    // The user types the password once more. The earlier mark is then worthless.
    let old = alice.browser.clone();
    site.advance(2);
    assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
    assert_ne!(alice.browser.value(MARK), Some(&*mark));
    let mut old = Bound { browser: old, ..alice.clone() };
    old.browser.receive(&refreshed, site.clock.now());
    assert_eq!(old.browser.value(MARK), Some(&*mark));
    assert_eq!(old.post(&site).status, 503);
    assert_eq!(alice.refresh(&site).status, 200);
    // The same for a session that is not bound.
    let mut bob = site.browser_of("bob");
    let copy = bob.clone();
    assert_eq!(site.refresh(&mut bob).status, 200);
    assert!(site.reauthenticate(&mut copy.clone(), "bob").set_cookie(MARK).is_some());
}

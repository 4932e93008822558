//! Logging out.

use hardtack::{Need, RefreshMode};

use crate::support::{Browser, Request, Site, log_out, page, refresh};

#[test]
fn s28_s29_copies_are_dead_after_a_log_out() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert!(alice.is_empty());
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
    site.advance(1000);
    assert!(
        site.visit(&mut stolen.clone()).is_refused(401, "session_ended")
            || site.visit(&mut stolen.clone()).is_refused(401, "revoked")
    );
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn a_log_out_works_long_after_the_access_token_expired() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    site.advance(80_000);
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert_eq!(site.refresh(&mut stolen.clone()).status, 401);
}

#[test]
fn a_log_out_without_a_session_succeeds() {
    let site = Site::new();
    let response = site.log_out(&mut Browser::default());
    assert_eq!(response.status, 200);
    assert!(response.deletes("access_token_cookie") && response.deletes("refresh_token_cookie"));
}

#[test]
fn s48_s50_a_log_out_is_posted_from_this_site_with_the_csrf_token() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let csrf = alice.csrf();
    for method in ["GET", "HEAD", "OPTIONS"] {
        let request = Request::new(method, "/logout").csrf(&csrf).field("x-http-method-override", "POST");
        assert!(site.send(&mut alice, request, log_out).is_refused(405, "method_not_allowed"), "{method}");
    }
    assert!(site.send(&mut alice, Request::post("/logout"), log_out).is_refused(403, "csrf_missing"));
    for site_field in ["cross-site", "same-site"] {
        let request = Request::post("/logout").csrf(&csrf).field("sec-fetch-site", site_field);
        assert!(site.send(&mut alice, request, log_out).is_refused(403, "csrf_cross_site"));
    }
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn a_log_out_with_cookies_of_two_sessions_ends_neither() {
    let site = Site::new();
    let (victim, mallory) = (site.browser_of("victim"), site.browser_of("mallory"));
    let mut mixed = victim.replacing("access_token_cookie", mallory.access());
    let response = site.send(&mut mixed, Request::post("/logout").csrf(&mallory.csrf()), log_out);
    assert!(response.is_refused(403, "csrf_mismatch"));
    assert_eq!(site.visit(&mut victim.clone()).status, 200);
}

#[test]
fn a_refresh_in_flight_does_not_undo_a_log_out() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    // The response to the refresh is sent first and arrives last.
    let refreshed = site.respond(&alice, Request::get("/page"), page(Need::access()));
    assert_eq!(refreshed.status, 200);
    assert_eq!(site.log_out(&mut alice).status, 200);
    alice.receive(&refreshed, site.auth.now());
    assert!(alice.value("access_token_cookie").is_some());
    let stolen = alice.clone();
    let response = site.visit(&mut alice);
    assert!(response.is_refused(401, "revoked"));
    assert!(alice.is_empty());
    assert_eq!(site.refresh(&mut stolen.clone()).status, 401);
    // Now the log-out comes before the request that needs a refresh.
    let bob = site.browser_of("bob");
    site.advance(1000);
    site.log_out(&mut bob.clone());
    assert_eq!(site.visit(&mut bob.clone()).status, 401);
}

#[test]
fn a_log_out_after_a_refresh_sets_no_refreshed_cookies() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let request = Request::post("/logout").csrf(&alice.csrf());
    let response = site.send(&mut alice, request, |exchange| {
        assert_eq!(page(Need::access())(exchange)?.token.unwrap().subject(), "alice");
        log_out(exchange)
    });
    assert_eq!(response.status, 200);
    assert!(response.added.is_empty());
    assert!(alice.is_empty());
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn s28_a_log_out_is_seen_where_the_access_cookie_is_not_sent() {
    let site = Site::with(|builder| {
        let policy = hardtack::CookiePolicy::default().access_paths(["/page", "/services"]);
        builder.refresh_mode(RefreshMode::Redirect).cookies(policy)
    });
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    assert_eq!(site.visit(&mut alice).status, 200);
    assert!(alice.cookies_for("/other", site.auth.now()).unwrap().split("; ").all(|pair| pair.contains("csrf")));
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert!(alice.is_empty());
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert!(site.send(&mut stolen.clone(), Request::get("/token/refresh"), refresh).is_refused(401, "revoked"));
}

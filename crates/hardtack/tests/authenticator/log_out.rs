//! Logging out.

use hardtack::adapter::Exchange;
use hardtack::session::EndedSessions;
use hardtack::{Failure, Need, RefreshMode, SetCookies, TokenLocation};

use crate::support::{Browser, Request, Site, block_on, log_in, log_out, page, refresh};

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

/// Without a refresh cookie, the access cookie is what ends the session.
#[test]
fn e08_s28_sliding_sends_the_access_cookie_where_sessions_end() {
    let site = Site::with(|builder| {
        let policy = hardtack::CookiePolicy::default().access_paths(["/page", "/services"]);
        builder.refresh_mode(RefreshMode::Sliding).cookies(policy)
    });
    for path in ["/page", "/services/1", "/login", "/logout", "/signup", "/reauthenticate"] {
        assert!(site.auth.sends_access_cookie_to(path), "{path}");
    }
    assert!(!site.auth.sends_access_cookie_to("/other"));
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert!(alice.is_empty());
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
}

#[test]
fn s75_e09_a_log_out_ends_every_session_that_a_doubled_cookie_names() {
    for name in ["access_token_cookie", "refresh_token_cookie"] {
        let site = Site::new();
        let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
        let mut doubled = alice.doubling(name, bob.value(name).unwrap());
        for (csrf, code) in [("", "csrf_missing"), ("foreign", "csrf_mismatch")] {
            let response = site.send(&mut doubled.clone(), Request::post("/logout").csrf(csrf), log_out);
            assert!(response.is_refused(403, code), "{name} {}", response.code);
            assert_eq!((site.live_sessions("alice").len(), site.live_sessions("bob").len()), (1, 1));
        }
        // A page of either session can log out.
        let response = site.send(&mut doubled, Request::post("/logout").csrf(&bob.csrf()), log_out);
        assert_eq!((response.status, doubled.is_empty()), (200, true), "{name} {}", response.code);
        assert!(site.live_sessions("alice").is_empty() && site.live_sessions("bob").is_empty(), "{name}");
        for stolen in [alice, bob] {
            assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
            assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
        }
    }
}

/// The pages of either session have only its own CSRF value.
#[test]
fn s75_a_log_out_with_the_cookies_of_two_sessions_ends_both() {
    for csrf_of_alice in [true, false] {
        let site = Site::new();
        let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
        let mut mixed = alice.replacing("__Host-Http-refresh_token_cookie", bob.refresh());
        let refused = site.send(&mut mixed.clone(), Request::post("/logout").csrf("foreign"), log_out);
        assert!(refused.is_refused(403, "csrf_mismatch"), "{}", refused.code);
        let csrf = if csrf_of_alice { alice.csrf() } else { bob.csrf() };
        let response = site.send(&mut mixed, Request::post("/logout").csrf(&csrf), log_out);
        assert_eq!((response.status, mixed.is_empty()), (200, true), "{}", response.code);
        assert!(site.live_sessions("alice").is_empty() && site.live_sessions("bob").is_empty());
    }
}

#[test]
fn e09_a_doubled_cookie_that_names_no_session_does_not_prevent_a_log_out() {
    for value in ["garbage", "a.b.c", ""] {
        let site = Site::new();
        let mut alice = site.browser_of("alice").with("__Host-access_token_cookie", value);
        assert!(site.send(&mut alice, Request::post("/logout"), log_out).is_refused(403, "csrf_missing"));
        assert_eq!(site.log_out(&mut alice).status, 200);
        assert!(site.live_sessions("alice").is_empty());
    }
}

#[test]
fn e09_each_session_of_a_doubled_cookie_ends_once() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let mut same = alice.clone().with("__Host-access_token_cookie", alice.access());
    assert_eq!(site.log_out(&mut same).status, 200);
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn e10_an_expired_access_token_ends_no_session() {
    let site = Site::new();
    let victim = site.browser_of("victim");
    site.advance(1000);
    let copy = || Browser::default().with("__Host-access_token_cookie", victim.access());
    let request = || Request::post("/login").json();
    assert_eq!(site.send(&mut copy(), request(), log_in("mallory")).status, 200);
    assert_eq!(site.send(&mut copy(), Request::post("/logout").csrf(&victim.csrf()), log_out).status, 200);
    let doubled = || site.browser_of("mallory").with("__Host-access_token_cookie", victim.access());
    site.send(&mut doubled(), request(), log_in("mallory"));
    site.log_out(&mut doubled());
    assert_eq!(site.live_sessions("victim").len(), 1);
    assert_eq!(site.visit(&mut victim.clone()).status, 200);
}

#[test]
fn e10_of_expired_refresh_tokens_only_the_newest_ends_its_session() {
    let site = Site::new();
    let mut victim = site.browser_of("victim");
    let copy = victim.clone();
    site.advance(80_000);
    assert_eq!(site.refresh(&mut victim).status, 200);
    site.advance(80_000);
    assert_eq!(site.log_out(&mut copy.clone()).status, 200);
    site.send(&mut copy.clone(), Request::post("/login").json(), log_in("mallory"));
    assert_eq!(site.live_sessions("victim").len(), 1);
    // The session is over when the newest token has expired, and a log-out makes that final.
    site.advance(80_000);
    assert_eq!(site.log_out(&mut victim).status, 200);
    assert_eq!(block_on(site.auth.change_claims("victim", &serde_json::json!({}))).unwrap(), 0);
}

/// In redirect mode, the refresh cookie is not sent to the log-out, so an expired access token is enough.
#[test]
fn e10_a_log_out_by_redirect_mode_works_after_the_access_token_expired() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    assert_eq!(site.send(&mut alice.clone(), Request::post("/login").json(), log_in("alice")).status, 200);
    assert_eq!(site.live_sessions("alice").len(), 2);
    assert!(site.send(&mut alice.clone(), Request::post("/logout"), log_out).is_refused(403, "csrf_missing"));
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert_eq!(site.live_sessions("alice").len(), 1);
}

#[test]
fn e10_an_api_client_whose_only_token_has_expired_is_told_so() {
    let site = Site::with(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let alice = site.browser_of("alice");
    let request = || Request::post("/logout").bearer(alice.access());
    let respond = |request| site.send(&mut Browser::default(), request, log_out);
    site.advance(1000);
    assert!(respond(request()).is_refused(401, "expired"));
    assert_eq!(site.live_sessions("alice").len(), 1);
    let mut alice = alice;
    site.refresh(&mut alice);
    assert_eq!(respond(Request::post("/logout").bearer(alice.access())).status, 200);
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn s86_e13_what_ends_the_browsers_session_clears_its_cache() {
    let site = Site::new();
    let clears =
        |browser: &Browser, request: Request, handler: &dyn Fn(&Exchange<'_>) -> Result<SetCookies, Failure>| {
            let mut clears = None;
            site.send(&mut browser.clone(), request, |exchange| {
                let cookies = handler(exchange)?;
                clears = Some(cookies.clears_cache());
                Ok(cookies.into())
            });
            clears
        };
    let log_in = |exchange: &Exchange<'_>| block_on(exchange.log_in("alice"));
    let json = || Request::post("/login").json();
    assert_eq!(clears(&Browser::default(), json(), &log_in), Some(false));
    assert_eq!(clears(&site.browser_of("alice"), json(), &log_in), Some(false));
    assert_eq!(clears(&site.browser_of("bob"), json(), &log_in), Some(true));
    let alice = site.browser_of("alice");
    let post = || Request::post("/").csrf(&alice.csrf());
    assert_eq!(clears(&alice, post(), &|exchange| block_on(exchange.reauthenticate("alice"))), Some(false));
    let alice = site.browser_of("alice");
    let post = || Request::post("/").csrf(&alice.csrf());
    assert_eq!(clears(&alice, post(), &|exchange| block_on(exchange.refresh())), Some(false));
    let alice = site.browser_of("alice");
    let post = || Request::post("/").csrf(&alice.csrf());
    assert_eq!(clears(&alice, post(), &|exchange| block_on(exchange.renew(EndedSessions::none()))), Some(true));
    let alice = site.browser_of("alice");
    let post = || Request::post("/").csrf(&alice.csrf());
    assert_eq!(clears(&alice, post(), &|exchange| block_on(exchange.log_out())), Some(true));
    assert!(site.auth.unset_jwt_cookies().clears_cache() && !site.auth.unset_access_cookies().clears_cache());
    // The session ended elsewhere, and this browser learns of it now.
    let refusal = |browser: &Browser| {
        let mut clears = None;
        site.send(&mut browser.clone(), Request::get("/page"), |exchange| {
            page(Need::access())(exchange).inspect_err(|failure| clears = Some(failure.reply().cookies.clears_cache()))
        });
        clears
    };
    assert_eq!(refusal(&alice), Some(true));
    assert_eq!(refusal(&Browser::default().with("__Host-access_token_cookie", "garbage")), Some(false));
    let flask = Site::with(hardtack::AuthenticatorBuilder::flask_compatible);
    assert!(!flask.auth.unset_jwt_cookies().clears_cache());
}

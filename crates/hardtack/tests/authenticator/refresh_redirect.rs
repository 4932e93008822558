//! Redirect mode: the browser is redirected to the refresh URL and back.

use hardtack::adapter::Exchange;
use hardtack::{CookiePolicy, Need, RefreshMode};

use crate::support::{Browser, Handled, HandlerResult, Request, Site, block_on, log_out, page, refresh};

fn site() -> Site {
    Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect))
}

/// A handler for the refresh URL. It records the status and target of the redirect.
fn refresh_and_return(location: &mut Option<(u16, String)>) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    |exchange| {
        let reply = block_on(exchange.refresh_and_return())?;
        let target = reply.headers.iter().find(|(name, _)| *name == "location").map(|(_, value)| value.clone());
        *location = target.map(|target| (reply.status, target));
        Ok(Handled { cookies: reply.cookies, ..Handled::default() })
    }
}

#[test]
fn the_refresh_cookie_is_sent_to_the_refresh_url_only() {
    let site = site();
    let alice = site.browser_of("alice");
    let sent = |path| alice.cookies_for(path, site.auth.now()).unwrap().contains("refresh_token_cookie");
    assert!(sent("/token/refresh") && sent("/token/refresh?next=%2F"));
    assert!(!sent("/") && !sent("/token") && !sent("/token/refreshing") && !sent("/logout"));
}

#[test]
fn an_expired_page_request_is_redirected_through_the_refresh_url() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.send(&mut alice, Request::get("/orders?page=2").person(), page(Need::access()));
    assert!(response.is_refused(303, "refresh_needed"));
    assert_eq!(response.location.as_deref(), Some("/token/refresh?next=%2Forders%3Fpage%3D2"));
    assert!(response.deletes("access_token_cookie") && response.set_cookie("refresh_token_cookie").is_none());
    let mut back = None;
    let response =
        site.send(&mut alice, Request::get(&response.location.unwrap()).person(), refresh_and_return(&mut back));
    assert_eq!(response.status, 200);
    assert!(response.no_store);
    assert_eq!(back, Some((303, "/orders?page=2".to_owned())));
    let response = site.send(&mut alice, Request::get("/orders?page=2").person(), page(Need::access()));
    assert!(!response.token().is_fresh(site.auth.now()));
}

#[test]
fn a_posted_form_is_redirected_with_307_both_ways() {
    let site = site();
    let mut alice = site.browser_of("alice");
    let csrf = alice.csrf();
    site.advance(1000);
    let response = site.send(&mut alice, Request::post("/orders").person().form(&csrf), page(Need::access()));
    assert!(response.is_refused(307, "refresh_needed"));
    let location = response.location.unwrap();
    assert_eq!(location, "/token/refresh?next=%2Forders");
    let mut back = None;
    site.send(&mut alice, Request::post(&location).person().form(&csrf), refresh_and_return(&mut back));
    assert_eq!(back, Some((307, "/orders".to_owned())));
    let response = site.send(&mut alice, Request::post("/orders").person().form(&csrf), page(Need::access()));
    assert_eq!(response.token().subject(), "alice");
}

#[test]
fn a_forged_post_is_not_redirected() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.send(&mut alice, Request::post("/orders").person().form("guess"), page(Need::access()));
    assert!(response.is_refused(403, "csrf_mismatch"));
    assert_eq!(response.cookies, [""; 0]);
}

#[test]
fn the_csrf_cookie_indicates_a_refresh_cookie_for_another_path() {
    let site = site();
    let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
    let visit = |browser: &mut Browser, need| site.send(browser, Request::get("/page").person(), page(need));
    assert_eq!(visit(&mut alice, Need::access()).location.as_deref(), Some("/token/refresh?next=%2Fpage"));
    // A page that does not require a log-in is not redirected because of the CSRF cookie alone.
    assert!(visit(&mut alice, Need::access().optional()).token.is_none());
    // Without the CSRF cookie, or with an empty one, the browser is redirected to the log-in page.
    for mut browser in [alice.without(&["csrf_refresh_token"]), alice.replacing("csrf_refresh_token", "")] {
        assert_eq!(visit(&mut browser, Need::access()).location.as_deref(), Some("/login?next=%2Fpage"));
    }
}

#[test]
fn no_redirect_loop_begins_where_the_access_cookie_is_not_sent() {
    let site = Site::with(|builder| {
        builder.refresh_mode(RefreshMode::Redirect).cookies(CookiePolicy::default().access_paths(["/services"]))
    });
    let mut alice = site.browser_of("alice");
    let outside = site.send(&mut alice, Request::get("/page").person(), page(Need::access()));
    assert!(outside.is_refused(303, "missing_token"));
    site.advance(1000);
    let inside = site.send(&mut alice, Request::get("/services/1").person(), page(Need::access()));
    assert!(inside.is_refused(303, "refresh_needed"));
    site.send(&mut alice, Request::get(&inside.location.unwrap()), refresh);
    let inside = site.send(&mut alice, Request::get("/services/1").person(), page(Need::access()));
    assert_eq!(inside.token().subject(), "alice");
}

#[test]
fn api_clients_get_the_refresh_url_in_the_body() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.visit(&mut alice);
    assert!(response.is_refused(401, "refresh_needed"));
    assert!(response.body.contains("\"refresh_url\":\"/token/refresh\""));
}

#[test]
fn htmx_returns_to_the_page_and_not_to_the_fragment() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let request =
        Request::get("/orders/rows?page=2").htmx().field("hx-current-url", "https://site.example/orders?tab=1");
    let response = site.send(&mut alice, request, page(Need::access()));
    assert!(response.is_refused(401, "refresh_needed"));
    assert_eq!(response.hx_redirect.as_deref(), Some("/token/refresh?next=%2Forders%3Ftab%3D1"));
    assert_eq!(response.location, None);
}

#[test]
fn s48_another_site_refreshes_nothing() {
    let site = site();
    let alice = site.browser_of("alice");
    for value in ["cross-site", "same-site"] {
        for method in ["GET", "POST"] {
            let request = Request::new(method, "/token/refresh").csrf(&alice.csrf()).field("sec-fetch-site", value);
            let response = site.send(&mut alice.clone(), request, refresh);
            assert!(response.is_refused(403, "csrf_cross_site"), "{method} {value}");
            assert_eq!(response.cookies, [""; 0]);
        }
    }
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
}

#[test]
fn s61_the_way_back_stays_on_the_site_and_off_the_auth_routes() {
    let site = site();
    for hostile in [
        "//evil.example",
        "/%5Cevil.example",
        "https:%2F%2Fevil.example",
        "/login",
        "/logout?x",
        "/token/refresh",
        "/%09/evil.example",
    ] {
        let mut alice = site.browser_of("alice");
        let mut back = None;
        let request = Request::get(&format!("/token/refresh?next={hostile}")).person();
        site.send(&mut alice, request, refresh_and_return(&mut back));
        assert_eq!(back, Some((303, "/".to_owned())), "{hostile}");
    }
}

#[test]
fn an_expired_refresh_token_redirects_to_the_log_in_page() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(90_000);
    let response = site.send(&mut alice, Request::get("/token/refresh?next=%2Fpage").person(), refresh);
    assert!(response.is_refused(303, "expired"));
    assert!(response.location.unwrap().starts_with("/login?"));
    assert!(alice.is_empty());
}

/// Browsers send `cross-site` for every redirect of a chain that began with a link on another site.
#[test]
fn s48_a_foreign_link_refreshes_nothing_but_may_go_on() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let before = alice.refresh().to_owned();
    let request = Request::get("/token/refresh?next=%2Fa%3Fb%26c").person().field("sec-fetch-site", "cross-site");
    let response = site.send(&mut alice, request, |exchange| {
        let reply = block_on(exchange.refresh_and_return())?;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("content=\"0;url=/token/refresh?next=%2Fa%3Fb%26c\""), "{}", reply.body);
        Ok(Handled { cookies: reply.cookies, ..Handled::default() })
    });
    assert!(response.cookies.is_empty());
    assert_eq!(alice.refresh(), before);
}

/// Posts a log-out as a person does, and follows redirects. Returns the statuses of all responses.
fn log_out_with_form(site: &Site, browser: &mut Browser, csrf: &str) -> Vec<u16> {
    let form = |target: &str| Request::post(target).person().form(csrf);
    let first = site.send(browser, form("/logout"), log_out);
    let Some(refresh_url) = first.location.filter(|_| first.status == 307) else { return vec![first.status] };
    let mut back = None;
    let second = site.send(browser, form(&refresh_url), refresh_and_return(&mut back));
    let Some((status, url)) = back else { return vec![307, second.status] };
    vec![307, status, site.send(browser, form(&url), log_out).status]
}

/// The access cookie is missing, for example because a refusal has deleted it and the refresh then failed.
#[test]
fn s28_a_log_out_without_an_access_cookie_ends_the_session() {
    for has_csrf_cookies in [true, false] {
        let site = Site::with(|builder| {
            let policy = CookiePolicy::default().csrf_cookies(has_csrf_cookies);
            builder.refresh_mode(RefreshMode::Redirect).cookies(policy)
        });
        let alice = site.browser_of("alice");
        let csrf = site.visit(&mut alice.clone()).token().csrf_token().to_string();
        let copy = alice.clone();
        let mut alice = alice.without(&["access_token_cookie"]);
        assert_eq!(log_out_with_form(&site, &mut alice, &csrf), [307, 307, 200]);
        assert!(alice.is_empty() && site.live_sessions("alice").is_empty());
        assert!(site.visit(&mut copy.clone()).is_refused(401, "revoked"));
    }
}

#[test]
fn s28_a_program_without_an_access_cookie_is_told_to_refresh_before_it_logs_out() {
    let site = site();
    let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
    let refused = site.log_out(&mut alice);
    assert!(refused.is_refused(401, "refresh_needed") && refused.body.contains("\"refresh_url\":\"/token/refresh\""));
    assert!(alice.value("refresh_token_cookie").is_some(), "the refresh cookie is not deleted");
    assert_eq!((site.refresh(&mut alice).status, site.log_out(&mut alice).status), (200, 200));
    assert!(alice.is_empty() && site.live_sessions("alice").is_empty());
}

#[test]
fn s48_s50_a_log_out_by_way_of_the_refresh_url_needs_the_csrf_value() {
    let site = site();
    let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
    assert_eq!(log_out_with_form(&site, &mut alice, "guess"), [307, 403]);
    let foreign = Request::post("/logout").person().field("sec-fetch-site", "cross-site");
    assert!(site.send(&mut alice, foreign, log_out).is_refused(403, "csrf_cross_site"));
    assert_eq!(site.live_sessions("alice").len(), 1);
}

/// The log-out used to refresh the tokens first. If the refresh was refused, or if the browser did not store the new
/// access cookie, the session continued or the browser was redirected for ever.
#[test]
fn s75_a_log_out_by_way_of_the_refresh_url_ends_every_session_that_it_can() {
    let site = site();
    let refresh_url = "/token/refresh?logout=1";
    // The refresh cookie twice, each from another session.
    let (first, second) = (site.browser_of("alice"), site.browser_of("alice"));
    let csrf = first.csrf();
    let mut doubled = first.without(&["access_token_cookie"]);
    doubled.set(&format!("__Secure-refresh_token_cookie={}; Path=/token; Secure", second.refresh()), site.auth.now());
    let sent = doubled.cookies_for("/token/refresh", site.auth.now()).unwrap();
    assert_eq!(sent.matches("refresh_token_cookie=").count(), 2, "{sent}");
    assert_eq!(log_out_with_form(&site, &mut doubled, &csrf), [307, 307, 200]);
    assert!(site.live_sessions("alice").is_empty());
    // The session has already ended elsewhere.
    let mut ended = site.browser_of("bob");
    site.log_out(&mut ended.clone());
    ended = ended.without(&["access_token_cookie"]);
    let csrf = ended.csrf();
    assert_eq!(log_out_with_form(&site, &mut ended, &csrf), [307, 307, 200]);
    assert!(ended.is_empty());
    // The access cookie is not valid.
    let alice = site.browser_of("alice");
    let mut junk = alice.replacing("access_token_cookie", "junk");
    assert_eq!(log_out_with_form(&site, &mut junk, &alice.csrf()), [307, 307, 200]);
    assert!(site.live_sessions("alice").is_empty() && junk.is_empty());
    // The browser keeps the CSRF cookie, for example because another application has set it with another path.
    let mut kept = Browser::default();
    kept.set("__Host-csrf_refresh_token=x; Path=/; Secure", site.auth.now());
    for _ in 0..2 {
        let again = kept.clone();
        let mut back = None;
        site.send(&mut kept, Request::post(refresh_url).person().form("x"), refresh_and_return(&mut back));
        assert_eq!(back, Some((307, "/logout?refreshed=1".to_owned())));
        kept = again;
        let last = site.send(&mut kept.clone(), Request::post("/logout?refreshed=1").person().form("x"), log_out);
        assert_eq!(last.status, 200);
    }
}

#[test]
fn a_log_out_that_needs_no_refresh_is_not_redirected() {
    let site = site();
    // The browser has no session, and a browser whose session has expired has no cookies either.
    assert_eq!(log_out_with_form(&site, &mut Browser::default(), "none"), [200]);
    // The refresh cookie is sent to the log-out.
    let rooted = Site::with(|builder| {
        builder.refresh_mode(RefreshMode::Redirect).cookies(CookiePolicy::default().refresh_paths(["/"]))
    });
    let alice = rooted.browser_of("alice");
    for wait in [0, 1000] {
        rooted.advance(wait);
        let (csrf, mut alice) = (alice.csrf(), alice.without(&["access_token_cookie"]));
        assert_eq!(log_out_with_form(&rooted, &mut alice, &csrf), [200]);
        assert!(alice.is_empty() && rooted.live_sessions("alice").is_empty());
    }
}

/// A browser follows `HX-Redirect` with a GET, so it cannot post again. It shows the page that asks for confirmation.
#[test]
fn htmx_logs_out_on_the_page_that_asks_for_confirmation() {
    let site = site();
    let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
    let csrf = alice.csrf();
    let refused = site.send(&mut alice, Request::post("/logout").htmx().csrf(&csrf), log_out);
    let mut back = None;
    site.send(&mut alice, Request::get(&refused.hx_redirect.unwrap()).person(), refresh_and_return(&mut back));
    assert_eq!(back, Some((303, "/logout".to_owned())));
    assert_eq!(site.visit(&mut alice).status, 200);
}

//! Pages whose token is optional: a browser with invalid cookies is treated as a visitor, and responses say that they
//! depend on cookies.

use hardtack::adapter::Exchange;
use hardtack::testing::FailingSessions;
use hardtack::{BackendError, CookiePolicy, FindUser, KeySet, Need, RefreshMode, TokenLocation};

use crate::events::Log;
use crate::support::{Browser, Handled, HandlerResult, Request, Response, Site, block_on, key, page};

const MODES: [RefreshMode; 4] =
    [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off];

fn optional() -> Need {
    Need::access().optional()
}

/// A visitor was served, and the response deletes the cookies.
fn is_shown_and_cleaned(response: &Response) -> bool {
    (response.status, response.token.is_none()) == (200, true)
        && response.deletes("access_token_cookie")
        && response.no_store
        && response.vary.as_deref() == Some("Cookie")
}

#[test]
fn e16_dead_cookies_do_not_hide_a_public_page() {
    for mode in MODES {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let visit = |browser: &mut Browser| site.send(browser, Request::get("/").person(), page(optional()));
        let mut revoked = site.browser_of("alice");
        block_on(site.auth.revoke_all_sessions("alice")).unwrap();
        let alice = site.browser_of("alice");
        let forged = alice.replacing("access_token_cookie", &format!("{}x", alice.access()));
        let garbage = alice.replacing("access_token_cookie", "garbage");
        let twice = alice.clone().with("__Host-access_token_cookie", "a.b.c");
        for (name, mut browser) in [("forged", forged), ("garbage", garbage), ("twice", twice)] {
            assert!(is_shown_and_cleaned(&visit(&mut browser)), "{name} {mode:?}");
            let posted = site.send(&mut browser.clone(), Request::post("/"), page(optional()));
            assert_eq!(posted.status, 200, "{name} {mode:?}: nobody acts");
        }
        assert!(is_shown_and_cleaned(&visit(&mut revoked)), "{mode:?}");
        assert!(revoked.is_empty());
        assert_eq!(visit(&mut alice.clone()).token().subject(), "alice");
        // A required token is refused as always.
        let required = site.send(
            &mut alice.replacing("access_token_cookie", "x"),
            Request::get("/").person(),
            page(Need::access()),
        );
        assert_eq!(required.location.as_deref(), Some("/login?next=%2F&ended=1"));
    }
}

#[test]
fn e16_what_is_no_visitors_is_still_refused() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
        builder.token_sources([TokenLocation::Cookies, TokenLocation::Headers])
    });
    let mut alice = site.browser_of("alice");
    let forged = site.send(&mut alice, Request::post("/").csrf("guess"), page(optional()));
    assert!(forged.is_refused(403, "csrf_mismatch") && forged.cookies.is_empty());
    let foreign = Request::post("/").csrf(&alice.csrf()).field("sec-fetch-site", "cross-site");
    assert!(site.send(&mut alice, foreign, page(optional())).is_refused(403, "csrf_cross_site"));
    let bearer = site.respond(&Browser::default(), Request::get("/").bearer("a.b.c"), page(optional()));
    assert!(bearer.is_refused(401, "malformed"));
    site.advance(1000);
    store.fail();
    let down = site.send(&mut alice, Request::get("/"), page(optional()));
    assert!(down.is_refused(503, "store_unavailable") && down.cookies.is_empty());
    store.recover();
    let refreshed = site.send(&mut alice, Request::get("/"), page(optional()));
    assert!(refreshed.token().subject() == "alice" && refreshed.set_cookie("refresh_token_cookie").is_some());
    site.advance(1000);
    site.visit(&mut alice);
    let stale = site.send(&mut alice, Request::get("/"), page(optional().fresh()));
    assert!(stale.is_refused(401, "insufficient_user_authentication"));
}

#[test]
fn e16_a_browser_with_a_newer_session_keeps_its_cookies() {
    let site = Site::new();
    let old = site.browser_of("alice");
    let mut alice = old.clone();
    assert_eq!(site.renew(&mut alice).status, 200);
    let late = site.send(&mut alice, Request::get("/"), page(optional()));
    assert_eq!(late.token().subject(), "alice");
    let late = site.respond(&old, Request::get("/"), page(optional()));
    assert_eq!((late.status, late.token.is_none(), late.cookies.len()), (200, true, 0));
}

const DOWN: &str = "the directory of users is down";

struct Nobody;

impl FindUser for Nobody {
    type State = bool;

    async fn find_user(_: &str, fails: &bool) -> Result<Option<Self>, BackendError> {
        if *fails { Err(BackendError::new(DOWN)) } else { Ok(None) }
    }
}

#[test]
fn e16_a_user_who_no_longer_exists_is_a_visitor() {
    let site = Site::new();
    let look_up = |fails: bool| {
        move |exchange: &Exchange<'_>| -> HandlerResult {
            let token = page(optional())(exchange)?.token.unwrap();
            assert!(block_on(exchange.optional_user::<Nobody>(&token, &fails))?.is_none());
            Ok(Handled::default())
        }
    };
    let mut ghost = site.browser_of("ghost");
    let down = site.send(&mut ghost, Request::get("/"), look_up(true));
    assert!(down.is_refused(503, "store_unavailable") && down.cookies.is_empty());
    assert!(is_shown_and_cleaned(&site.send(&mut ghost, Request::get("/"), look_up(false))));
    assert!(ghost.is_empty());
    // The cookies of a refresh are not set as well.
    let mut ghost = site.browser_of("ghost");
    site.advance(1000);
    let response = site.send(&mut ghost, Request::get("/"), look_up(false));
    assert!(is_shown_and_cleaned(&response) && response.cookies.len() == 4 && ghost.is_empty());
}

/// The log names the application's own cause, and names it once.
#[test]
fn e18_a_failed_user_look_up_is_logged_with_its_cause() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let lines = Log::of(|| {
        let failed = site.send(&mut alice, Request::get("/"), |exchange| {
            let token = page(optional())(exchange)?.token.unwrap();
            block_on(exchange.optional_user::<Nobody>(&token, &true))?;
            Ok(Handled::default())
        });
        assert!(failed.is_refused(503, "store_unavailable"));
    });
    let refused: Vec<_> = lines.iter().filter(|line| line.contains("event=refused")).collect();
    assert_eq!(refused.len(), 1, "{lines:?}");
    assert_eq!(refused[0].matches(DOWN).count(), 1, "{refused:?}");
    assert!(!refused[0].contains("session store"), "{refused:?}");
}

#[test]
fn e16_a_refresh_by_redirect_that_fails_leads_back_to_the_public_page() {
    use crate::support::refresh;
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let back = |browser: &mut Browser, url: &str| {
        let mut location = None;
        let response = site.send(browser, Request::get(url).person(), |exchange| {
            let reply = block_on(exchange.refresh_and_return())?;
            location = reply.headers.iter().find(|(name, _)| *name == "location").map(|(_, url)| url.clone());
            Ok(reply.cookies.into())
        });
        location.or(response.location).unwrap()
    };
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let mut thief = alice.clone();
    let visit = |browser: &mut Browser| site.send(browser, Request::get("/a?b=c").person(), page(optional()));
    let url = visit(&mut alice).location.unwrap();
    assert_eq!(url, "/token/refresh?next=%2Fa%3Fb%3Dc&public=1");
    assert_eq!(back(&mut alice, &url), "/a?b=c");
    assert_eq!(visit(&mut alice).token().subject(), "alice");
    block_on(site.auth.revoke_all_sessions("alice")).unwrap();
    site.advance(1000);
    let url = visit(&mut alice).location.unwrap();
    assert_eq!(back(&mut alice, &url), "/a?b=c");
    assert!(alice.is_empty());
    assert_eq!(visit(&mut alice).status, 200);
    // A browser that keeps its expired access cookie is redirected to the log-in page instead of in circles.
    assert_eq!(back(&mut thief, &url), "/login?next=%2Fa%3Fb%3Dc&ended=1");
    // A page that needs a token does not ask for this, and an API client gets the reason.
    let mut bob = site.browser_of("bob");
    block_on(site.auth.revoke_all_sessions("bob")).unwrap();
    site.advance(1000);
    let url = site.send(&mut bob, Request::get("/a").person(), page(Need::access())).location.unwrap();
    assert_eq!(url, "/token/refresh?next=%2Fa");
    let program = site.send(&mut bob, Request::get("/token/refresh?next=%2Fa&public=1"), refresh);
    assert!(program.is_refused(401, "revoked"));
}

#[test]
fn e12_the_response_varies_only_if_the_token_is_optional() {
    let site = Site::new();
    let vary = |browser: &Browser, need| site.respond(browser, Request::get("/"), page(need)).vary;
    let (alice, visitor) = (site.browser_of("alice"), Browser::default());
    for browser in [&alice, &visitor] {
        assert_eq!(vary(browser, optional()).as_deref(), Some("Cookie"));
        assert_eq!(vary(browser, Need::access()), None);
    }
    let anonymous = site.respond(&visitor, Request::get("/"), page(optional()));
    assert!(!anonymous.no_store, "a cache may keep it for other visitors");
    let flask = Site::with(|builder| builder.flask_compatible());
    assert_eq!(flask.respond(&visitor, Request::get("/"), page(optional())).vary, None);
}

#[test]
fn e12_a_field_that_is_there_is_not_repeated() {
    use hardtack::adapter::{Peeked, RequestState};
    use hardtack::testing::TestRequest;
    let site = Site::with(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let request = TestRequest::new("GET", "/");
    let state = RequestState::in_layer(site.auth.clone(), Peeked::default());
    page(optional())(&Exchange::new(request.head(), &state)).unwrap();
    let changes = state.finish([]);
    for (present, missing) in [
        (&[][..], true),
        (&["Accept-Encoding"], true),
        (&["Cookie"], true),
        (&["accept, cookie , AUTHORIZATION"], false),
        (&["Cookie", "Authorization"], false),
        (&["*"], false),
    ] {
        let fields = present.iter().map(|field: &&str| field.as_bytes());
        assert_eq!(changes.missing_vary(fields).is_some(), missing, "{present:?}");
    }
}

#[test]
fn e08_where_the_access_cookie_is_not_sent_nothing_is_refreshed() {
    let site = Site::with(|builder| builder.cookies(CookiePolicy::default().access_paths(["/account", "/service"])));
    let mut alice = site.browser_of("alice");
    let slow = alice.clone();
    for _ in 0..3 {
        let front = site.send(&mut alice, Request::get("/"), page(optional()));
        assert_eq!((front.status, front.token.is_none(), front.cookies.len()), (200, true, 0));
        let trap = site.send(&mut alice, Request::get("/accounts"), page(Need::access()));
        assert!(trap.is_refused(401, "missing_token") && trap.cookies.is_empty());
    }
    let fresh = |browser: &mut Browser| site.send(browser, Request::get("/account/x"), page(Need::access().fresh()));
    assert_eq!(fresh(&mut alice).token().subject(), "alice");
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
    site.advance(1000);
    let refreshed = site.send(&mut alice, Request::get("/service"), page(Need::access()));
    assert_eq!(refreshed.token().subject(), "alice");
    site.advance(20);
    let late = site.respond(&slow, Request::get("/account"), page(Need::access()));
    assert_eq!(late.token().subject(), "alice", "a slow tab is not a thief");
    assert_eq!(site.live_sessions("alice")[0].generation, 2);
}

/// The log contains no secret path segments, and strangers cannot fill it with warnings.
#[test]
fn s64_a_path_without_the_access_cookie_is_logged_without_secrets_and_warned_of_once() {
    const SECRET: &str = "AbCdEfGhIjKlMnOpQrStUv";
    let site = Site::with(|builder| builder.cookies(CookiePolicy::default().access_paths(["/account"])));
    let lines = Log::of(|| {
        for _ in 0..3 {
            let target = format!("/reset/{SECRET}?token={SECRET}");
            let refused = site.respond(&Browser::default(), Request::get(&target), page(Need::access()));
            assert!(refused.is_refused(401, "missing_token"));
        }
    });
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("access_cookie_not_sent")).collect();
    assert_eq!(warnings.iter().filter(|line| line.starts_with("WARN")).count(), 1, "{warnings:?}");
    assert!(warnings.len() == 3 && warnings[0].contains("path=/reset/AbCdE…"), "{warnings:?}");
    assert!(lines.iter().all(|line| !line.contains(SECRET)), "{lines:?}");
}

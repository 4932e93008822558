//! Transparent mode: the layer refreshes during the request.

use std::sync::Barrier;

use hardtack::config::ClaimsPolicy;
use hardtack::jwt::TokenKind;
use hardtack::session::SessionPolicy;
use hardtack::{LogIn, Need, RefreshMode};

use crate::support::{Browser, NOW, Request, Site, log_in, page, seconds};

#[test]
fn s44_an_expired_token_is_refreshed_in_place_and_never_fresh() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let (old, csrf) = (alice.clone(), alice.csrf());
    site.advance(899);
    assert!(site.visit(&mut alice).added.is_empty());
    site.advance(1);
    let response = site.visit(&mut alice);
    let token = response.token();
    assert_eq!(token.subject(), "alice");
    assert!(!token.is_fresh(site.auth.now()));
    assert_eq!(token.claims().auth_time, Some(NOW));
    assert!(response.no_store);
    assert_eq!(response.added.len(), 4);
    assert_ne!(alice.access(), old.access());
    assert_ne!(alice.refresh(), old.refresh());
    assert_eq!(alice.csrf(), csrf);
    let fresh = site.send(&mut alice, Request::get("/account"), page(Need::access().fresh()));
    assert!(fresh.is_refused(401, "insufficient_user_authentication"));
}

#[test]
fn an_absent_access_token_is_refreshed_too() {
    let site = Site::new();
    for method in ["GET", "HEAD", "OPTIONS"] {
        let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
        let response = site.send(&mut alice, Request::new(method, "/"), page(Need::access().optional()));
        assert_eq!(response.token().subject(), "alice", "{method}");
    }
}

#[test]
fn one_request_refreshes_once() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    site.send(&mut alice, Request::get("/"), |exchange| {
        let first = page(Need::access())(exchange)?.token.unwrap();
        let second = page(Need::access().optional())(exchange)?.token.unwrap();
        assert_eq!(first.payload(), second.payload());
        page(Need::access())(exchange)
    });
    assert_eq!(site.live_sessions("alice")[0].generation, 2);
}

#[test]
fn without_a_layer_nothing_is_refreshed_and_no_cookie_is_deleted() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.send(&mut alice, Request::get("/page").unlayered(), page(Need::access()));
    assert!(response.is_refused(401, "expired"));
    assert_eq!(response.cookies, [""; 0]);
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn s31_fifty_tabs_at_once_all_win() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    site.advance(1000);
    let start = Barrier::new(50);
    let responses: Vec<_> = std::thread::scope(|scope| {
        let send = || {
            start.wait();
            site.respond(&alice, Request::get("/page"), page(Need::access()))
        };
        let tabs: Vec<_> = (0..50).map(|_| scope.spawn(send)).collect();
        tabs.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    for response in &responses {
        assert_eq!(response.token().subject(), "alice");
        assert_eq!(response.cookies, responses[0].cookies);
    }
    assert_eq!(site.live_sessions("alice")[0].generation, 2);
}

#[test]
fn s31_a_loser_never_deletes_the_winners_cookies() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let winner = site.respond(&alice, Request::get("/page"), page(Need::access()));
    site.advance(30);
    let loser = site.respond(&alice, Request::get("/page"), page(Need::access()));
    assert!(!loser.deletes("access_token_cookie") && !loser.deletes("refresh_token_cookie"));
    assert_eq!(winner.set_cookie("refresh_token_cookie"), loser.set_cookie("refresh_token_cookie"));
    alice.receive(&winner, site.auth.now());
    alice.receive(&loser, site.auth.now());
    assert_eq!(site.visit(&mut alice).status, 200);
    site.advance(1000);
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_eq!(site.live_sessions("alice")[0].generation, 3);
}

#[test]
fn s32_a_lost_response_is_repeated_until_its_successor_is_seen() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let lost = site.respond(&alice, Request::get("/page"), page(Need::access()));
    site.advance(600);
    let again = site.visit(&mut alice);
    assert_eq!(lost.set_cookie("refresh_token_cookie"), again.set_cookie("refresh_token_cookie"));
    let parent = site.browser_of("bob");
    site.advance(1000);
    let mut bob = parent.clone();
    site.visit(&mut bob);
    // The new token was used, so from now on the previous one is accepted only in the race window of 30 s.
    site.visit(&mut bob);
    site.advance(31);
    assert!(site.visit(&mut parent.clone()).is_refused(401, "refresh_reused"));
    assert!(site.visit(&mut bob).is_refused(401, "revoked"));
}

#[test]
fn s30_a_replayed_grandparent_ends_the_session_for_good() {
    let site = Site::new();
    let zero = site.browser_of("alice");
    let mut alice = zero.clone();
    assert_eq!(site.refresh(&mut alice).status, 200);
    assert_eq!(site.refresh(&mut alice).status, 200);
    let response = site.refresh(&mut zero.clone());
    assert!(response.is_refused(401, "refresh_reused"));
    assert!(response.deletes("access_token_cookie") && response.deletes("refresh_token_cookie"));
    for _ in 0..2 {
        assert!(site.visit(&mut alice.clone()).is_refused(401, "revoked"));
        assert!(site.refresh(&mut alice.clone()).is_refused(401, "revoked"));
        assert!(site.refresh(&mut zero.clone()).is_refused(401, "revoked"));
        site.advance(100);
    }
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn with_a_race_window_of_zero_a_second_refresh_is_reuse() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().race_window(seconds(0))));
    let parent = site.browser_of("alice");
    assert_eq!(site.refresh(&mut parent.clone()).status, 200);
    assert!(site.refresh(&mut parent.clone()).is_refused(401, "refresh_reused"));
}

#[test]
fn a_wider_race_window_keeps_the_lost_response_window() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().race_window(seconds(60))));
    let parent = site.browser_of("alice");
    assert_eq!(site.refresh(&mut parent.clone()).status, 200);
    site.advance(600);
    assert_eq!(site.refresh(&mut parent.clone()).status, 200);
}

#[test]
fn s33_the_absolute_end_holds_under_continuous_refresh() {
    let site = Site::with(|builder| {
        builder
            .refresh_lifetime(seconds(3600))
            .session_policy(SessionPolicy::default().absolute_lifetime(seconds(7200)))
    });
    let mut alice = site.browser_of("alice");
    let end = NOW + seconds(7200);
    for _ in 0..8 {
        site.advance(890);
        let response = site.visit(&mut alice);
        assert!(response.token().claims().expires_at.unwrap() <= end);
    }
    site.advance(79);
    assert_eq!(site.visit(&mut alice).status, 200);
    site.advance(1);
    assert!(site.visit(&mut alice).is_refused(401, "expired"));
    assert!(alice.is_empty());
}

#[test]
fn s34_an_unused_session_ends() {
    let site = Site::with(|builder| builder.refresh_lifetime(seconds(3600)));
    let (used, mut other) = (site.browser_of("alice"), site.browser_of("alice"));
    site.advance(3599);
    assert_eq!(site.visit(&mut used.clone()).status, 200);
    site.advance(1);
    let response = site.visit(&mut other);
    assert!(response.is_refused(401, "expired"));
    assert!(other.is_empty());
}

#[test]
fn a_lifetime_of_two_seconds_works() {
    let site = Site::with(|builder| builder.access_lifetime(seconds(2)).refresh_lifetime(seconds(4)));
    let mut alice = site.browser_of("alice");
    for _ in 0..20 {
        site.advance(1);
        let response = site.visit(&mut alice);
        assert_eq!(response.status, 200, "{}", response.code);
    }
    // If a lost response is repeated when its access token has almost expired, the browser gets a new access token.
    let parent = site.browser_of("bob");
    site.refresh(&mut parent.clone());
    site.advance(2);
    let mut bob = parent;
    assert_eq!(site.refresh(&mut bob).status, 200);
    assert!(site.auth.decode::<hardtack::jwt::NoExtra>(bob.access(), TokenKind::Access).is_ok());
    site.advance(1);
    assert_eq!(site.visit(&mut bob).status, 200);
}

#[test]
fn s51_a_form_from_before_a_refresh_posts_after_it() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let form = site.visit(&mut alice).token().csrf_token().to_string();
    let post = || Request::post("/page").form(&form);
    // The POST itself refreshes …
    site.advance(1000);
    assert_eq!(site.send(&mut alice, post(), page(Need::access())).token().subject(), "alice");
    // … or another tab has refreshed before.
    site.refresh(&mut alice);
    assert_eq!(site.send(&mut alice, post(), page(Need::access())).status, 200);
    site.reauthenticate(&mut alice, "alice");
    assert_eq!(site.send(&mut alice, post(), page(Need::access())).status, 200);
}

#[test]
fn csrf_is_checked_before_a_refresh() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    for request in [
        Request::post("/page"),
        Request::post("/page").csrf("guess"),
        Request::post("/page").csrf(&alice.csrf()).field("origin", "https://evil.example"),
    ] {
        let response = site.send(&mut alice, request, page(Need::access()));
        assert_eq!(response.status, 403);
        assert_eq!(response.cookies, [""; 0]);
    }
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
}

#[test]
fn an_optional_need_has_three_outcomes() {
    let site = Site::new();
    let visit = |browser: &mut Browser| site.send(browser, Request::get("/"), page(Need::access().optional()));
    let mut visitor = Browser::default();
    let response = visit(&mut visitor);
    assert_eq!((response.status, response.token.is_none(), response.no_store), (200, true, false));
    let mut alice = site.browser_of("alice");
    assert_eq!(visit(&mut alice).token().subject(), "alice");
    // With an invalid token, the page is shown without a user, and the cookies are deleted.
    let forged = alice.replacing("access_token_cookie", "a.b.c");
    let forged_refresh = alice.without(&["access_token_cookie"]).replacing("refresh_token_cookie", "a.b.c");
    for mut browser in [forged, forged_refresh] {
        let response = visit(&mut browser);
        assert_eq!((response.status, response.token.is_none(), response.no_store), (200, true, true));
        assert!(browser.is_empty());
    }
    // An expired session counts as absent, and its cookies are deleted.
    site.advance(90_000);
    let response = visit(&mut alice);
    assert_eq!((response.status, response.token.is_none(), response.no_store), (200, true, true));
    assert!(alice.is_empty());
}

#[test]
fn an_expired_session_counts_as_absent_even_within_the_leeway() {
    let site = Site::with(|builder| {
        builder.refresh_lifetime(seconds(3600)).claims(ClaimsPolicy::default().leeway(seconds(60)))
    });
    let mut alice = site.browser_of("alice").without(&["access_token_cookie"]);
    site.advance(3630);
    let response = site.send(&mut alice, Request::get("/"), page(Need::access().optional()));
    assert_eq!((response.status, response.token.is_none()), (200, true));
    assert!(alice.is_empty());
}

#[test]
fn only_an_expired_or_absent_access_token_is_refreshed() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let mut broken = alice.replacing("refresh_token_cookie", "a.b.c");
    assert_eq!(site.visit(&mut broken).status, 200);
    site.advance(1000);
    assert_eq!(site.visit(&mut broken).status, 401);
    assert!(broken.is_empty());
    // A forged access token is not refreshed.
    let mut forged = alice.replacing("access_token_cookie", "a.b.c");
    assert_eq!(site.visit(&mut forged).status, 401);
    assert!(forged.is_empty());
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
}

#[test]
fn cookies_of_two_sessions_are_never_combined() {
    let site = Site::new();
    let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
    let mut mixed = alice.replacing("refresh_token_cookie", bob.refresh());
    assert_eq!(site.visit(&mut mixed).token().subject(), "alice");
    site.advance(1000);
    // Alice's form is not accepted for Bob.
    let request = Request::post("/page").form(&alice.csrf());
    assert!(site.send(&mut mixed, request, page(Need::access())).is_refused(403, "csrf_mismatch"));
    let response = site.visit(&mut mixed);
    assert_eq!(
        (response.token().subject(), response.token().claims().csrf.as_deref()),
        ("bob", Some(bob.csrf().as_str()))
    );
    assert_eq!(mixed.csrf(), bob.csrf());
}

#[test]
fn s14_tokens_of_another_kind_are_refused() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let mut swapped = alice.replacing("access_token_cookie", alice.refresh());
    assert!(site.visit(&mut swapped).is_refused(401, "wrong_kind"));
    assert!(swapped.is_empty());
    let mut swapped = alice.replacing("refresh_token_cookie", alice.access());
    assert!(site.refresh(&mut swapped).is_refused(401, "wrong_kind"));
    let mut swapped = alice.without(&["access_token_cookie"]).replacing("refresh_token_cookie", alice.access());
    assert!(site.visit(&mut swapped).is_refused(401, "wrong_kind"));
}

#[test]
fn s15_times_that_make_no_sense_are_refused() {
    let site = Site::new();
    let at = NOW.unix_seconds();
    let alice = site.browser_of("alice");
    for times in [
        format!("\"iat\":{at}"),
        format!("\"iat\":{at},\"exp\":\"{}\"", at + 60),
        format!("\"iat\":{at},\"exp\":1e300"),
        format!("\"iat\":{at},\"exp\":-1"),
        format!("\"exp\":{}", at + 60),
    ] {
        let payload = format!("{{\"sub\":\"alice\",\"jti\":\"1\",\"type\":\"access\",\"csrf\":\"c\",{times}}}");
        let token = site.auth.keys().sign(payload.as_bytes()).unwrap();
        let mut browser = alice.replacing("access_token_cookie", &token);
        assert_eq!(site.visit(&mut browser).status, 401, "{times}");
        assert!(browser.is_empty(), "{times}");
    }
}

#[test]
fn s16_leeway_counts_to_the_second() {
    for (leeway, end) in [(0, 900), (60, 960)] {
        let site = Site::with(|builder| {
            builder.claims(ClaimsPolicy::default().leeway(seconds(leeway))).refresh_mode(RefreshMode::Off)
        });
        let mut alice = site.browser_of("alice");
        site.advance(end - 1);
        assert_eq!(site.visit(&mut alice).status, 200);
        site.advance(1);
        assert!(site.visit(&mut alice).is_refused(401, "expired"));
    }
}

#[test]
fn s17_issuer_and_audience_are_asked_for_where_configured() {
    let keys = hardtack::KeySet::new(crate::support::key());
    let named =
        Site::with_keys(keys.clone(), |builder| builder.claims(ClaimsPolicy::default().issuer("us").audience("app")));
    let plain = Site::with_keys(keys.clone(), |builder| builder);
    let other = Site::with_keys(keys, |builder| builder.claims(ClaimsPolicy::default().issuer("them").audience("app")));
    let alice = named.browser_of("alice");
    let mut both = alice.clone();
    assert_eq!(named.visit(&mut both).token().claims().audience, ["app"]);
    named.advance(1000);
    let refreshed = named.visit(&mut both);
    assert_eq!(refreshed.token().claims().issuer.as_deref(), Some("us"));
    assert_eq!(refreshed.token().claims().audience, ["app"]);
    assert!(named.visit(&mut plain.browser_of("alice")).is_refused(401, "wrong_issuer"));
    assert!(named.visit(&mut other.browser_of("alice")).is_refused(401, "wrong_issuer"));
    assert!(plain.visit(&mut alice.clone()).is_refused(401, "wrong_audience"));
}

#[test]
fn extra_claims_survive_refresh_reauthentication_and_renewal() {
    #[derive(serde::Deserialize)]
    struct Role {
        role: String,
    }
    let site = Site::new();
    let mut alice = Browser::default();
    site.send(&mut alice, Request::post("/login").json(), log_in(LogIn::new("alice").claim("role", "editor")));
    let role = |response: crate::support::Response| {
        response.token().clone().with_extra::<Role>().unwrap().extra().role.clone()
    };
    assert_eq!(role(site.visit(&mut alice)), "editor");
    site.advance(1000);
    assert_eq!(role(site.visit(&mut alice)), "editor");
    site.reauthenticate(&mut alice, "alice");
    assert_eq!(role(site.visit(&mut alice)), "editor");
    site.renew(&mut alice);
    assert_eq!(role(site.visit(&mut alice)), "editor");
    site.advance(1000);
    assert_eq!(role(site.visit(&mut alice)), "editor");
    // The claims are in the row and not in the refresh token.
    let refresh = site.auth.decode::<hardtack::jwt::NoExtra>(alice.refresh(), TokenKind::Refresh).unwrap();
    assert!(!String::from_utf8_lossy(refresh.payload()).contains("editor"));
}

#[test]
fn a_refresh_route_takes_only_refresh_tokens() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let request = Request::post("/token/refresh").csrf(&alice.csrf());
    let response = site.send(&mut alice, request, page(Need::refresh()));
    assert_eq!(response.token().claims().kind, TokenKind::Refresh);
    let mut visitor = Browser::default();
    assert!(site.refresh(&mut visitor).is_refused(401, "missing_token"));
    let response = site.send(&mut visitor, Request::get("/"), page(Need::refresh().optional()));
    assert!(response.token.is_none() && response.status == 200);
}

#[test]
fn with_refresh_mode_off_only_the_application_refreshes() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Off));
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.visit(&mut alice);
    assert!(response.is_refused(401, "expired"));
    assert_eq!(response.cookies, [""; 0]);
    assert!(response.body.contains("\"refresh_url\":\"/token/refresh\""));
    let front = site.send(&mut alice, Request::get("/"), page(Need::access().optional()));
    assert_eq!((front.status, front.token.is_none(), front.cookies.len()), (200, true, 0));
    assert_eq!(site.refresh(&mut alice).status, 200);
    assert_eq!(site.visit(&mut alice).status, 200);
    // After the refresh token has expired, the session is over.
    site.advance(90_000);
    assert!(site.refresh(&mut alice).is_refused(401, "expired"));
    assert!(alice.is_empty());
}

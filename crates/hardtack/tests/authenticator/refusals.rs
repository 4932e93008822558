//! Refusals and their replies.

use std::time::Duration;

use hardtack::adapter::Exchange;
use hardtack::cookie::SameSite;
use hardtack::jwt::ClaimFlaw;
use hardtack::refusal::Reason;
use hardtack::throttle::TooManyAttempts;
use hardtack::{CookiePolicy, FailureKind, Need, RefreshMode, Reply};

use crate::support::{Browser, Handled, HandlerResult, Request, Site, log_in, page};

/// A handler that refuses the request.
fn refusing(reason: Reason) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    move |exchange| Err(exchange.refuse(reason))
}

#[test]
fn s43_a_stale_log_in_is_sent_to_re_authenticate() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    site.visit(&mut alice);
    let fresh = || page(Need::access().fresh());
    let response = site.send(&mut alice, Request::get("/account?tab=2").person(), fresh());
    assert!(response.is_refused(303, "insufficient_user_authentication"));
    assert_eq!(response.location.as_deref(), Some("/reauthenticate?next=%2Faccount%3Ftab%3D2"));
    assert!(response.no_store && response.cookies.is_empty());
    // A posted form returns to the page that contained it, and never to its own target.
    let post = |referer: &str| {
        let form = Request::post("/account/delete").person().form(&alice.csrf()).field("referer", referer);
        site.respond(&alice, form, fresh())
    };
    let response = post("https://site.example/account?tab=2");
    assert_eq!(response.location.as_deref(), Some("/reauthenticate?next=%2Faccount%3Ftab%3D2"));
    assert_eq!(response.status, 303);
    for elsewhere in [
        "https://evil.example/account",
        "https://site.example.evil.example/account",
        "https://site.example",
        "https://user@site.example/account",
        "https://site.example//evil.example",
        "https://site.example/login",
        "/account",
        "",
    ] {
        assert_eq!(post(elsewhere).location.as_deref(), Some("/reauthenticate"), "{elsewhere}");
    }
    let response = site.send(&mut alice, Request::get("/account"), fresh());
    assert!(response.is_refused(401, "insufficient_user_authentication"));
    assert!(response.challenge.unwrap().contains("error=\"insufficient_user_authentication\""));
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn a_request_without_a_token_is_redirected_to_the_log_in_page() {
    let site = Site::new();
    let mut visitor = Browser::default();
    let response = site.send(&mut visitor, Request::get("/page?a=b").person(), page(Need::access()));
    assert!(response.is_refused(303, "missing_token"));
    assert_eq!(response.location.as_deref(), Some("/login?next=%2Fpage%3Fa%3Db"));
    assert!(response.cookies.is_empty());
    let response = site.visit(&mut visitor);
    assert!(response.is_refused(401, "missing_token"));
    assert_eq!(response.challenge.as_deref(), Some("Bearer"));
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!((&body["status"], &body["code"]), (&401.into(), &"missing_token".into()));
    assert_eq!(body["msg"], body["detail"]);
    let response = site.send(&mut visitor, Request::get("/rows").htmx(), page(Need::access()));
    assert_eq!((response.status, response.hx_redirect.as_deref()), (401, Some("/login")));
}

#[test]
fn s61_the_way_back_never_leaves_the_site() {
    let site = Site::new();
    for target in
        ["//evil.example", "/\\evil.example", "/signup?next=//evil.example", "/logout", "/.//evil.example", "/a\tb"]
    {
        let response = site.send(&mut Browser::default(), Request::get(target).person(), page(Need::access()));
        assert_eq!(response.location.as_deref(), Some("/login"), "{target}");
    }
    // The routes of the log-in flow are not pages to return to, but their `next` may be one.
    let response = site.send(&mut Browser::default(), Request::get("/logout?next=/a").person(), page(Need::access()));
    assert_eq!(response.location.as_deref(), Some("/login?next=%2Fa"));
    for (next, home) in [
        ("%2Forders", "/orders"),
        ("%2F%2Fevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("%2Freauthenticate", "/"),
        ("", "/"),
    ] {
        let target = format!("/login?next={next}");
        site.send(&mut Browser::default(), Request::get(&target), |exchange| {
            assert_eq!(exchange.next_or_home(), home, "{next}");
            Ok(Handled::default())
        });
    }
}

#[test]
fn a_forged_token_is_refused_and_its_cookies_are_deleted() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let (header, rest) = alice.access().split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    for forged in [
        format!("{header}.eyJzdWIiOiJib2IifQ.{signature}"),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.".to_owned(),
        format!("{}x", alice.access()),
        "junk".to_owned(),
    ] {
        let mut browser = alice.replacing("access_token_cookie", &forged);
        let response = site.visit(&mut browser);
        assert_eq!((response.status, response.kind), (401, Some(FailureKind::Invalid)));
        assert!(browser.is_empty());
        assert!(!response.body.contains(&forged));
    }
    let mut browser = alice.replacing("access_token_cookie", "junk");
    let response = site.send(&mut browser, Request::get("/page").person(), page(Need::access()));
    assert_eq!(response.location.as_deref(), Some("/login?next=%2Fpage&ended=1"));
}

#[test]
fn each_kind_of_failure_has_its_status_and_cookies() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for (reason, status, ends) in [
        (Reason::Missing, 401, false),
        (Reason::DuplicateCookie, 401, true),
        (Reason::DuplicateParameter, 401, true),
        (Reason::DuplicateMember, 401, true),
        (Reason::NotFresh, 401, false),
        (Reason::OtherUser, 401, false),
        (Reason::Revoked, 401, true),
        (Reason::UnknownUser, 401, true),
        (Reason::ClaimsRefused, 403, true),
        (Reason::Forbidden("No.".into()), 403, false),
        (Reason::InsufficientClaims(ClaimFlaw::Missing("role".into())), 403, false),
        (Reason::Method, 405, false),
        (Reason::Csrf(hardtack::csrf::CsrfError::Missing), 403, false),
        (Reason::BodyTooSlow, 408, false),
        (Reason::TooManyBodies, 503, false),
        (TooManyAttempts::new(Duration::from_millis(1500), false).into(), 429, false),
        (Reason::Store(hardtack::BackendError::new("x")), 503, false),
        ("That user name and password do not match.".into(), 401, false),
        (Reason::InvalidForm("The field \"password\" is missing.".into()), 422, false),
        (Reason::BodyTooLarge, 413, false),
    ] {
        let code = reason.code();
        let response = site.send(&mut alice.clone(), Request::get("/"), refusing(reason));
        assert!(response.is_refused(status, code), "{code}");
        assert_eq!(response.deletes("refresh_token_cookie"), ends, "{code}");
        assert!(response.no_store);
    }
}

#[test]
fn a_token_that_comes_twice_is_named_to_programs_and_to_people() {
    for (reason, to_program, to_person) in [
        (Reason::DuplicateHeader, "more than one token in its header", "more than one token"),
        (Reason::DuplicateCookie, "an authentication cookie twice", "two log-in cookies"),
        (Reason::DuplicateParameter, "the query parameter for the token more than once", "contains your log-in twice"),
        (Reason::DuplicateMember, "the member for the token more than once", "contained your log-in twice"),
    ] {
        assert!(reason.advice().contains(to_program), "{reason:?}: {}", reason.advice());
        assert!(reason.explanation().contains(to_person), "{reason:?}: {}", reason.explanation());
    }
}

/// The challenge told programs to log in again, although the body told them to refresh the token.
#[test]
fn the_challenge_says_the_same_as_the_body() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off] {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let mut alice = site.browser_of("alice").without(&["refresh_token_cookie"]);
        site.advance(1000);
        let refused = site.send(&mut alice, Request::get("/").json(), page(Need::access()));
        let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
        let challenge = refused.challenge.unwrap();
        let detail = body["detail"].as_str().unwrap();
        assert!(challenge == "Bearer" || challenge.contains(detail), "{mode:?}: {challenge} {detail}");
        if mode == RefreshMode::Off {
            assert!(challenge.contains("POST to the refresh URL"), "{challenge}");
        }
    }
}

#[test]
fn failure_handlers_replace_the_reply() {
    let site = Site::new();
    assert_eq!(FailureKind::ALL.len(), 17);
    let own = Site::with(|builder| {
        builder
            .on(FailureKind::Revoked, |refused| {
                assert_eq!(refused.head.path(), "/page");
                Reply::html(410, "gone")
            })
            .on(FailureKind::Missing, |_| Reply::redirect(303, "/welcome"))
    });
    let mut alice = own.browser_of("alice");
    own.log_out(&mut alice.clone());
    let response = own.visit(&mut alice);
    assert_eq!((response.status, response.body.as_str()), (410, "gone"));
    // The cookies are deleted nevertheless.
    assert!(alice.is_empty());
    assert_eq!(own.visit(&mut alice).location.as_deref(), Some("/welcome"));
    assert_eq!(site.visit(&mut alice).status, 401);
}

#[test]
fn s63_nothing_personal_is_cached() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    assert!(site.visit(&mut alice).no_store);
    assert!(site.send(&mut alice, Request::get("/"), page(Need::access().optional())).no_store);
    assert!(!site.send(&mut alice, Request::get("/"), |_| Ok(Handled::default())).no_store);
    assert!(site.send(&mut alice, Request::post("/login").json(), log_in("alice")).no_store);
    assert!(site.refresh(&mut alice).no_store);
    assert!(site.log_out(&mut alice).no_store);
    // The replies of the application's own failure handlers are not cached either.
    let own = Site::with(|builder| builder.on(FailureKind::NotFresh, |_| Reply::html(401, "again")));
    let mut alice = own.browser_of("alice");
    own.advance(1000);
    own.visit(&mut alice);
    assert!(own.send(&mut alice, Request::get("/"), page(Need::access().fresh())).no_store);
}

#[test]
fn a_refusal_after_a_refresh_still_sets_the_new_cookies() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    let response = site.send(&mut alice, Request::get("/account"), page(Need::access().fresh()));
    assert!(response.is_refused(401, "insufficient_user_authentication"));
    assert!(response.set_cookie("refresh_token_cookie").is_some());
    site.advance(2000);
    assert_eq!(site.visit(&mut alice).status, 200);
    // If a refusal ends the session, the response sets no new cookies.
    site.advance(1000);
    let response = site.send(&mut alice, Request::get("/"), |exchange| {
        page(Need::access())(exchange)?;
        refusing(Reason::UnknownUser)(exchange)
    });
    assert!(response.added.is_empty());
    assert!(alice.is_empty());
}

#[test]
fn a_log_in_with_reserved_or_oversized_claims_is_an_internal_error() {
    let site = Site::new();
    for claims in [("sub", "x".to_owned()), ("big", "x".repeat(4000))] {
        let login = hardtack::LogIn::new("alice").claim(claims.0, claims.1);
        let response = site.send(&mut Browser::default(), Request::post("/login").json(), log_in(login));
        assert!(response.is_refused(500, "cannot_issue"));
        assert!(response.cookies.is_empty());
    }
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn cookies_are_deleted_with_the_attributes_they_were_set_with() {
    let policies = [
        CookiePolicy::default(),
        CookiePolicy::default().access_paths(["/services", "/account"]).refresh_paths(["/token/refresh", "/logout"]),
        CookiePolicy::default().domain("site.example").csrf_access_path("/services").csrf_refresh_path("/token"),
        CookiePolicy::default().domain(".site.example").same_site(SameSite::Strict),
        CookiePolicy::default().same_site(SameSite::None).session_cookies(false),
        CookiePolicy::default().secure(false).access_name("a").refresh_name("r"),
        CookiePolicy::default().prefix(hardtack::cookie::CookiePrefix::Secure),
        CookiePolicy::default().prefix(hardtack::cookie::CookiePrefix::Host),
        CookiePolicy::default().prefix(hardtack::cookie::CookiePrefix::None),
        CookiePolicy::default().csrf_cookies(false),
    ];
    let modes = [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off];
    for (policy, mode) in policies.iter().flat_map(|policy| modes.map(|mode| (policy, mode))) {
        if mode == RefreshMode::Redirect && *policy == policies[7] {
            continue;
        }
        let site = Site::with(|builder| builder.cookies(policy.clone()).refresh_mode(mode));
        let response = site.send(&mut Browser::default(), Request::post("/login").json(), log_in("alice"));
        let deleted: Vec<String> = site.auth.unset_jwt_cookies().into_iter().collect();
        for set in &response.cookies {
            let (name, attributes) = attributes(set);
            let twins: Vec<_> =
                deleted.iter().filter(|text| self::attributes(text) == (name, attributes.clone())).collect();
            assert_eq!(twins.len(), 1, "{set} in {deleted:?}");
            assert!(twins[0].starts_with(&format!("{name}=; ")) && twins[0].contains("Max-Age=0"));
        }
    }
}

/// Returns the name and the attributes without the lifetime.
fn attributes(text: &str) -> (&str, Vec<&str>) {
    let mut parts = text.split("; ");
    let name = parts.next().unwrap().split('=').next().unwrap();
    (name, parts.filter(|part| !part.starts_with("Max-Age") && !part.starts_with("Expires")).collect())
}

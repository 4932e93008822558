//! Users who are logged in and may not do something. They stay logged in.

use std::sync::atomic::{AtomicBool, Ordering};

use hardtack::jwt::ExtraClaims;
use hardtack::testing::FailingSessions;
use hardtack::token_source::RequiredClaims;
use hardtack::{FailureKind, KeySet, LogIn, Need, RefreshMode, TokenLocation, Urls};
use serde_json::{Value, json};

use crate::support::{Browser, Handled, HandlerResult, Request, Response, Site, block_on, key, log_in, page};
use hardtack::adapter::{Exchange, Verification};

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Editor,
}

#[derive(serde::Deserialize)]
#[allow(dead_code)]
struct HasRole {
    role: Role,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct NothingElse {
    sub: String,
}

/// A handler that needs the claims of `T`.
fn claims<T: ExtraClaims>(need: Need) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    move |exchange| {
        block_on(exchange.verify::<T>(need))?;
        page(need)(exchange)
    }
}

/// A route under `Require` with the claim `role`.
fn editors(exchange: &Exchange<'_>) -> HandlerResult {
    let role = RequiredClaims::NONE.and("role", "editor");
    let token = match exchange.try_verify_with(Need::access(), &role) {
        Verification::Ready(result) => result?,
        Verification::Pending(pending) => block_on(exchange.finish_verifying(pending))?,
    };
    Ok(Handled { token, ..Handled::default() })
}

fn browser_of(site: &Site, log_in_with: LogIn) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(site.send(&mut browser, Request::post("/login").json(), log_in(log_in_with)).status, 200);
    browser
}

fn editor() -> LogIn {
    LogIn::new("alice").claim("role", "editor")
}

/// 403, no cookie set or deleted.
fn is_forbidden(response: &Response) -> bool {
    response.is_refused(403, "insufficient_scope")
        && response.kind == Some(FailureKind::Forbidden)
        && response.cookies.is_empty()
        && response.location.is_none()
        && response.no_store
}

#[test]
fn e06_a_token_that_lacks_a_claim_is_forbidden_and_stays() {
    let site = Site::new();
    for log_in in [
        LogIn::new("alice"),
        LogIn::new("alice").claim("role", 7),
        LogIn::new("alice").claim("role", "reader"),
        LogIn::new("alice").claim("role", Value::Null),
    ] {
        let mut alice = browser_of(&site, log_in);
        for request in [Request::get("/"), Request::get("/").person(), Request::get("/").htmx()] {
            assert!(is_forbidden(&site.send(&mut alice, request, claims::<HasRole>(Need::access()))));
        }
        assert!(is_forbidden(&site.send(&mut alice, Request::get("/"), editors)));
        let fresh = site.send(&mut alice, Request::get("/"), page(Need::access().fresh()));
        assert_eq!(fresh.token().subject(), "alice");
    }
    let mut alice = browser_of(&site, editor());
    assert_eq!(site.send(&mut alice, Request::get("/"), claims::<HasRole>(Need::access())).status, 200);
    assert_eq!(site.send(&mut alice, Request::get("/"), editors).status, 200);
    assert!(is_forbidden(&site.send(&mut alice, Request::get("/"), claims::<NothingElse>(Need::access()))));
    // An optional token that lacks a claim is not a visitor's: the user is logged in.
    let mut alice = site.browser_of("alice");
    let need = Need::access().optional();
    assert!(is_forbidden(&site.send(&mut alice, Request::get("/"), claims::<HasRole>(need))));
    assert_eq!(site.live_sessions("alice").iter().map(|session| session.generation).max(), Some(1));
}

#[test]
fn e06_the_reply_shows_no_reason_and_the_applications_sentence() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let response = site.respond(&alice, Request::get("/").person(), claims::<HasRole>(Need::access()));
    assert!(!response.body.contains("role") && response.body.contains("You do not have permission"));
    let sentence = "Only <i>its</i> author may edit a post & \"more\".";
    let forbid = |exchange: &Exchange<'_>| Err(exchange.forbid(sentence));
    let response = site.respond(&alice, Request::post("/").person(), forbid);
    assert!(response.is_refused(403, "forbidden") && response.cookies.is_empty() && response.no_store);
    assert!(
        response.body.contains("<p>Only &lt;i&gt;its&lt;/i&gt; author may edit a post &amp; &quot;more&quot;.</p>")
    );
    let response = site.respond(&alice, Request::post("/"), forbid);
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(
        (&body["detail"], &body["msg"], &body["title"]),
        (&sentence.into(), &sentence.into(), &"Not allowed".into())
    );
    assert_eq!(response.challenge, None);
    // A password change or a log-out in between does not matter: the sentence is an owned text.
    let owned = site.respond(&alice, Request::get("/"), |exchange| Err(exchange.forbid(format!("No, {}.", "Alice"))));
    assert!(owned.body.contains("No, Alice."));
    // An application can set its own page.
    let own = Site::with(|builder| builder.on(FailureKind::Forbidden, |_| hardtack::Reply::html(403, "ours")));
    assert_eq!(own.respond(&own.browser_of("alice"), Request::get("/"), forbid).body, "ours");
}

#[test]
fn e06_a_bearer_token_gets_a_challenge_and_no_cookie_is_touched() {
    let site = Site::with(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let mut alice = site.browser_of("alice");
    let token = alice.access().to_owned();
    let bearer = || Request::get("/").person().bearer(&token);
    for response in [
        site.send(&mut alice, bearer(), claims::<HasRole>(Need::access())),
        site.send(&mut alice, bearer(), editors),
        site.send(&mut alice, bearer(), |exchange| {
            page(Need::access())(exchange)?;
            Err(exchange.forbid("No."))
        }),
    ] {
        let challenge = response.challenge.unwrap();
        assert!(challenge.starts_with("Bearer error=\"insufficient_scope\", error_description=\""), "{challenge}");
        assert!(response.status == 403 && response.cookies.is_empty() && response.body.starts_with('{'));
    }
    let response = site.respond(&alice, bearer(), |exchange| {
        page(Need::access())(exchange)?;
        Err(exchange.forbid("Non, \"désolé\"."))
    });
    assert_eq!(response.challenge.as_deref(), Some("Bearer error=\"insufficient_scope\""));
    assert!(is_forbidden(&site.respond(&alice, Request::get("/"), editors)));
    assert_eq!(site.respond(&alice, Request::get("/"), editors).challenge, None);
}

/// The claim was added to the application while the session was live: its next token will have it.
#[test]
fn e06_a_session_from_before_the_claim_is_refreshed_once() {
    static KNOWN: AtomicBool = AtomicBool::new(false);
    for mode in [RefreshMode::Transparent, RefreshMode::Sliding, RefreshMode::Redirect, RefreshMode::Off] {
        KNOWN.store(false, Ordering::SeqCst);
        let site = Site::with(|builder| {
            builder.refresh_mode(mode).additional_claims(async |subject, _| {
                let known = KNOWN.load(Ordering::SeqCst) && subject == "alice";
                Ok(if known { json!({ "role": "editor" }) } else { json!({}) })
            })
        });
        let (mut alice, mut bob) = (site.browser_of("alice"), site.browser_of("bob"));
        assert!(is_forbidden(&site.send(&mut alice, Request::get("/"), editors)));
        KNOWN.store(true, Ordering::SeqCst);
        let form = |browser: &Browser| Request::post("/").person().form(&browser.csrf());
        let response = site.send(&mut alice, form(&Browser::default()), editors);
        assert_eq!(response.status, 403, "a forged form refreshes nothing");
        let request = form(&alice);
        let response = site.send(&mut alice, request, editors);
        match mode {
            RefreshMode::Redirect => {
                assert!(response.is_refused(307, "refresh_needed"), "{}", response.code);
                let url = response.location.unwrap();
                let request = Request::post(&url).person().form(&alice.csrf());
                assert_eq!(site.send(&mut alice, request, crate::support::refresh).status, 200);
                let request = form(&alice);
                assert_eq!(site.send(&mut alice, request, editors).status, 200);
            }
            RefreshMode::Off => {
                assert!(is_forbidden(&response));
                assert_eq!(site.refresh(&mut alice).status, 200);
                assert_eq!(site.send(&mut alice, Request::get("/"), editors).status, 200);
            }
            _ => {
                assert_eq!(response.token().claim("role"), "editor");
                assert!(!response.added.is_empty());
            }
        }
        assert_eq!(site.live_sessions("alice")[0].generation, 2, "{mode:?}");
        // A user whose next token would lack the claim as well is not refreshed, and stays fresh.
        for _ in 0..3 {
            assert!(is_forbidden(&site.send(&mut bob, Request::get("/"), editors)), "{mode:?}");
        }
        assert_eq!(site.live_sessions("bob")[0].generation, 1);
        let fresh = site.send(&mut bob, Request::get("/"), page(Need::access().fresh()));
        assert_eq!(fresh.token().subject(), "bob");
    }
}

#[test]
fn e06_two_extractors_refresh_once_and_a_store_that_fails_is_503() {
    let store = FailingSessions::new();
    let keys = KeySet::new(key());
    let site = Site::over(store.clone(), keys.clone(), |builder| builder);
    let there = Site::over(store.clone(), keys, |builder| builder);
    let alice = site.browser_of("alice");
    block_on(there.auth.change_claims("alice", &json!({ "role": "editor" }))).unwrap();
    store.fail();
    let response = site.respond(&alice, Request::get("/"), editors);
    assert!(response.is_refused(503, "store_unavailable") && response.cookies.is_empty());
    store.recover();
    let response = site.respond(&alice, Request::get("/"), |exchange| {
        editors(exchange)?;
        claims::<HasRole>(Need::access())(exchange)?;
        claims::<NothingElse>(Need::access())(exchange)
    });
    assert!(response.is_refused(403, "insufficient_scope"), "the refreshed token is not refreshed again");
    assert!(response.set_cookie("refresh_token_cookie").is_some());
    assert_eq!(store.rotations(), 1);
    // A token whose session has ended is not refreshed, and neither is one that is sent with another session's refresh
    // token.
    let mut bob = site.browser_of("bob");
    block_on(there.auth.change_claims("bob", &json!({ "role": "editor" }))).unwrap();
    let carol = site.browser_of("carol");
    let mixed = bob.replacing("refresh_token_cookie", carol.refresh());
    assert!(is_forbidden(&site.respond(&mixed, Request::get("/"), editors)));
    let alone = bob.without(&["refresh_token_cookie"]);
    assert!(is_forbidden(&site.respond(&alone, Request::get("/"), editors)));
    assert_eq!(site.send(&mut bob, Request::get("/"), editors).token().claim("role"), "editor");
    assert_eq!(store.rotations(), 2);
}

#[test]
fn e20_no_page_of_the_log_in_flow_redirects_to_itself() {
    let site = Site::new();
    let mut visitor = Browser::default();
    for target in ["/login", "/login?next=%2Fpage", "/login?ended=1"] {
        let response = site.send(&mut visitor, Request::get(target).person(), page(Need::access()));
        assert!(response.is_refused(401, "missing_token") && response.location.is_none(), "{target}");
        assert_eq!(response.challenge.as_deref(), Some("Bearer"));
        assert!(response.body.contains("tell the operator"));
        let htmx = site.send(&mut visitor, Request::get(target).htmx(), page(Need::access()));
        assert!(htmx.status == 401 && htmx.hx_redirect.is_none());
    }
    // A form that is posted to the log-in page is redirected to the form.
    let posted = site.send(&mut visitor, Request::post("/login").person(), page(Need::access()));
    assert_eq!((posted.status, posted.location.as_deref()), (303, Some("/login")));
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    site.visit(&mut alice);
    let request = Request::get("/reauthenticate?next=%2Fa").person();
    assert_eq!(site.send(&mut alice, request, page(Need::access().fresh())).status, 401);
    let redirect =
        Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect).urls(Urls::default().refresh("/refresh")));
    let mut alice = redirect.browser_of("alice");
    redirect.advance(1000);
    let response = redirect.send(&mut alice, Request::get("/refresh?next=%2Fa").person(), page(Need::access()));
    assert!(response.is_refused(401, "refresh_needed") && response.location.is_none());
}

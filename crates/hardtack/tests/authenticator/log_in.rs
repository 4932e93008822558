//! Log-in and reauthentication.

use hardtack::authenticator::Freshness;
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack::session::SessionStore;
use hardtack::{BackendError, KeySet, LogIn, Need, RefreshMode, SetCookies, TokenLocation};

use crate::support::{Browser, NOW, Request, Site, block_on, key, log_in, page, seconds};

#[test]
fn a_log_in_begins_a_fresh_session() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let response = site.send(&mut alice, Request::get("/account"), page(Need::access().fresh()));
    let token = response.token();
    assert_eq!(token.subject(), "alice");
    assert!(token.is_fresh(NOW));
    assert_eq!(token.claims().auth_time, Some(NOW));
    assert_eq!(token.claims().csrf, Some(alice.csrf()));
    assert_eq!(token.session(), Some(site.live_sessions("alice")[0].id));
}

#[test]
fn s09_s27_a_log_in_never_keeps_a_session_id() {
    let site = Site::new();
    let mut browser = site.browser_of("alice");
    let (stolen, first) = (browser.clone(), site.visit(&mut browser).token().session());
    let response = site.send(&mut browser, Request::post("/login").json(), log_in("alice"));
    assert_eq!(response.status, 200);
    assert_ne!(site.visit(&mut browser).token().session(), first);
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
    assert_eq!(site.live_sessions("alice").len(), 1);
}

#[test]
fn a_log_in_that_is_not_confirmed_leaves_no_session() {
    let site = Site::new();
    let sessions = site.store.clone();
    let mut browser = Browser::default();
    let refused = LogIn::new("alice").confirm(async || Err("The password has just been changed.".into()));
    let response = site.send(&mut browser, Request::post("/login").json(), log_in(refused));
    assert!(response.is_refused(401, "log_in_refused"));
    assert!(site.live_sessions("alice").is_empty() && browser.value("access_token_cookie").is_none());
    let failed = LogIn::new("alice").confirm(async || Err(BackendError::new("the database is down").into()));
    let response = site.send(&mut browser, Request::post("/login").json(), log_in(failed));
    assert!(response.is_refused(503, "store_unavailable"));
    assert!(site.live_sessions("alice").is_empty());

    // The check runs after the session is stored, and its cookies are set together with those of the session.
    let confirmed = LogIn::new("alice").confirm(async move || {
        let stored = sessions.list("alice", NOW).await?;
        let mut cookies = SetCookies::default();
        cookies.push(format!("stored={}; Path=/", stored.len()));
        Ok(cookies)
    });
    let response = site.send(&mut browser, Request::post("/login").json(), log_in(confirmed));
    assert_eq!(response.status, 200);
    assert_eq!(browser.value("stored"), Some("1"));
    assert_eq!(site.visit(&mut browser).token().subject(), "alice");
}

#[test]
fn s27_another_users_session_in_the_browser_ends_too() {
    let site = Site::new();
    let mut browser = site.browser_of("alice");
    let stolen = browser.clone();
    let elsewhere = site.browser_of("alice");
    site.send(&mut browser, Request::post("/login").json(), log_in("bob"));
    assert_eq!(site.visit(&mut browser).token().subject(), "bob");
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut elsewhere.clone()).token().subject(), "alice");
}

#[test]
fn s27_an_expired_session_in_the_browser_ends_too() {
    let site = Site::new();
    let mut browser = site.browser_of("alice");
    let stolen = browser.without(&["access_token_cookie"]);
    site.advance(3600);
    site.send(&mut browser, Request::post("/login").json(), log_in("alice"));
    assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
}

#[test]
fn s75_e09_a_log_in_ends_every_session_that_a_doubled_cookie_names() {
    for name in ["access_token_cookie", "refresh_token_cookie"] {
        let site = Site::new();
        let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
        let mut doubled = alice.doubling(name, bob.value(name).unwrap());
        assert_eq!(site.send(&mut doubled, Request::post("/login").json(), log_in("carol")).status, 200);
        assert!(site.live_sessions("alice").is_empty() && site.live_sessions("bob").is_empty(), "{name}");
        assert_eq!(site.live_sessions("carol").len(), 1);
        for stolen in [alice, bob] {
            assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
        }
    }
}

#[test]
fn s09_a_session_id_of_a_strangers_making_is_nothing() {
    let site = Site::new();
    let real = site.browser_of("alice");
    for invented in ["0123456789abcdef0123456789abcdef", "", "a.b.c"] {
        let mut browser = Browser::default()
            .with("__Host-access_token_cookie", invented)
            .with("__Host-Http-refresh_token_cookie", invented)
            .with("__Host-csrf_access_token", "chosen");
        let before = site.live_sessions("mallory").len();
        assert_ne!(site.visit(&mut browser.clone()).status, 200);
        site.send(&mut browser, Request::post("/login").json(), log_in("mallory"));
        let sessions = site.live_sessions("mallory");
        assert_eq!(sessions.len(), before + 1);
        assert!(sessions.iter().all(|session| session.id.to_string() != invented));
    }
    // A token that was signed with another site's key.
    let other = Site::new();
    let id = site.live_sessions("alice")[0].id;
    let forged = other.browser_of("alice").access().to_owned();
    let mut browser = real.replacing("access_token_cookie", &forged);
    assert!(site.visit(&mut browser).is_refused(401, "bad_signature"));
    assert_eq!(site.live_sessions("alice")[0].id, id);
}

#[test]
fn user_agent_and_address_are_stored_with_the_session() {
    let site = Site::new();
    let request = || Request::post("/login").json().field("user-agent", "Firefox");
    site.send(&mut Browser::default(), request(), log_in("alice"));
    let session = &site.live_sessions("alice")[0];
    assert_eq!((session.user_agent.as_deref(), session.address.as_deref()), (Some("Firefox"), Some("192.0.2.7")));
    // Behind a proxy, the application can set the real values.
    let options = LogIn::new("bob").address("198.51.100.1").user_agent("App/1");
    site.send(&mut Browser::default(), request(), log_in(options));
    let session = &site.live_sessions("bob")[0];
    assert_eq!((session.user_agent.as_deref(), session.address.as_deref()), (Some("App/1"), Some("198.51.100.1")));
}

#[test]
fn a_log_in_can_set_its_freshness() {
    let site = Site::new();
    let mut browser = Browser::default();
    let fresh = |browser: &mut Browser| site.send(browser, Request::get("/"), page(Need::access().fresh())).status;
    let start = |browser: &mut Browser, freshness| {
        site.send(browser, Request::post("/login").json(), log_in(LogIn::new("a").freshness(freshness)));
    };
    start(&mut browser, Freshness::Not);
    assert_eq!(fresh(&mut browser), 401);
    start(&mut browser, Freshness::For(seconds(60)));
    site.advance(60);
    assert_eq!(fresh(&mut browser), 200);
    site.advance(1);
    assert_eq!(fresh(&mut browser), 401);
}

#[test]
fn s44_re_authentication_is_fresh_and_a_refresh_after_it_is_not() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let (session, csrf) = (site.visit(&mut alice).token().session(), alice.csrf());
    site.advance(1000);
    assert!(!site.visit(&mut alice).token().is_fresh(site.auth.now()));
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    let raised = site.visit(&mut alice);
    assert!(raised.token().is_fresh(site.auth.now()));
    assert_eq!((raised.token().session(), alice.csrf()), (session, csrf));
    assert_eq!(raised.token().claims().auth_time, Some(site.auth.now()));
    let proven = site.auth.now();
    site.advance(1000);
    let later = site.visit(&mut alice);
    assert!(!later.token().is_fresh(site.auth.now()));
    assert_eq!(later.token().claims().auth_time, Some(proven));
}

#[test]
fn k08_s84_freshness_ends_after_fresh_lifetime_whatever_the_access_lifetime() {
    let days = |days: u64| seconds(days * 24 * 60 * 60);
    for (configured, expected) in [(None, 15 * 60), (Some(seconds(40)), 40)] {
        let site = Site::with(|builder| {
            let builder = builder.access_lifetime(days(30)).refresh_lifetime(days(30));
            if let Some(span) = configured { builder.fresh_lifetime(span) } else { builder }
        });
        let mut alice = site.browser_of("alice");
        let fresh = |alice: &mut Browser| site.send(alice, Request::get("/"), page(Need::access().fresh())).code;
        for _ in 0..2 {
            // The second request finds the token in the cache.
            assert_eq!((fresh(&mut alice), fresh(&mut alice)), ("", ""));
            site.advance(expected);
            assert_eq!(fresh(&mut alice), "");
            site.advance(1);
            assert_eq!(fresh(&mut alice), "insufficient_user_authentication");
            let response = site.visit(&mut alice);
            assert!(response.code.is_empty() && !response.token().is_fresh(site.auth.now()));
            assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
        }
    }
}

#[test]
fn k08_s84_freshness_ends_after_fresh_lifetime_in_every_kind_of_site() {
    let day = seconds(24 * 60 * 60);
    let long = |builder: hardtack::AuthenticatorBuilder| builder.access_lifetime(day).refresh_lifetime(day);
    // Whether a token that is issued now is fresh after 0 s, 15 min, 15 min and 1 s, and nearly a day.
    let fresh = |site: &Site| {
        let token = site.auth.access_token("alice").fresh().issue().unwrap();
        let token = site.auth.decode::<NoExtra>(token.as_str(), TokenKind::Access).unwrap();
        [0, 900, 901, 86_399].map(|after| token.is_fresh(NOW + seconds(after)))
    };
    let bounded = [true, true, false, false];
    assert_eq!(fresh(&Site::stateless(long)), bounded);
    assert_eq!(fresh(&Site::stateless(|builder| long(builder).refresh_mode(RefreshMode::Sliding))), bounded);
    // As in Flask-JWT-Extended, unless it is set.
    assert_eq!(fresh(&Site::stateless(|builder| long(builder.flask_compatible()))), [true; 4]);
    let flask = Site::stateless(|builder| long(builder.flask_compatible()).fresh_lifetime(seconds(900)));
    assert_eq!(fresh(&flask), bounded);

    let headers = Site::stateless(|builder| long(builder).token_sources([TokenLocation::Headers]));
    let token = headers.auth.access_token("alice").fresh().issue().unwrap();
    let bearer = Request::get("/").json().field("authorization", format!("Bearer {}", token.as_str()));
    let code = || headers.send(&mut Browser::default(), bearer.clone(), page(Need::access().fresh())).code;
    assert_eq!(code(), "");
    headers.advance(901);
    assert_eq!(code(), "insufficient_user_authentication");
}

#[test]
fn s45_re_authenticating_as_another_user_raises_nothing() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(1000);
    site.visit(&mut alice);
    let before = (alice.access().to_owned(), alice.refresh().to_owned());
    assert!(site.reauthenticate(&mut alice, "bob").is_refused(401, "other_user"));
    assert_eq!((alice.access(), alice.refresh()), (before.0.as_str(), before.1.as_str()));
    assert!(!site.visit(&mut alice).token().is_fresh(site.auth.now()));
}

#[test]
fn two_concurrent_reauthentications_get_the_same_tokens() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(5);
    let request = Request::post("/reauthenticate").csrf(&alice.csrf());
    let handler = || crate::support::reauthenticate("alice");
    let (first, second) = (site.respond(&alice, request.clone(), handler()), site.respond(&alice, request, handler()));
    assert_eq!(first.set_cookie("refresh_token_cookie"), second.set_cookie("refresh_token_cookie"));
    // The session is still live an hour later, whichever response arrived last.
    alice.receive(&second, site.auth.now());
    alice.receive(&first, site.auth.now());
    site.advance(3600);
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn a_step_up_does_not_revive_an_ended_session() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    site.log_out(&mut alice.clone());
    assert!(site.reauthenticate(&mut alice.clone(), "alice").is_refused(401, "revoked"));
    assert!(site.renew(&mut alice.clone()).is_refused(401, "revoked"));
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn s23_a_key_rotation_logs_nobody_out() {
    let (old, new) = (key().with_key_id("old"), key().with_key_id("new"));
    let before = Site::with_keys(KeySet::new(old.clone()), |builder| builder);
    let mut alice = before.browser_of("alice");
    let page_form = alice.csrf();
    let stale = alice.clone();
    let both = KeySet::new(new.clone()).also_verify(old.verifying_key()).unwrap();
    let during = Site::over(before.store.clone(), both, |builder| builder);
    assert_eq!(during.visit(&mut alice).status, 200);
    during.advance(1000);
    assert_eq!(during.visit(&mut alice).status, 200);
    assert!(during.auth.decode::<hardtack::jwt::NoExtra>(alice.access(), TokenKind::Access).is_ok());
    // A form that was open during the rotation is still accepted.
    let request = Request::post("/page").form(&page_form);
    assert_eq!(during.send(&mut alice, request, page(Need::access())).status, 200);
    // Once the old key is removed, its tokens count as another application's, and tokens that the new key signed are
    // accepted.
    let after = Site::over(before.store.clone(), KeySet::new(new), |builder| builder);
    after.advance(1000);
    assert_eq!(after.visit(&mut alice).status, 200);
    assert!(after.visit(&mut stale.clone()).is_refused(401, "missing_token"));
}

#[test]
fn s73_keys_are_replaced_while_requests_are_served() {
    let (old, new) = (key().with_key_id("old"), key().with_key_id("new"));
    let site = Site::with_keys(KeySet::new(old.clone()), |builder| builder);
    let mut alice = site.browser_of("alice");
    let stale = alice.clone();
    // The token is cached now.
    assert_eq!(site.visit(&mut alice).status, 200);
    site.auth.replace_keys(KeySet::new(new.clone()).retire(old.clone()).unwrap()).unwrap();
    assert_eq!(site.visit(&mut stale.clone()).status, 200);
    site.advance(1000);
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_ne!(alice.access(), stale.access());
    // The old key no longer verifies, not even a token that was verified, and cached, a moment before.
    let before = site.auth.clone();
    before.replace_keys(KeySet::new(new)).unwrap();
    assert!(site.visit(&mut stale.clone()).is_refused(401, "missing_token"));
    assert_eq!(site.visit(&mut alice).status, 200);
    // A set that cannot serve changes nothing.
    let refused = site.auth.replace_keys(KeySet::verifying_only(old.verifying_key())).unwrap_err();
    assert!(matches!(refused, hardtack::ConfigError::VerifyingOnly), "{refused}");
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn an_operator_can_end_one_session_or_all_of_a_subject() {
    let site = Site::new();
    let (mut one, mut two) = (site.browser_of("alice"), site.browser_of("alice"));
    let mut bob = site.browser_of("bob");
    let id = site.visit(&mut one).token().session().unwrap();
    assert!(!block_on(site.auth.revoke_session("bob", id)).unwrap());
    assert!(block_on(site.auth.revoke_session("alice", id)).unwrap());
    assert!(!block_on(site.auth.revoke_session("alice", id)).unwrap());
    assert_eq!((site.visit(&mut one).status, site.visit(&mut two).status), (401, 200));
    assert_eq!(block_on(site.auth.revoke_all_sessions("alice")).unwrap(), 1);
    assert_eq!((site.visit(&mut two).status, site.visit(&mut bob).status), (401, 200));
}

#[test]
fn s28_other_processes_learn_what_was_ended() {
    let keys = KeySet::new(key());
    let here = Site::with_keys(keys.clone(), |builder| builder);
    let there = Site::over(here.store.clone(), keys, |builder| builder);
    let alice = here.browser_of("alice");
    here.log_out(&mut alice.clone());
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1);
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 0);
}

/// The store contains no signing key, so a copy of the store is not enough to forge a token.
#[test]
fn s40_a_copy_of_the_store_forges_nothing() {
    let site = Site::new();
    site.browser_of("alice");
    let thief = Site::over(site.store.clone(), KeySet::new(key()), |builder| builder);
    let forged = thief.browser_of("alice");
    assert_eq!(thief.visit(&mut forged.clone()).status, 200);
    assert!(site.visit(&mut forged.clone()).is_refused(401, "bad_signature"));
    assert!(site.refresh(&mut forged.clone()).is_refused(401, "bad_signature"));
}

#[test]
fn s25_claims_hold_ids_and_times_only() {
    let site = Site::new();
    let mut browser = site.browser_of("alice");
    let response = site.visit(&mut browser);
    let claims: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(response.token().payload()).unwrap();
    let mut names: Vec<&str> = claims.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["auth_time", "csrf", "exp", "fresh", "gen", "iat", "jti", "nbf", "sid", "sub", "type"]);
}

//! Refreshes of bound sessions: with proofs, without proofs, and with proofs of thieves.

use hardtack::event::EventKind;
use hardtack::jwt::{Algorithm, SigningKey};
use hardtack::session::SessionPolicy;
use hardtack::testing::{FailingSessions, TestDevice};
use hardtack::{KeySet, MemorySessions, Need, RefreshMode};
use serde_json::{Value, json};

use crate::device::{ACCESS, Bound, REFRESH, count, exchange, offering, post_bound, row, site, tells_to_forget};
use crate::support::{Browser, Request, Site, block_on, key, page, seconds};

#[test]
fn s89_a_copied_cookie_jar_dies_with_its_access_token() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    for mode in 0..2 {
        let mut thief = alice.browser.clone();
        assert_eq!(site.visit(&mut thief).status, 200, "the access token is a bearer token");
        site.advance(901);
        // The thief presents the cookies that the browser would have deleted.
        let mut thief = Browser::default()
            .with(
                "__Host-access_token_cookie",
                alice.browser.value(ACCESS).unwrap_or(thief.value(ACCESS).unwrap_or("x.y.z")),
            )
            .with("__Host-Http-refresh_token_cookie", alice.browser.refresh())
            .with("__Host-csrf_refresh_token", alice.browser.value("csrf_refresh_token").unwrap());
        let refused = if mode == 0 {
            thief = thief.without(&[ACCESS]);
            site.visit(&mut thief)
        } else {
            let csrf = thief.value("csrf_refresh_token").unwrap().to_owned();
            site.send(&mut thief, Request::post("/token/refresh").csrf(&csrf), crate::support::refresh)
        };
        assert!(refused.is_refused(401, "unproven_refresh"), "{}", refused.code);
        // The route for proofs refuses the thief, and the session does not end.
        let reply = post_bound(&site, &mut thief, Some(&alice.id), None).unwrap();
        assert_eq!(reply.status, 403);
        // The owner's session continues.
        assert_eq!(alice.refresh(&site).status, 200);
        assert_eq!(site.visit(&mut alice.browser).status, 200);
    }
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 2);
    assert_eq!(count(&events, EventKind::ReuseDetected), 0);
}

#[test]
fn s89_a_thief_with_another_key_ends_the_session() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let mut thief = Bound { device: TestDevice::new(Algorithm::ES256).unwrap(), ..alice.clone() };
    let reply = thief.refresh(&site);
    assert!(tells_to_forget(&reply, &alice.id), "{} {}", reply.status, reply.body);
    assert_eq!(count(&events, EventKind::ProofFailed), 1);
    assert!(row(&site, &alice.id).revoked_at.is_some());
    assert!(tells_to_forget(&alice.refresh(&site), &alice.id));
}

/// Browsers cache a signed challenge and may send it again, with the same signature.
#[test]
fn a_response_that_was_lost_is_repeated_byte_for_byte() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    alice.refresh(&site);
    site.advance(600);
    let proof = alice.device.prove(alice.challenge.as_ref().unwrap());
    let mut copy = alice.browser.clone();
    let send = |browser: &mut Browser| {
        let request = Request::post("/token/bound")
            .field("sec-secure-session-id", alice.id.as_str())
            .field("secure-session-response", proof.as_str());
        exchange(&site, browser, request, |exchange| block_on(exchange.refresh_bound()))
    };
    let (lost, first) = send(&mut alice.browser.clone());
    let (again, second) = send(&mut copy);
    assert_eq!(lost.cookies, again.cookies);
    assert_eq!((first.unwrap().status, second.unwrap().status), (200, 200));
    alice.browser = copy;
    assert_eq!(site.visit(&mut alice.browser).status, 200);
}

/// If the server treated an old challenge as theft, it would log out innocent users.
#[test]
fn the_response_to_an_old_challenge_contains_a_new_one() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    alice.refresh(&site);
    let old = alice.challenge.clone();
    let old_browser = alice.browser.clone();
    for idle in [100, 3600, 40_000] {
        site.advance(idle);
        assert_eq!(alice.refresh(&site).status, 200, "after {idle} s");
    }
    // A proof for tokens of long ago, with the newest cookies.
    let newest = std::mem::replace(&mut alice.challenge, old);
    assert_eq!(alice.post(&site).status, 403);
    // Old cookies and a proof for the newest tokens: only the owner's device has the key.
    alice.challenge = newest;
    alice.browser = old_browser;
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(count(&events, EventKind::ReuseDetected) + count(&events, EventKind::ProofFailed), 0);
    assert_eq!(site.visit(&mut alice.browser).status, 200);
}

#[test]
fn proofs_that_cannot_be_read_end_nothing() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let challenged = alice.post(&site);
    alice.learn(&challenged);
    let challenge = alice.challenge.clone().unwrap();
    let signed = |header: Value, payload: Value| alice.device.sign(&header, &payload);
    let usual = || json!({ "alg": "ES256", "typ": "dbsc+jwt" });
    for proof in [
        String::new(),
        "garbage".into(),
        "a.b.c".into(),
        signed(json!({ "alg": "ES256", "typ": "JWT" }), json!({ "jti": challenge })),
        signed(usual(), json!({ "jti": 1 })),
        signed(usual(), json!({ "jti": challenge, "aud": "https://elsewhere.example/token/bound" })),
        "x".repeat(5000),
    ] {
        let reply = post_bound(&site, &mut alice.browser.clone(), Some(&alice.id), Some(&proof)).unwrap();
        assert_eq!(reply.status, 403, "{proof}");
        assert!(reply.headers.iter().any(|(name, _)| *name == "secure-session-challenge"), "{proof}");
    }
    // Without the field that only browsers can set, the server ignores a valid proof.
    let good = alice.device.prove(&challenge);
    assert_eq!(post_bound(&site, &mut alice.browser.clone(), None, Some(&good)).unwrap().status, 403);
    // Twice the same field.
    let request = Request::post("/token/bound")
        .field("sec-secure-session-id", alice.id.as_str())
        .field("secure-session-response", good.as_str())
        .field("secure-session-response", good.as_str());
    let (_, twice) =
        exchange(&site, &mut alice.browser.clone(), request, |exchange| block_on(exchange.refresh_bound()));
    assert_eq!(twice.unwrap().status, 403);
    // The field in which a browser says that it did not refresh gives no access.
    let request = Request::get("/page").field("secure-session-skipped", "quota_exceeded");
    let mut bare = alice.browser.without(&[ACCESS]);
    assert!(site.send(&mut bare, request, page(Need::access())).is_refused(401, "unproven_refresh"));
    assert_eq!(count(&events, EventKind::ProofFailed), 0);
    assert_eq!(alice.refresh(&site).status, 200);
    // With the URL of the route as `aud`, which later versions of browsers will send.
    let next = alice.challenge.clone().unwrap();
    let proof = alice.device.sign(&usual(), &json!({ "jti": next, "aud": "https://site.example/token/bound" }));
    assert_eq!(post_bound(&site, &mut alice.browser, Some(&alice.id), Some(&proof)).unwrap().status, 200);
}

#[test]
fn an_ended_session_is_forgotten_and_a_failing_store_is_not_the_end() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), offering);
    let mut alice = Bound::log_in(&site, "alice");
    store.fail();
    let request = || Request::post("/token/bound").field("sec-secure-session-id", alice.id.as_str());
    let (response, reply) =
        exchange(&site, &mut alice.browser.clone(), request(), |exchange| block_on(exchange.refresh_bound()));
    assert!(reply.is_none() && response.status == 503 && response.cookies.is_empty());
    store.recover();
    // Logged out here or elsewhere.
    let mut elsewhere = alice.browser.clone();
    assert_eq!(site.log_out(&mut elsewhere).status, 200);
    assert!(tells_to_forget(&alice.post(&site), &alice.id));
    let mut gone = Bound { browser: Browser::default(), ..alice.clone() };
    assert!(tells_to_forget(&gone.post(&site), &alice.id));
    // A client that names no session gets the same refusal as any client without a token.
    assert!(post_bound(&site, &mut Browser::default(), None, None).is_none());
    // A log-in in the same browser starts another session. A refresh of the old session is then too late.
    let mut bob = Bound::log_in(&site, "bob");
    let reply = post_bound(&site, &mut bob.browser, Some(&alice.id), None).unwrap();
    assert!(tells_to_forget(&reply, &alice.id) && reply.cookies.is_empty());
    assert_eq!(bob.refresh(&site).status, 200);
}

#[test]
fn a_bound_session_that_needs_a_refresh_keeps_its_refresh_cookie() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    site.advance(901);
    let mut copy = alice.browser.clone();
    let response = site.visit(&mut copy);
    assert!(response.is_refused(401, "unproven_refresh"));
    assert!(response.deletes(ACCESS), "without this cookie, the browser sends a proof");
    assert!(copy.value(REFRESH).is_some());
    // A script reads the CSRF value. Only then does the browser refresh and send the script's request.
    assert!(copy.value("csrf_access_token").is_some());
    // A page whose token is optional treats the user as a visitor, and the session continues.
    let optional = site.send(&mut alice.browser, Request::get("/page"), page(Need::access().optional()));
    assert!(optional.token.is_none());
    assert!(alice.browser.value(REFRESH).is_some());
    assert_eq!(alice.refresh(&site).status, 200);
}

#[test]
fn a_key_rotation_keeps_sessions_bound() {
    let old = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("old");
    let site = Site::with_keys(KeySet::new(old.clone()), offering);
    let mut alice = Bound::log_in(&site, "alice");
    let challenged = alice.post(&site);
    alice.learn(&challenged);
    let new = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("new");
    site.auth.replace_keys(KeySet::new(new).retire(old).unwrap()).unwrap();
    assert_eq!(alice.post(&site).status, 200);
}

#[test]
fn a_session_stays_bound_when_device_binding_is_turned_off() {
    let store = MemorySessions::new();
    let keys = KeySet::new(key());
    let offering_site = Site::over(store.clone(), keys.clone(), offering);
    let mut alice = Bound::log_in(&offering_site, "alice");
    let site = Site::over(store, keys, |builder| builder);
    assert!(site.refresh(&mut alice.browser.clone()).is_refused(401, "unproven_refresh"));
    assert_eq!(alice.refresh(&site).status, 200);
    let cookies = block_on(site.auth.log_in("bob")).unwrap();
    assert_eq!(cookies.registration(), None);
}

#[test]
fn a_bound_session_cannot_slide_and_its_token_is_valid_until_it_expires() {
    let (store, keys) = (MemorySessions::new(), KeySet::new(key()));
    let mut alice = Bound::log_in(&Site::over(store.clone(), keys.clone(), offering), "alice");
    let sliding = Site::over(store, keys, |builder| {
        builder
            .refresh_mode(RefreshMode::Sliding)
            .session_policy(SessionPolicy::default().absolute_lifetime(seconds(3600)))
    });
    sliding.advance(800);
    let response = sliding.visit(&mut alice.browser);
    assert_eq!((response.status, response.added.len()), (200, 0), "{}", response.body);
}

//! Sessions that are bound to devices: a client that has the device's key, and thieves that do not.

use hardtack::clock::Clock;
use hardtack::event::EventKind;
use hardtack::jwt::{Algorithm, SigningKey};
use hardtack::session::SessionPolicy;
use hardtack::testing::{FailingSessions, TestDevice};
use hardtack::{
    Authenticator, AuthenticatorBuilder, ConfigError, CookiePolicy, KeySet, MemorySessions, Need, RefreshMode,
};
use serde_json::{Value, json};

use crate::device::{
    ACCESS, Bound, REFRESH, bind, count, exchange, offering, post_bound, register_challenge, row, site, tells_to_forget,
};
use crate::support::{Browser, NOW, Request, Site, block_on, key, page, seconds};

/// The cookie that says what the browser was told to do so that it sends a proof. It can also contain the mark of a
/// re-authentication.
const NOTE: &str = "device_proof";

#[test]
fn s89_a_session_is_bound_and_refreshed_with_proofs() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let bound = row(&site, &alice.id);
    assert_eq!((bound.generation, bound.bound_at), (2, Some(NOW)));
    assert_eq!(count(&events, EventKind::Bound), 1);
    // The instructions describe the cookie exactly.
    let access = site.visit(&mut alice.browser);
    assert_eq!(access.token().subject(), "alice");
    for generation in 3..6 {
        site.advance(890);
        let reply = alice.refresh(&site);
        assert_eq!(reply.status, 200);
        assert_eq!(row(&site, &alice.id).generation, generation);
        assert_eq!(site.visit(&mut alice.browser).status, 200);
    }
    assert_eq!(count(&events, EventKind::Refresh), 3);
    assert_eq!(count(&events, EventKind::UnprovenRefresh) + count(&events, EventKind::ProofFailed), 0);
}

#[test]
fn s89_the_instructions_and_the_cookie_agree() {
    let (site, _) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    let device = TestDevice::new(Algorithm::RS256).unwrap();
    let request =
        Request::post("/token/bind").field("secure-session-response", format!("\"{}\"", device.register(&challenge)));
    let (response, reply) = exchange(&site, &mut browser, request, |exchange| block_on(exchange.bind_device()));
    let instructions: Value = serde_json::from_str(&reply.unwrap().body).unwrap();
    let id = site.live_sessions("alice")[0].id.to_string();
    assert_eq!(
        instructions,
        json!({
            "session_identifier": id,
            "refresh_url": "/token/bound",
            "scope": { "include_site": false },
            "credentials": [{
                "type": "cookie",
                "name": "__Host-access_token_cookie",
                "attributes": "Secure; HttpOnly; Path=/; SameSite=Lax",
            }],
        })
    );
    // The access cookie expires together with its token. The other cookies have no `Max-Age`, as before.
    let ends = |name: &str| response.set_cookie(name).unwrap().contains("Max-Age=");
    assert!(response.set_cookie(ACCESS).unwrap().contains("; Max-Age=900; Secure; HttpOnly; Path=/; SameSite=Lax"));
    assert!(!ends(REFRESH) && !ends("csrf_access_token") && !ends("csrf_refresh_token"));
    assert!(response.set_cookie(REFRESH).unwrap().starts_with("__Host-Http-"));
}

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
fn s89_copies_from_before_the_binding_are_worth_no_more() {
    let (site, events) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    let mut early = browser.clone();
    let mut alice = Bound::bind(&site, browser, &challenge);
    // Immediately, within the race window, and long after.
    for wait in [0, 10, 900] {
        site.advance(wait);
        assert!(site.refresh(&mut early.clone()).is_refused(401, "unproven_refresh"), "{wait}");
    }
    assert!(site.visit(&mut early).is_refused(401, "unproven_refresh"));
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 4);
    assert_eq!(alice.refresh(&site).status, 200);
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

#[test]
fn s89_a_session_is_bound_once_and_early_only() {
    let (site, events) = site();
    // Too late.
    let mut late = Browser::default();
    let challenge = register_challenge(&site, &mut late, "alice");
    site.advance(61);
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    assert_eq!(bind(&site, &mut late, &device.register(&challenge)).unwrap().status, 404);
    assert_eq!(count(&events, EventKind::BindRefused), 1);
    // The session continues, unbound.
    site.advance(900);
    assert_eq!(site.visit(&mut late).status, 200);

    // A thief comes second.
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "bob");
    let mut thief = browser.clone();
    let mut bob = Bound::bind(&site, browser, &challenge);
    let key = row(&site, &bob.id).bound_key;
    for mut cookies in [thief.clone(), bob.browser.clone()] {
        assert_eq!(bind(&site, &mut cookies, &device.register(&challenge)).unwrap().status, 404);
    }
    assert_eq!(row(&site, &bob.id).bound_key, key);
    assert_eq!(count(&events, EventKind::BindRefused), 3);
    assert!(site.refresh(&mut thief).is_refused(401, "unproven_refresh"));
    assert_eq!(bob.refresh(&site).status, 200);
}

#[test]
fn s89_a_site_that_no_longer_offers_binding_binds_no_session() {
    let (store, keys) = (MemorySessions::new(), KeySet::new(key()));
    let offering_site = Site::over(store.clone(), keys.clone(), offering);
    let mut browser = Browser::default();
    let challenge = register_challenge(&offering_site, &mut browser, "alice");
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    let site = Site::over(store, keys, |builder| builder);
    assert_eq!(bind(&site, &mut browser.clone(), &device.register(&challenge)).unwrap().status, 404);
    assert_eq!(bind(&offering_site, &mut browser, &device.register(&challenge)).unwrap().status, 200);
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

#[test]
fn s89_a_challenge_for_another_purpose_or_session_binds_nothing() {
    let (site, _) = site();
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let first = register_challenge(&site, &mut one, "alice");
    let second = register_challenge(&site, &mut two, "alice");
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    assert_eq!(bind(&site, &mut one, &device.register(&second)).unwrap().status, 404);
    let mut bound = Bound::bind(&site, one, &first);
    let challenged = bound.post(&site);
    bound.learn(&challenged);
    // The challenge for a refresh of the one session, to bind the other.
    assert_eq!(bind(&site, &mut two, &device.register(&bound.challenge.clone().unwrap())).unwrap().status, 404);
    // A challenge for a registration is not valid for a refresh.
    bound.challenge = Some(first);
    assert_eq!(bound.post(&site).status, 403);
    assert_eq!(bound.refresh(&site).status, 200);
    // Proofs of the wrong kind, or none.
    let third = register_challenge(&site, &mut two, "alice");
    for proof in [device.prove(&third), String::new(), "x".into(), device.register("made up")] {
        assert_eq!(bind(&site, &mut two, &proof).unwrap().status, 404, "{proof}");
    }
    let request = Request::post("/token/bind");
    let (_, reply) = exchange(&site, &mut two, request, |exchange| block_on(exchange.bind_device()));
    assert_eq!(reply.unwrap().status, 404);
    assert!(Bound::bind(&site, two, &third).challenge.is_none());
}

#[test]
fn a_registration_whose_response_was_lost_can_be_repeated() {
    let (site, events) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    let lost = bind(&site, &mut browser.clone(), &device.register(&challenge)).unwrap();
    let again = bind(&site, &mut browser, &device.register(&challenge)).unwrap();
    assert_eq!((again.status, &again.body), (200, &lost.body));
    assert_eq!(count(&events, EventKind::Bound), 1);
    let mut alice = Bound { id: site.live_sessions("alice")[0].id.to_string(), browser, device, challenge: None };
    assert_eq!(alice.refresh(&site).status, 200);
}

#[test]
fn a_registration_that_races_with_a_refresh_succeeds() {
    let (site, _) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    // A page of the browser refreshes first. The registration has the cookies from before.
    assert_eq!(site.refresh(&mut browser.clone()).status, 200);
    let mut alice = Bound::bind(&site, browser, &challenge);
    assert_eq!(row(&site, &alice.id).generation, 3);
    assert_eq!(alice.refresh(&site).status, 200);
}

/// The page after the log-in is requested at once, with the cookies from before the binding.
#[test]
fn pages_that_race_with_the_registration_work() {
    let (site, _) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    let mut unbound = browser.clone();
    let mut alice = Bound::bind(&site, browser, &challenge);
    assert_eq!(site.visit(&mut unbound).status, 200);
    assert_eq!(site.change(&mut unbound).status, 200);
    assert_eq!(site.visit(&mut alice.browser).status, 200);
}

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
        assert!(alice.browser.value(NOTE).is_some_and(|mark| mark.starts_with('.')), "the refresh removes the note");
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
    for note in [None, Some("."), Some("redirected"), Some(".AAAAAAAAAAAAAAAAAAAAAA"), Some(".é")] {
        let mut other = Bound { browser: alice.browser.without(&[NOTE]), ..alice.clone() };
        if let Some(note) = note {
            other.browser = other.browser.with("__Host-Http-device_proof", note);
        }
        assert_eq!(other.post(&site).status, 503, "{note:?}");
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
    let mark = alice.browser.value(NOTE).unwrap().to_owned();
    let outdated = alice.browser.clone();
    assert_eq!(site.visit(&mut alice.browser).status, 307);
    let told = NOW.unix_seconds();
    assert_eq!(alice.browser.value(NOTE), Some(&*format!("redirected~{told}{mark}")));
    // The note counts for ten seconds, so a browser without a proof is told once in this time.
    let note = alice.browser.value(NOTE).unwrap().to_owned();
    let still = |note: &str| outdated.without(&[NOTE]).with("__Host-Http-device_proof", note);
    for (wait, status) in [(0, 401), (9, 401), (1, 307)] {
        site.advance(wait);
        assert_eq!(site.visit(&mut still(&note)).status, status, "{wait}");
    }
    // The clock of the server that wrote the note may be ahead, but a note from the far future does not count.
    let at = |seconds: i64| format!("redirected~{}{mark}", site.clock.now().unix_seconds() + seconds);
    assert_eq!(site.visit(&mut still(&at(60))).status, 401);
    assert_eq!(site.visit(&mut still(&at(100_000))).status, 307);
    assert_eq!(site.visit(&mut still(&format!("redirected~x{mark}"))).status, 307);
    // The browser keeps the mark, and needs no log-in.
    site.advance(7200);
    assert!(alice.browser.cookies_for("/token/bound", site.clock.now()).unwrap().contains(&mark));
    assert_eq!(alice.refresh(&site).status, 200);
    assert!(alice.browser.value(NOTE).is_some_and(|value| value.ends_with(&mark)));
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
        let mark = alice.browser.value(NOTE).unwrap().to_owned();
        alice.browser.receive(&refreshed, site.clock.now());
        assert_eq!(alice.browser.value(NOTE), Some(&*mark));
        assert_eq!(site.visit(&mut alice.browser).status, 307);
        assert_eq!(alice.refresh(&site).status, 200);
        assert_eq!(site.visit(&mut alice.browser).status, 200);
        site.advance(2);
    }
}

#[test]
fn a_reauthentication_sets_a_mark_only_if_a_refresh_is_in_flight() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    assert!(site.reauthenticate(&mut alice.browser, "alice").set_cookie(NOTE).is_none(), "no refresh is in flight");
    let refreshed = alice.refresh_in_flight(&site);
    let marked = site.reauthenticate(&mut alice.browser, "alice");
    let cookie = marked.set_cookie(NOTE).unwrap();
    assert!(cookie.starts_with("__Host-Http-") && cookie.contains("HttpOnly"), "{cookie}");
    let mark = alice.browser.value(NOTE).unwrap().to_owned();
    // The user types the password once more. The earlier mark is then worthless.
    site.advance(2);
    assert_eq!(site.reauthenticate(&mut alice.browser, "alice").status, 200);
    let mut old = alice.clone();
    old.browser.receive(&refreshed, site.clock.now());
    assert_eq!(old.browser.value(NOTE), Some(&*mark));
    assert_eq!(old.post(&site).status, 503);
    assert_eq!(alice.refresh(&site).status, 200);
    // A session that is not bound gets no mark.
    let mut bob = site.browser_of("bob");
    let copy = bob.clone();
    assert_eq!(site.refresh(&mut bob).status, 200);
    assert!(site.reauthenticate(&mut copy.clone(), "bob").set_cookie(NOTE).is_none());
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
fn a_password_change_offers_to_bind_the_new_session() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    let mut field = None;
    let request = Request::post("/password").csrf(&alice.browser.csrf());
    let response = site.send(&mut alice.browser, request, |exchange| {
        let cookies = block_on(exchange.renew(hardtack::session::EndedSessions::none()))?;
        field = cookies.registration().map(str::to_owned);
        Ok(cookies.into())
    });
    assert_eq!(response.status, 200, "{}", response.code);
    // The new session is not bound until the browser asks for it.
    let session = site.live_sessions("alice").pop().unwrap();
    assert!(session.bound_key.is_none());
    assert!(!response.set_cookie(ACCESS).unwrap().contains("Max-Age"));
    let challenge = field.unwrap().split_once(";challenge=").unwrap().1.trim_matches('"').to_owned();
    let mut again = Bound::bind(&site, alice.browser.clone(), &challenge);
    assert_eq!(again.refresh(&site).status, 200);
    assert!(tells_to_forget(&post_bound(&site, &mut again.browser, Some(&alice.id), None).unwrap(), &alice.id));
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
fn both_routes_require_post_and_a_registration_must_come_from_this_site() {
    let (site, _) = site();
    let mut browser = Browser::default();
    let challenge = register_challenge(&site, &mut browser, "alice");
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    for method in ["GET", "HEAD", "PUT"] {
        let request = || Request::new(method, "/token/bound");
        let (response, _) =
            exchange(&site, &mut browser.clone(), request(), |exchange| block_on(exchange.refresh_bound()));
        assert_eq!(response.status, 405, "{method}");
        let (response, _) =
            exchange(&site, &mut browser.clone(), request(), |exchange| block_on(exchange.bind_device()));
        assert_eq!(response.status, 405, "{method}");
    }
    let foreign = Request::post("/token/bind")
        .field("secure-session-response", device.register(&challenge))
        .field("origin", "https://evil.example");
    let (response, reply) = exchange(&site, &mut browser.clone(), foreign, |exchange| block_on(exchange.bind_device()));
    assert!(reply.is_none() && response.status == 403);
    Bound::bind(&site, browser, &challenge);
}

#[test]
fn redirect_mode_sends_the_refresh_cookie_to_both_routes() {
    let site = Site::with(|builder| offering(builder).refresh_mode(RefreshMode::Redirect));
    let mut alice = Bound::log_in(&site, "alice");
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(site.visit(&mut alice.browser).status, 200);
}

#[test]
fn settings_that_rule_out_binding_are_refused() {
    type Set = fn(AuthenticatorBuilder) -> AuthenticatorBuilder;
    fn stored(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        builder.sessions(MemorySessions::new())
    }
    let rows: [(Set, &str); 7] = [
        (|builder| builder, "call AuthenticatorBuilder::sessions"),
        (|builder| stored(builder).refresh_mode(RefreshMode::Sliding), "choose another refresh mode"),
        (|builder| stored(builder).access_lifetime(seconds(239)), "at least 240 seconds"),
        (
            |builder| {
                let policy = SessionPolicy::default().access_jitter(50);
                stored(builder).access_lifetime(seconds(400)).session_policy(policy)
            },
            "at least 240 seconds",
        ),
        (
            |builder| stored(builder).cookies(CookiePolicy::default().access_paths(["/account"])),
            "must have the path \"/\" and no Domain",
        ),
        (
            |builder| {
                let cookies = CookiePolicy::default().access_name("__Host-Http-id");
                stored(builder).cookies(cookies.prefix(hardtack::cookie::CookiePrefix::None))
            },
            "rename the access cookie",
        ),
        (
            |builder| stored(builder).cookies(CookiePolicy::default().refresh_paths(["/token/refresh"])),
            "must cover Urls::bind and Urls::bound",
        ),
    ];
    for (set, expected) in rows {
        let builder = Authenticator::builder(KeySet::new(key())).base_url("https://site.example");
        let error = set(offering(builder)).build().unwrap_err();
        let ConfigError::DeviceBinding { problem } = error else { panic!("{error}") };
        assert!(problem.contains(expected), "{problem}");
    }
    // Browsers bind over https only.
    let site = Site::with(|builder| offering(builder).base_url("http://127.0.0.1:8080"));
    assert_eq!(block_on(site.auth.log_in("alice")).unwrap().registration(), None);
}

//! Binding a session to a device.

use hardtack::event::EventKind;
use hardtack::jwt::Algorithm;
use hardtack::session::SessionPolicy;
use hardtack::testing::TestDevice;
use hardtack::{Authenticator, AuthenticatorBuilder, ConfigError, CookiePolicy, KeySet, MemorySessions, RefreshMode};
use serde_json::{Value, json};

use crate::device::{
    ACCESS, Bound, REFRESH, bind, count, exchange, offering, post_bound, register_challenge, row, site, tells_to_forget,
};
use crate::support::{Browser, NOW, Request, Site, block_on, key, seconds};

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
        (|builder| builder, "pass such a store to AuthenticatorBuilder::sessions"),
        (|builder| stored(builder).refresh_mode(RefreshMode::Sliding), "choose a different refresh mode"),
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

//! Sessions that end, and cookies that were copied before.

use hardtack_test_support::client::Client;
use hardtack_test_support::html::HtmlForms;
use serde_json::{Value, json};

use crate::support::{
    ACCESS, BOTH_MODES, Options, PASSWORD, REFRESH, Store, TestSite, claims, cookie, filled, log_in, on_every_store,
    open, sign_up, submit, whoami,
};

on_every_store! {{
    s27_a_log_in_over_existing_cookies_begins_a_new_session_and_ends_the_old_one,
    s28_s29_copied_cookies_are_dead_after_the_log_out,
    s28_a_log_out_with_an_expired_access_token_ends_the_session_too,
    s37_a_disabled_user_is_refused_with_both_tokens,
    s37_a_disabled_user_can_still_log_out,
    s38_somebody_lists_and_ends_their_own_sessions_and_nobody_elses,
    e19_s82_many_sessions_are_limited_and_listed_in_pages,
}}

fn session(client: &Client) -> String {
    claims(&cookie(client, ACCESS))["sid"].as_str().unwrap().to_owned()
}

async fn devices(client: &mut Client) -> Vec<Value> {
    let response = client.get("/account/sessions").accept_json().send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    response.json()["sessions"].as_array().unwrap().clone()
}

/// A browser that has one copied cookie and nothing else.
fn thief_of(site: &TestSite, victim: &Client, name: &str) -> Client {
    let mut thief = site.client();
    thief.set_cookie_raw(&victim.cookie(name).unwrap().raw);
    thief
}

/// Asserts that neither cookie of a session is accepted, alone or together, from browsers and API clients.
async fn assert_dead(site: &TestSite, victim: &Client, what: &str) {
    let csrf = claims(&cookie(victim, REFRESH))["csrf"].as_str().unwrap().to_owned();
    let both = || [thief_of(site, victim, ACCESS), thief_of(site, victim, REFRESH), victim.clone()];
    for mut thief in both() {
        assert_eq!(whoami(&mut thief).await, Err(401), "{what}");
    }
    for mut thief in both() {
        let page = open(&mut thief, "/service").await;
        assert_eq!(page.path().split('?').next(), Some("/login"), "{what}");
    }
    for mut thief in both() {
        let response = crate::support::refresh(&mut thief).await;
        assert_eq!(response.status(), 401, "{what}: {}", response.text());
        assert!(
            response.set_cookies().iter().all(|cookie| cookie.is_deletion()),
            "{what}: {:?}",
            response.set_cookies()
        );
    }
    for mut thief in both() {
        let response = thief.post("/token/refresh").accept_json().header("x-csrf-token", &csrf).send().await;
        assert_eq!(response.status(), 401, "{what}: {}", response.text());
    }
    for mut thief in both() {
        let response = thief.post("/account/sessions/revoke-others").accept_json().header("x-csrf-token", &csrf);
        assert_eq!(response.send().await.status(), 401, "{what}");
    }
}

async fn s28_s29_copied_cookies_are_dead_after_the_log_out(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..store.options() }).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        let copy = ada.clone();
        let page = open(&mut ada, "/service").await;
        assert_eq!(submit(&mut ada, &page, "/logout", &[]).await.location(), Some("/?done=logout"));
        assert_dead(&site, &copy, "a form").await;

        // An API client has cookies from before and after a refresh, and logs out.
        let mut ada = site.session_of(&id).await;
        let old = ada.clone();
        site.expire_access();
        open(&mut ada, "/service").await;
        let new = ada.clone();
        let out = ada.post("/logout").accept_json().csrf().send().await;
        assert_eq!((out.status().as_u16(), out.json()), (200, json!({ "logged_out": true })));
        assert_dead(&site, &new, "an API client").await;
        assert_dead(&site, &old, "the ones before the refresh").await;
        // Another process on the same database refuses them too.
        let beside = site.beside(Options { refresh, ..store.options() }).await;
        assert_dead(&beside, &new, "another process").await;
    }
}

async fn s28_a_log_out_with_an_expired_access_token_ends_the_session_too(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..store.options() }).await;
        let mut ada = site.person("ada").await;
        let page = open(&mut ada, "/service").await;
        let copy = ada.clone();
        site.expire_access();
        assert_eq!(submit(&mut ada, &page, "/logout", &[]).await.location(), Some("/?done=logout"), "{refresh:?}");
        assert!(ada.cookie(ACCESS).is_none() && ada.cookie(REFRESH).is_none(), "{refresh:?}");
        assert_dead(&site, &copy, "expired").await;
    }
}

async fn s27_a_log_in_over_existing_cookies_begins_a_new_session_and_ends_the_old_one(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut browser = site.person("ada").await;
    site.person("bob").await;

    // First ada, who is logged in, logs in again. Then bob logs in. Then ada logs in as an API client.
    let mut seen = vec![session(&browser)];
    for username in ["ada", "bob"] {
        let old = browser.clone();
        // `ended=1` shows the log-in page to a user who is logged in.
        let page = open(&mut browser, "/login?ended=1").await;
        let typed = [("username", username), ("password", PASSWORD)];
        assert_eq!(submit(&mut browser, &page, "/login", &typed).await.location(), Some("/"));
        assert_eq!(whoami(&mut browser).await.as_deref(), Ok(username));
        assert!(!seen.contains(&session(&browser)), "{username}: a session was adopted");
        assert_ne!(claims(&cookie(&browser, ACCESS))["csrf"], claims(&cookie(&old, ACCESS))["csrf"]);
        assert_dead(&site, &old, username).await;
        seen.push(session(&browser));
    }
    let old = browser.clone();
    assert_eq!(log_in(&mut browser, "ada", PASSWORD).await.status(), 200);
    assert_dead(&site, &old, "an API client").await;

    // A log-in with an expired access token and a sign-up also end the old session.
    let old = browser.clone();
    site.expire_access();
    assert_eq!(log_in(&mut browser, "ada", PASSWORD).await.status(), 200);
    assert_dead(&site, &old, "expired").await;
    let old = browser.clone();
    sign_up(&mut browser, "eve").await;
    assert_dead(&site, &old, "signing up").await;
    assert_eq!(whoami(&mut browser).await.as_deref(), Ok("eve"));
    // A failed log-in does not end the session.
    assert_eq!(log_in(&mut browser, "ada", "not it at all").await.status(), 401);
    assert_eq!(whoami(&mut browser).await.as_deref(), Ok("eve"));
}

async fn s38_somebody_lists_and_ends_their_own_sessions_and_nobody_elses(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let mut laptop = site.session_of(&id).await;
    let mut bob = site.person("bob").await;

    let listed = devices(&mut ada).await;
    let mut ids: Vec<_> = listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids[0].clone(), &listed[0]["current"]), (session(&ada), &json!(true)));
    assert!(listed[1..].iter().all(|one| one["current"] == false), "{listed:?}");
    ids.sort();
    let mut expected = [&ada, &telephone, &laptop].map(session);
    expected.sort();
    assert_eq!(ids, expected);
    assert_eq!(devices(&mut bob).await.len(), 1);

    // For another user's session, a session that does not exist and malformed ids, the response is the same 404.
    let page = open(&mut ada, "/account/sessions").await;
    let csrf = page.hidden_field("csrf_token").unwrap();
    let long = "a".repeat(5000);
    let foreign = session(&bob);
    let mut responses = Vec::new();
    let nonsense =
        ["00000000000000000000000000000000", "1", "x'--", "..%2f..%2fetc", "%00", "%ff", "%F0%9F%8D%AA", &long];
    for id in [foreign.as_str()].into_iter().chain(nonsense) {
        let path = format!("/account/sessions/{id}/revoke");
        let response = ada.post(&path).accept_json().csrf().send().await;
        assert_eq!(response.status(), 404, "{id}: {}", response.text());
        responses.push(response.text().to_owned());
        let response = ada.post(&path).accept_html().form(&[("csrf_token", &csrf)]).send().await;
        assert_eq!(response.status(), 404, "{id}");
        // The page lists the devices that are still logged in.
        for text in ["That device was already logged out.", "This device"] {
            assert!(response.text().contains(text), "{id}: {}", response.text());
        }
    }
    assert!(
        responses.iter().all(|text| *text == responses[0]),
        "another user's id gets a different response: {responses:?}"
    );
    assert_eq!(whoami(&mut bob).await.as_deref(), Ok("bob"), "another user's session was ended");

    // A session of the user.
    let copy = telephone.clone();
    let path = format!("/account/sessions/{}/revoke", session(&telephone));
    let response = ada.post(&path).accept_json().csrf().send().await;
    assert_eq!((response.status().as_u16(), response.json()), (200, json!({ "revoked": 1 })));
    assert_eq!(whoami(&mut telephone).await, Err(401));
    assert_dead(&site, &copy, "revoked").await;
    assert_eq!(whoami(&mut laptop).await.as_deref(), Ok("ada"));
    assert_eq!(devices(&mut ada).await.len(), 2);

    // End all other sessions with the form, and then the current one.
    let form = filled(&page, "/account/sessions/revoke-others", &[]);
    let response = ada.post("/account/sessions/revoke-others").accept_html().form(&form).send().await;
    assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account/sessions?done=revoke-others")));
    assert_eq!(whoami(&mut laptop).await, Err(401));
    assert_eq!(whoami(&mut bob).await.as_deref(), Ok("bob"));
    let path = format!("/account/sessions/{}/revoke", session(&ada));
    assert_eq!(ada.post(&path).accept_json().csrf().send().await.status(), 200);
    assert_eq!(whoami(&mut ada).await, Err(401));
}

/// A thief with a copied old cookie cannot log out the owner's other devices.
#[tokio::test]
async fn s92_other_sessions_are_ended_by_a_recent_log_in_only() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        let page = open(&mut ada, "/account").await;
        let csrf = page.hidden_field("csrf_token").unwrap();
        site.expire_access();
        assert_eq!(open(&mut ada, "/service").await.path(), "/service");
        let telephone = site.session_of(&id).await;

        let one = format!("/account/sessions/{}/revoke", session(&telephone));
        let nobody = format!("/account/sessions/{}/revoke", "0".repeat(32));
        for path in [one.as_str(), nobody.as_str(), "/account/sessions/revoke-others"] {
            let response = ada.post(path).accept_html().form(&[("csrf_token", &csrf)]).send().await;
            let asked = Some("/reauthenticate?next=%2Faccount%2Fsessions%3Fdone%3Dproof");
            assert_eq!((response.status().as_u16(), response.location()), (303, asked), "{refresh:?} {path}");
            let response = ada.post(path).accept_json().csrf().send().await;
            assert_eq!(response.status(), 401, "{refresh:?} {path}");
            assert_eq!(response.json()["code"], "insufficient_user_authentication", "{refresh:?} {path}");
        }
        assert_eq!(whoami(&mut telephone.clone()).await.as_deref(), Ok("ada"), "{refresh:?}");

        let asked = open(&mut ada, "/reauthenticate?next=%2Faccount%2Fsessions%3Fdone%3Dproof").await;
        let proof = filled(&asked, "/reauthenticate", &[("password", PASSWORD)]);
        let page = ada.post("/reauthenticate").accept_html().form(&proof).follow().await;
        assert!(page.text().contains("Nothing has been logged out yet"), "{}", page.text());
        let done = submit(&mut ada, &page, &one, &[]).await;
        assert_eq!(done.location(), Some("/account/sessions?done=revoke"), "{refresh:?}");
        assert_eq!(whoami(&mut telephone.clone()).await, Err(401), "{refresh:?}");

        // Ending the current session does not require the password, because it is the same as a log-out.
        site.expire_access();
        let own = format!("/account/sessions/{}/revoke", session(&ada));
        let ended = ada.post(&own).accept_html().form(&[("csrf_token", &csrf)]).follow().await;
        assert_eq!(ended.path().split('?').next(), Some("/login"), "{refresh:?}");
    }
}

async fn s37_a_disabled_user_is_refused_with_both_tokens(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..store.options() }).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        let refresher = site.session_of(&id).await;
        let mut bob = site.person("bob").await;
        let copy = ada.clone();
        site.disable("ada").await;

        let response = ada.get("/service").accept_json().send().await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("unknown_user")));
        assert!(ada.cookie(ACCESS).is_none(), "the cookies are still there");
        let mut ada = copy.clone();
        assert_eq!(open(&mut ada, "/service").await.path(), "/login?next=%2Fservice&ended=1");
        // Public pages serve them as visitors.
        let home = copy.clone().get("/").accept_json().send().await;
        assert_eq!((home.status().as_u16(), home.json()), (200, json!({ "user": null })));
        let log_out = copy.clone().get("/logout").accept_json().send().await;
        assert_eq!((log_out.status().as_u16(), log_out.location()), (303, Some("/")));
        for path in ["/account", "/account/sessions", "/reauthenticate"] {
            let response = copy.clone().get(path).accept_json().send().await;
            assert_eq!(response.status(), 401, "{path}: {}", response.text());
        }
        let log_out = copy.clone().get("/logout").accept_json().send().await;
        assert_eq!(log_out.status(), 303, "{}", log_out.text());
        for path in ["/account/change_settings", "/account/password", "/reauthenticate"] {
            let response =
                copy.clone().post(path).accept_json().csrf().json(&json!({ "password": PASSWORD })).send().await;
            assert_eq!(response.status(), 401, "{path}: {}", response.text());
        }

        // The refresh route refuses the refresh token, too.
        for expired in [false, true] {
            if expired {
                site.expire_access();
            }
            let csrf = cookie(&refresher, "csrf_refresh_token");
            for mut holder in [refresher.clone(), thief_of(&site, &refresher, REFRESH)] {
                let response = holder
                    .post("/token/refresh?next=/service")
                    .accept_html()
                    .form(&[("csrf_token", &csrf)])
                    .send()
                    .await;
                assert_eq!(response.location().and_then(|to| to.split('?').next()), Some("/login"), "{refresh:?}");
                assert!(
                    response.set_cookies().iter().all(|cookie| cookie.is_deletion()),
                    "{:?}",
                    response.set_cookies()
                );
            }
            for mut holder in [refresher.clone(), thief_of(&site, &refresher, REFRESH)] {
                let response = holder.post("/token/refresh").accept_json().header("x-csrf-token", &csrf).send().await;
                assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("unknown_user")));
                assert!(
                    response.set_cookies().iter().all(|cookie| cookie.is_deletion()),
                    "{:?}",
                    response.set_cookies()
                );
                let response = holder.get("/service").accept_json().send().await;
                assert_eq!(response.status(), 401, "{refresh:?}: {}", response.text());
            }
        }
        assert_eq!(open(&mut bob, "/service").await.path(), "/service", "another user was refused");
    }
}

async fn s37_a_disabled_user_can_still_log_out(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.person("ada").await;
    let page = open(&mut ada, "/service").await;
    site.disable("ada").await;
    assert_eq!(submit(&mut ada, &page, "/logout", &[]).await.location(), Some("/?done=logout"));
    assert!(ada.cookie(ACCESS).is_none());
}

async fn e19_s82_many_sessions_are_limited_and_listed_in_pages(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    // Advance the clock: if two sessions began in the same second, either could be the least recently used one.
    site.clock.advance(std::time::Duration::from_secs(1));
    let second = site.session_of(&id).await;
    for _ in 0..99 {
        site.clock.advance(std::time::Duration::from_secs(1));
        site.session_of(&id).await;
    }
    // The first session was the least recently used one.
    assert_eq!(whoami(&mut ada).await, Err(401));
    let mut ada = second;
    let mut path = "/account/sessions".to_owned();
    let mut seen = Vec::new();
    loop {
        let response = ada.get(&path).accept_json().send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        let page = response.json();
        let rows = page["sessions"].as_array().unwrap();
        assert!(rows.len() <= 51, "{}", rows.len());
        assert_eq!(rows[0]["current"], seen.is_empty(), "{path}");
        assert!(rows[1..].iter().all(|row| row["current"] == false));
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/account/sessions?after={next}");
    }
    assert_eq!(seen.len(), 100);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100);

    let page = open(&mut ada, "/account/sessions").await;
    assert!(page.text().contains("Older devices") && page.text().contains("Logs out all other devices at once."));
    assert!(page.text().len() < 100_000, "{}", page.text().len());
    let page = open(&mut ada, &path).await;
    assert!(page.text().contains("Newest devices") && !page.text().contains("Older devices"));
    // This position does not come from a link on any page.
    let response = ada.get("/account/sessions?after=..%2f").accept_json().send().await;
    assert_eq!((response.status().as_u16(), response.json()["sessions"].as_array().unwrap().len()), (200, 51));
}

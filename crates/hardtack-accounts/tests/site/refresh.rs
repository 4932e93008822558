//! Access tokens that expire while a user is active, in both refresh modes.

use hardtack::RefreshMode;
use hardtack_db::Statement;
use hardtack_test_support::client::Client;
use serde_json::{Value, json};

use crate::support::{
    ACCESS, BOTH_MODES, Options, PASSWORD, REFRESH, Store, TestSite, claims, cookie, field, filled, minutes,
    on_every_store, open, refresh, sign_up, submit, whoami,
};

on_every_store! {{
    s33_the_absolute_lifetime_holds_under_continuous_refresh,
    s33_an_access_token_does_not_outlive_its_session,
    s34_a_session_that_nobody_uses_ends,
}}

const NEW_PASSWORD: &str = "an umbrella in the aquarium";

/// A site on PostgreSQL in redirect mode, on SQLite in the others.
async fn site(refresh: RefreshMode) -> TestSite {
    let on_postgres = refresh == RefreshMode::Redirect;
    TestSite::start(Options { refresh, on_postgres, ..Options::default() }).await
}

/// Signs up, and returns the browser and the user's id.
async fn signed_up(site: &TestSite, username: &str) -> (Client, String) {
    let mut client = site.client();
    let id = sign_up(&mut client, username).await["id"].as_str().unwrap().to_owned();
    (client, id)
}

async fn settings(client: &mut Client) -> Value {
    client.get("/account").accept_json().send().await.json()
}

#[tokio::test]
async fn s44_a_page_asked_for_with_an_expired_token_arrives_and_its_token_is_not_fresh() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let mut ada = site.person("ada").await;
        let first = claims(&cookie(&ada, ACCESS));
        assert_eq!(first["fresh"], true);
        let mut old = (cookie(&ada, ACCESS), cookie(&ada, REFRESH));
        for _ in 0..3 {
            site.expire_access();
            let page = open(&mut ada, "/service?a=b&c=d").await;
            assert_eq!((page.status().as_u16(), page.path()), (200, "/service?a=b&c=d"), "{mode:?}");
            assert!(page.text().contains("ada"));
            match mode {
                RefreshMode::Redirect => {
                    let hops: Vec<_> = page.hops().iter().map(|hop| (hop.status().as_u16(), hop.path())).collect();
                    let way = [(303, "/service?a=b&c=d"), (303, "/token/refresh?next=%2Fservice%3Fa%3Db%26c%3Dd")];
                    assert_eq!(hops, way);
                }
                _ => assert!(page.hops().is_empty(), "{:?}", page.hops()),
            }
            let new = (cookie(&ada, ACCESS), cookie(&ada, REFRESH));
            assert!(new.0 != old.0 && new.1 != old.1, "{mode:?}: a cookie stayed");
            let token = claims(&new.0);
            assert_eq!(token["fresh"], false, "{mode:?}");
            assert_eq!(token["auth_time"], first["auth_time"], "{mode:?}: no password was entered");
            assert_eq!((&token["sid"], &token["csrf"]), (&first["sid"], &first["csrf"]), "{mode:?}");
            old = new;
            let page = open(&mut ada, "/account").await;
            assert_eq!(page.path(), "/reauthenticate?next=%2Faccount", "{mode:?}");
        }
        // Entering the password makes the session's next tokens fresh.
        let page = open(&mut ada, "/account").await;
        let form = filled(&page, "/reauthenticate", &[("password", PASSWORD)]);
        let page = ada.post("/reauthenticate").accept_html().form(&form).follow().await;
        assert_eq!((page.status().as_u16(), page.path()), (200, "/account"), "{mode:?}");
        let token = claims(&cookie(&ada, ACCESS));
        assert_eq!((&token["fresh"], &token["sid"]), (&json!(true), &first["sid"]), "{mode:?}");
        assert_eq!(token["auth_time"], site.now().unix_seconds(), "{mode:?}");
    }
}

#[tokio::test]
async fn s44_a_program_that_refreshes_gets_no_fresh_token_either() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let mut ada = site.person("ada").await;
        // The new token is not fresh, even though the token that it replaces still is.
        let csrf = claims(&cookie(&ada, REFRESH))["csrf"].as_str().unwrap().to_owned();
        let response = ada.post("/token/refresh").accept_json().header("x-csrf-token", &csrf).send().await;
        assert_eq!((response.status().as_u16(), response.json()), (200, json!({ "refreshed": true })), "{mode:?}");
        assert_eq!(claims(&cookie(&ada, ACCESS))["fresh"], false, "{mode:?}");
        let response = ada.get("/account").accept_json().send().await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.json()["code"], "insufficient_user_authentication");
    }
}

#[tokio::test]
async fn an_api_client_in_redirect_mode_gets_the_refresh_url() {
    let site = site(RefreshMode::Redirect).await;
    let mut ada = site.person("ada").await;
    let csrf = cookie(&ada, "csrf_refresh_token");
    site.expire_access();
    let refused = ada.get("/service").accept_json().send().await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json()["code"], "refresh_needed");
    let url = refused.json()["refresh_url"].as_str().unwrap().to_owned();
    assert_eq!(ada.post(&url).accept_json().header("x-csrf-token", &csrf).send().await.status(), 200);
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn s51_a_form_opened_before_a_refresh_and_posted_after_it_is_accepted() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let (mut ada, id) = signed_up(&site, "ada").await;
        let page = open(&mut ada, "/account/sessions").await;
        let mut telephone = site.session_of(&id).await;
        // The form stays open in one tab for a day while other tabs are used.
        for _ in 0..4 {
            site.expire_access();
            assert_eq!(open(&mut ada, "/service").await.path(), "/service");
            whoami(&mut telephone).await.ok();
        }
        let sent = field(&page, "/logout", "csrf_token");
        // Each page masks the same CSRF value differently.
        assert_ne!(sent, field(&open(&mut ada, "/service").await, "/logout", "csrf_token"), "{mode:?}");
        let open_form = [("csrf_token", sent.as_str()), ("password", PASSWORD)];
        let proven = ada.post("/reauthenticate").accept_html().form(&open_form).follow().await;
        assert_eq!((proven.status().as_u16(), proven.path()), (200, "/"), "{mode:?}");
        let others = ada.post("/account/sessions/revoke-others").accept_html().form(&open_form).follow().await;
        assert_eq!(
            (others.status().as_u16(), others.path()),
            (200, "/account/sessions?done=revoke-others"),
            "{mode:?}"
        );
        assert_eq!(whoami(&mut telephone).await, Err(401));

        // A form that was opened before the user reauthenticated works too.
        site.expire_access();
        let form = open(&mut ada, "/reauthenticate?next=/account").await;
        let fields = filled(&form, "/reauthenticate", &[("password", PASSWORD)]);
        let page = ada.post("/reauthenticate").accept_html().form(&fields).follow().await;
        site.expire_access();
        open(&mut ada, "/service").await;
        let again = ada.post("/reauthenticate").accept_html().form(&fields).follow().await;
        assert_eq!((again.status().as_u16(), again.path()), (200, "/account"), "{mode:?}");
        let saved = submit(&mut ada, &page, "/account/change_settings", &[("display_name", "Ada")]).await;
        assert_eq!(saved.location(), Some("/account?done=settings"), "{mode:?}");
        assert_eq!(settings(&mut ada).await["display_name"], "Ada", "{mode:?}");
    }
}

#[tokio::test]
async fn a_post_with_an_expired_token_takes_effect_once() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let (mut ada, id) = signed_up(&site, "ada").await;
        let telephone = site.session_of(&id).await;
        let page = open(&mut ada, "/account").await;
        let action = "/account/password";
        let form = filled(&page, action, &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)]);
        site.expire_access();

        let response = ada.post(action).accept_html().form(&form).follow().await;
        assert_eq!((response.status().as_u16(), response.path()), (200, "/account?done=password"), "{mode:?}");
        let hops: Vec<_> = response.hops().iter().map(|hop| (hop.status().as_u16(), hop.method().as_str())).collect();
        match mode {
            // The browser repeats the POST at the refresh route and then at the form's route, which redirects to the
            // result.
            RefreshMode::Redirect => {
                assert_eq!(hops, [(307, "POST"), (307, "POST"), (303, "POST")]);
                assert!(response.hops()[1].path().starts_with("/token/refresh?next="), "{}", response.hops()[1].path());
                assert_eq!(response.hops()[2].path(), action);
            }
            _ => assert_eq!(hops, [(303, "POST")]),
        }
        assert_eq!(whoami(&mut telephone.clone()).await, Err(401), "{mode:?}");
        // The form has taken effect once. Sending it again has no effect.
        assert_eq!(ada.post(action).accept_html().form(&form).follow().await.status(), 403, "{mode:?}");
        let versions = Statement::new("SELECT password_version FROM users");
        let versions: Vec<(i64,)> = site.database().fetch(versions).await.unwrap();
        assert_eq!(versions, [(2,)], "{mode:?}");
    }
}

#[tokio::test]
async fn a_post_of_an_api_client_with_an_expired_token_takes_effect_once() {
    let site = site(RefreshMode::Transparent).await;
    let (mut ada, id) = signed_up(&site, "ada").await;
    let telephone = site.session_of(&id).await;
    site.expire_access();
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let response = ada.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert!(response.set_cookie(ACCESS).is_some() && response.set_cookie(REFRESH).is_some());
    assert_eq!(whoami(&mut telephone.clone()).await, Err(401));
    assert_eq!(ada.post("/account/password").accept_json().csrf().json(&body).send().await.status(), 403);
}

#[tokio::test]
async fn s43_what_was_typed_with_a_token_not_fresh_waits_for_the_password_and_is_then_saved() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let mut ada = site.person("ada").await;
        let page = open(&mut ada, "/account").await;
        let typed = [("display_name", "Ada \"L.\" & co; é"), ("email", "ada@lovelace.example")];
        let form = filled(&page, "/account/change_settings", &typed);
        site.expire_access();

        let asked = ada.post("/account/change_settings").accept_html().form(&form).follow().await;
        assert_eq!(asked.path(), "/reauthenticate?next=%2Faccount", "{mode:?}");
        let response = asked.hops().last().unwrap();
        assert_eq!(response.status(), 303, "{mode:?}");
        assert_eq!(response.location(), Some("/reauthenticate?next=%2Faccount"), "{mode:?}");
        let proof = filled(&asked, "/reauthenticate", &[("password", PASSWORD)]);
        let page = ada.post("/reauthenticate").accept_html().form(&proof).follow().await;
        assert_eq!(page.path(), "/account", "{mode:?}");
        assert!(page.text().contains("not been saved yet"), "{mode:?}: {}", page.text());
        for (name, value) in typed {
            assert_eq!(field(&page, "/account/change_settings", name), value, "{mode:?}");
        }
        assert_eq!(settings(&mut ada).await["display_name"], "", "{mode:?}: saved without the password");
        let form = filled(&page, "/account/change_settings", &[("current_password", PASSWORD)]);
        let saved = ada.post("/account/change_settings").accept_html().form(&form).follow().await;
        assert_eq!(saved.path(), "/account?done=settings", "{mode:?}");
        let now = settings(&mut ada).await;
        for (name, value) in typed {
            assert_eq!(now[name], value, "{mode:?}");
        }
        // The draft is deleted.
        let page = open(&mut ada, "/account").await;
        assert!(!page.text().contains("not been saved yet"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_draft_is_shown_to_its_author_only() {
    let site = site(RefreshMode::Transparent).await;
    let mut browser = site.person("ada").await;
    let page = open(&mut browser, "/account").await;
    site.expire_access();
    submit(&mut browser, &page, "/account/change_settings", &[("display_name", "Ada's secret")]).await;
    let draft = browser.cookie("settings_draft").unwrap().clone();
    assert!(draft.http_only && draft.same_site.is_some() && draft.path == "/", "{draft:?}");
    // Another user logs in with the same browser, without a log-out before.
    sign_up(&mut browser, "bob").await;
    let page = open(&mut browser, "/account").await;
    assert_eq!(field(&page, "/account/change_settings", "display_name"), "");
    assert!(!page.text().contains("secret"), "{}", page.text());
    // A log-out deletes it.
    browser.set_cookie_raw(&draft.raw);
    submit(&mut browser, &page, "/logout", &[]).await;
    assert!(browser.cookie("settings_draft").is_none());
}

#[tokio::test]
async fn a_log_out_during_a_refresh_is_final() {
    for mode in BOTH_MODES {
        let site = site(mode).await;
        let (_, id) = signed_up(&site, "ada").await;
        let path = match mode {
            RefreshMode::Redirect => "/token/refresh?next=/service",
            _ => "/service",
        };

        // The server refreshes before the log-out, but the browser gets the response afterwards.
        let mut browser = site.session_of(&id).await;
        let csrf = cookie(&browser, "csrf_access_token");
        site.expire_access();
        let mut tab = browser.clone();
        let late = tab.get(path).accept_html().send().await;
        assert!(late.set_cookie(REFRESH).is_some_and(|cookie| !cookie.is_deletion()), "{mode:?}: no refresh");
        let out = browser.post("/logout").accept_html().form(&[("csrf_token", &csrf)]).follow().await;
        assert_eq!((out.status().as_u16(), out.path()), (200, "/?done=logout"), "{mode:?}");
        browser.take_cookies(&late);
        assert!(browser.cookie(REFRESH).is_some(), "the refresh won in the jar, which is what this is about");
        assert_eq!(whoami(&mut browser).await, Err(401), "{mode:?}");
        assert_eq!(open(&mut browser, path).await.status(), 200);
        assert!(browser.cookie(ACCESS).is_none() && browser.cookie(REFRESH).is_none(), "{mode:?}");

        // The refresh reaches the server after the log-out.
        let mut browser = site.session_of(&id).await;
        let mut tab = browser.clone();
        let csrf = cookie(&browser, "csrf_access_token");
        site.expire_access();
        browser.post("/logout").accept_html().form(&[("csrf_token", &csrf)]).send().await;
        let late = tab.get(path).accept_html().send().await;
        assert!(late.set_cookies().iter().all(|cookie| cookie.is_deletion()), "{mode:?}: {:?}", late.set_cookies());

        // Concurrently, many times.
        for round in 0..20 {
            let mut browser = site.session_of(&id).await;
            let csrf = cookie(&browser, "csrf_access_token");
            site.expire_access();
            let (mut tab, mut thief) = (browser.clone(), browser.clone());
            let form = [("csrf_token", &csrf)];
            let (late, out) = tokio::join!(
                tab.get(path).accept_html().send(),
                browser.post("/logout").accept_html().form(&form).send()
            );
            assert_eq!((out.status().as_u16(), out.location()), (303, Some("/?done=logout")), "{mode:?} {round}");
            browser.take_cookies(&late);
            for holder in [&mut browser, &mut tab, &mut thief] {
                assert_eq!(whoami(holder).await, Err(401), "{mode:?} {round}");
                let refreshed = refresh(holder).await;
                assert_eq!(refreshed.status(), 401, "{mode:?} {round}");
            }
        }
        let count = Statement::new("SELECT count(*) FROM sessions WHERE revoked_at IS NULL");
        let live: Vec<(i64,)> = site.database().fetch(count).await.unwrap();
        assert_eq!(live, [(1,)], "{mode:?}: only the one from the sign-up is left");
    }
}

async fn s33_the_absolute_lifetime_holds_under_continuous_refresh(store: Store) {
    for mode in BOTH_MODES {
        let options = Options {
            refresh: mode,
            access_lifetime: minutes(1),
            refresh_lifetime: minutes(5),
            session_lifetime: minutes(10),
            ..store.options()
        };
        let site = TestSite::start(options).await;
        let mut ada = site.person("ada").await;
        let mut thief = ada.clone();
        for minute in [2, 4, 6, 8] {
            site.clock.advance(minutes(2));
            assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{mode:?}, minute {minute}");
            thief = ada.clone();
        }
        site.clock.advance(minutes(2));
        for holder in [&mut thief, &mut ada] {
            let refreshed = refresh(holder).await;
            assert_eq!(refreshed.status(), 401, "{mode:?}");
            assert_eq!(open(holder, "/service").await.path().split('?').next(), Some("/login"), "{mode:?}");
            assert_eq!(whoami(holder).await, Err(401), "{mode:?}");
        }
    }
}

async fn s33_an_access_token_does_not_outlive_its_session(store: Store) {
    let options = Options {
        access_lifetime: minutes(15),
        refresh_lifetime: minutes(20),
        session_lifetime: minutes(20),
        ..store.options()
    };
    let site = TestSite::start(options).await;
    let mut ada = site.person("ada").await;
    site.clock.advance(minutes(16));
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    site.clock.advance(minutes(3));
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    site.clock.advance(minutes(1));
    assert_eq!(whoami(&mut ada).await, Err(401));
}

async fn s34_a_session_that_nobody_uses_ends(store: Store) {
    for mode in BOTH_MODES {
        let options =
            Options { refresh: mode, access_lifetime: minutes(1), refresh_lifetime: minutes(10), ..store.options() };
        let site = TestSite::start(options).await;
        let (mut ada, id) = signed_up(&site, "ada").await;
        let mut idle = site.session_of(&id).await;
        site.clock.advance(minutes(9));
        assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{mode:?}: in use");
        site.clock.advance(minutes(1));
        assert_eq!(refresh(&mut idle).await.status(), 401, "{mode:?}");
        let page = open(&mut idle, "/service").await;
        assert_eq!(page.path().split('?').next(), Some("/login"), "{mode:?}");
        assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{mode:?}: used a minute ago");
        site.clock.advance(minutes(10));
        let page = open(&mut ada, "/service").await;
        assert_eq!(page.path().split('?').next(), Some("/login"), "{mode:?}");
        assert!(ada.cookie(ACCESS).is_none(), "{mode:?}");
    }
}

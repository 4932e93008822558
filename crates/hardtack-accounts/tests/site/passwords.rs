//! Passwords: changing one, asking for one again, and how they are stored.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use hardtack_db::Statement;
use hardtack_test_support::client::Client;
use hardtack_test_support::html::HtmlForms;
use serde_json::json;

use crate::support::{
    ACCESS, BOTH_MODES, Options, PASSWORD, REFRESH, Store, TestSite, claims, cookie, field, filled, log_in,
    on_every_store, open, sign_up, submit, whoami,
};

on_every_store! {{
    s35_a_password_change_ends_all_other_sessions_within_the_same_second,
    s35_by_json_and_for_another_process_over_the_same_database,
    a09_a_form_with_replaced_tokens_deletes_no_cookies_at_another_server,
}}

const NEW_PASSWORD: &str = "an umbrella in the aquarium";

async fn change(client: &mut Client, current: &str, new: &str) -> hardtack_test_support::client::Response {
    let body = json!({ "current_password": current, "new_password": new });
    client.post("/account/password").accept_json().csrf().json(&body).send().await
}

async fn stored_hash(site: &TestSite, username: &str) -> String {
    let sql = "SELECT password_hash FROM users WHERE username = $1";
    let rows: Vec<(String,)> = site.database().fetch(Statement::new(sql).bind(username)).await.unwrap();
    rows[0].0.clone()
}

async fn s35_a_password_change_ends_all_other_sessions_within_the_same_second(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..store.options() }).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        // The clock does not advance: everything happens within one second.
        let telephone = site.session_of(&id).await;
        let mut bob = site.person("bob").await;
        let copy = ada.clone();
        let page = open(&mut ada, "/account").await;

        let typed = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
        let response = submit(&mut ada, &page, "/account/password", &typed).await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account?done=password")));

        for victim in [&telephone, &copy] {
            assert_eq!(whoami(&mut victim.clone()).await, Err(401), "{refresh:?}: the access token lives");
            let mut refresher = victim.clone();
            refresher.jar().remove(ACCESS);
            let response = crate::support::refresh(&mut refresher).await;
            assert_eq!(response.status(), 401, "{refresh:?}: the refresh token lives");
            let page = open(&mut victim.clone(), "/account").await;
            assert_eq!(page.path().split('?').next(), Some("/login"), "{refresh:?}");
        }
        // This session continues with new, fresh tokens, and its open forms still work.
        for name in [ACCESS, REFRESH] {
            assert_ne!(cookie(&ada, name), cookie(&copy, name), "{refresh:?}: {name}");
        }
        assert_ne!(claims(&cookie(&ada, ACCESS))["sid"], claims(&cookie(&copy, ACCESS))["sid"]);
        assert_eq!(claims(&cookie(&ada, ACCESS))["fresh"], true);
        let saved = submit(&mut ada, &page, "/account/change_settings", &[("display_name", "Ada")]).await;
        assert_eq!(saved.location(), Some("/account?done=settings"), "{refresh:?}");
        site.expire_access();
        assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{refresh:?}: the session does not go on");
        assert_eq!(open(&mut bob, "/service").await.path(), "/service", "{refresh:?}: another user was logged out");

        let mut browser = site.client();
        assert_eq!(log_in(&mut browser, "ada", PASSWORD).await.status(), 401);
        assert_eq!(log_in(&mut browser, "ada", NEW_PASSWORD).await.status(), 200);
    }
}

async fn s35_by_json_and_for_another_process_over_the_same_database(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let telephone = site.session_of(&id).await;
    assert_eq!(change(&mut ada, "not it at all", NEW_PASSWORD).await.status(), 403);
    assert_eq!(whoami(&mut telephone.clone()).await.as_deref(), Ok("ada"), "a wrong password ended a session");
    let response = change(&mut ada, PASSWORD, NEW_PASSWORD).await;
    assert_eq!((response.status().as_u16(), &response.json()["username"]), (200, &json!("ada")), "{}", response.text());
    assert_eq!(whoami(&mut telephone.clone()).await, Err(401));
    // The other process learns of ended sessions when it starts, and whenever it reads the log.
    let beside = site.beside(store.options()).await;
    let at = |holder: &Client| {
        let mut client = beside.client();
        *client.jar() = holder.clone().jar().clone();
        client
    };
    assert_eq!(whoami(&mut at(&telephone)).await, Err(401));
    let late = site.session_of(&id).await;
    assert_eq!(whoami(&mut at(&late)).await.as_deref(), Ok("ada"));
    assert_eq!(change(&mut ada, NEW_PASSWORD, PASSWORD).await.status(), 200);
    beside.auth().sync_revocations().await.unwrap();
    assert_eq!(whoami(&mut at(&late)).await, Err(401));
    assert_eq!(whoami(&mut at(&ada)).await.as_deref(), Ok("ada"));
}

/// The password change replaces the session at one server. A request with the old cookies then reaches another server,
/// which has not read the revocation log yet.
async fn a09_a_form_with_replaced_tokens_deletes_no_cookies_at_another_server(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.person("ada").await;
    let page = open(&mut ada, "/account").await;
    let old = ada.clone();
    let passwords = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let settings = [("display_name", "Ada L."), ("email", "")];
    let expected = [
        ("/account/password", &passwords[..], "/login?next=%2Faccount&form=sent"),
        ("/account/change_settings", &settings[..], "/login?next=%2Faccount%3Fdone%3Dkept&form=kept"),
    ];
    // Each server has read the log before the change, and each handles one request after it.
    let mut servers = Vec::new();
    for _ in 0..2 * expected.len() {
        servers.push(site.beside(store.options()).await);
    }
    let changed = submit(&mut ada, &page, "/account/password", &passwords).await;
    assert_eq!(changed.location(), Some("/account?done=password"));
    let mut servers = servers.into_iter();
    for (path, typed, location) in expected {
        let (for_page, for_json) = (servers.next().unwrap(), servers.next().unwrap());
        let at = |server: &TestSite| {
            let mut client = server.client();
            *client.jar() = old.clone().jar().clone();
            client
        };
        for server in [&for_page, &for_json] {
            assert_eq!(whoami(&mut at(server)).await.as_deref(), Ok("ada"), "the server has not read the log");
        }
        let response = submit(&mut at(&for_page), &page, path, typed).await;
        assert_eq!(response.location(), Some(location), "{path}: {}", response.text());
        assert!(response.set_cookies().iter().all(|cookie| !cookie.is_deletion()), "{path}");
        let mut body = json!({ "display_name": "Ada L." });
        if path == "/account/password" {
            body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        }
        let response = at(&for_json).post(path).accept_json().csrf().json(&body).send().await;
        let reply = response.json();
        assert_eq!((response.status().as_u16(), &reply["title"]), (401, &json!("Session renewed")), "{path}: {reply}");
        assert!(response.set_cookies().is_empty(), "{path}");
    }
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn s43_without_a_fresh_token_people_are_asked_and_programs_are_told() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        site.expire_access();
        let page = open(&mut ada, "/service").await;
        let csrf = field(&page, "/logout", "csrf_token");

        // Without the current password, a password change needs a fresh token, just like new settings.
        for (path, next, body) in [
            ("/account/change_settings", "/reauthenticate?next=%2Faccount", json!({ "display_name": "Eve" })),
            (
                "/account/password",
                "/reauthenticate?next=%2Faccount%3Fdone%3Dunchanged",
                json!({ "new_password": NEW_PASSWORD }),
            ),
        ] {
            let form = [("csrf_token", csrf.as_str()), ("display_name", "Eve"), ("new_password", NEW_PASSWORD)];
            let response = ada.post(path).accept_html().form(&form).send().await;
            assert_eq!(response.status(), 303, "{path}");
            assert_eq!(response.location(), Some(next), "{path}");

            let response = ada.post(path).accept_json().csrf().json(&body).send().await;
            assert_eq!(response.status(), 401, "{path}");
            assert_eq!(response.header("content-type"), Some("application/problem+json"), "{path}");
            assert_eq!(response.json()["code"], "insufficient_user_authentication", "{path}");
            let challenge = response.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{path}: {challenge}");
        }
        let response = ada.get("/account").accept_json().send().await;
        assert_eq!(
            (response.status().as_u16(), &response.json()["code"]),
            (401, &json!("insufficient_user_authentication"))
        );
        let response = ada.get("/account").accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/reauthenticate?next=%2Faccount")));

        // Nothing was changed. After the user has entered the password, the page can be opened.
        assert_eq!(whoami(&mut site.device_of("ada").await).await.as_deref(), Ok("ada"), "the password was changed");
        let response =
            ada.post("/reauthenticate").accept_json().csrf().json(&json!({ "password": PASSWORD })).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        let account = ada.get("/account").accept_json().send().await;
        assert_eq!((account.status().as_u16(), &account.json()["display_name"]), (200, &json!("")));
    }
}

/// After the access token has expired, a form with the right current password still changes the password, because that
/// proves more than a fresh token does. Otherwise, the account page says that nothing has changed.
#[tokio::test]
async fn a01_a_password_change_is_never_lost_without_a_word() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.client();
        sign_up(&mut ada, "ada").await;
        let page = open(&mut ada, "/account").await;

        // The current password is wrong, or the new one breaks a rule.
        for (current, new) in [("not it at all", NEW_PASSWORD), (PASSWORD, "short")] {
            site.expire_access();
            let form = filled(&page, "/account/password", &[("current_password", current), ("new_password", new)]);
            let asked = ada.post("/account/password").accept_html().form(&form).follow().await;
            assert_eq!(asked.path(), "/reauthenticate?next=%2Faccount%3Fdone%3Dunchanged", "{refresh:?} {new}");
            let proof = filled(&asked, "/reauthenticate", &[("password", PASSWORD)]);
            let again = ada.post("/reauthenticate").accept_html().form(&proof).follow().await;
            assert_eq!(again.path(), "/account?done=unchanged", "{refresh:?}");
            assert!(again.text().contains("Your password has not been changed yet."), "{}", again.text());
        }

        site.expire_access();
        let telephone = site.device_of("ada").await;
        let form =
            filled(&page, "/account/password", &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)]);
        let done = ada.post("/account/password").accept_html().form(&form).follow().await;
        assert_eq!(done.path(), "/account?done=password", "{refresh:?}");
        assert!(done.text().contains("Your password has been changed."), "{}", done.text());
        assert_eq!(whoami(&mut telephone.clone()).await, Err(401), "{refresh:?}");
        assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 401);
        assert_eq!(log_in(&mut site.client(), "ada", NEW_PASSWORD).await.status(), 200);
    }
    // An API client changes the password.
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    site.expire_access();
    assert_eq!(change(&mut ada, "not it at all", NEW_PASSWORD).await.status(), 403);
    assert_eq!(change(&mut ada, "", NEW_PASSWORD).await.json()["code"], "insufficient_user_authentication");
    assert_eq!(change(&mut ada, PASSWORD, NEW_PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn s45_the_password_of_another_user_upgrades_nothing() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let mut bob = site.client();
    let body = json!({ "username": "bob", "password": NEW_PASSWORD });
    assert_eq!(bob.post("/signup").accept_json().json(&body).send().await.status(), 200);
    site.expire_access();
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    let before = (cookie(&ada, ACCESS), cookie(&ada, REFRESH));

    let response = ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
    assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("other_user")));
    // Another user's name with the user's password; another user's password with no name or the user's own.
    for (body, code) in [
        (json!({ "username": "bob", "password": PASSWORD }), "other_user"),
        (json!({ "password": NEW_PASSWORD }), "wrong_password"),
        (json!({ "username": "ada", "password": NEW_PASSWORD }), "wrong_password"),
    ] {
        let response = ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
        assert_eq!((response.status().as_u16(), response.json()["code"].as_str()), (401, Some(code)), "{body}");
        assert!(response.set_cookies().is_empty(), "{body}: {:?}", response.set_cookies());
    }
    let page = open(&mut ada, "/reauthenticate").await;
    let mut form = page.form_fields("/reauthenticate");
    form.retain(|(name, _)| name != "password");
    form.push(("username".to_owned(), "bob".to_owned()));
    form.push(("password".to_owned(), NEW_PASSWORD.to_owned()));
    let response = ada.post("/reauthenticate").accept_html().form(&form).send().await;
    assert!(response.set_cookie(ACCESS).is_none(), "{:?}", response.set_cookies());

    assert_eq!((cookie(&ada, ACCESS), cookie(&ada, REFRESH)), before);
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    assert_eq!(ada.get("/account").accept_json().send().await.status(), 401, "the session was upgraded");
    // The user may type the name in capitals.
    let body = json!({ "username": "ADA", "password": PASSWORD });
    assert_eq!(ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await.status(), 200);
    assert_eq!(ada.get("/account").accept_json().send().await.status(), 200);
}

#[tokio::test]
async fn s55_unknown_wrong_and_disabled_are_the_same_bytes() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("known").await;
    site.person("taken").await;
    site.disable("taken").await;
    client.clear();
    let page = open(&mut client, "/login").await;

    // The page repeats the name that was typed. The names therefore have the same length, and are replaced before the
    // pages are compared.
    let tries = [("ghost", PASSWORD), ("known", "not it at all"), ("taken", PASSWORD), ("taken", "not it at all")];
    let (mut pages, mut problems) = (Vec::new(), Vec::new());
    for (username, password) in tries {
        let response = submit(&mut client, &page, "/login", &[("username", username), ("password", password)]).await;
        let mut headers = response.headers().clone();
        headers.remove("date");
        pages.push((response.status(), headers, response.text().replace(username, "NAME")));
        let response = log_in(&mut client, username, password).await;
        let mut headers = response.headers().clone();
        headers.remove("date");
        problems.push((response.status(), headers, response.text().to_owned()));
    }
    assert_eq!(pages[0].0, 401);
    assert_eq!(problems[0].0, 401);
    assert!(pages[0].2.contains("That user name and password do not match."), "{}", pages[0].2);
    for (at, what) in tries.iter().enumerate() {
        assert_eq!(pages[at], pages[0], "{what:?}");
        assert_eq!(problems[at], problems[0], "{what:?}");
    }
    // The control: the right password gets another response.
    assert_eq!(log_in(&mut client, "known", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn s59_every_byte_of_a_long_password_counts() {
    let site = TestSite::start(Options::default()).await;
    // bcrypt ignores everything after 72 bytes. Try characters of one, two and four bytes.
    for (username, head) in [("ascii", "abcdefgh".repeat(9)), ("umlaut", "ä".repeat(36)), ("emoji", "🦀".repeat(18))]
    {
        assert_eq!(head.len(), 72);
        let password = format!("{head}x{}", "y".repeat(64));
        let body = json!({ "username": username, "password": password });
        let response = site.client().post("/signup").accept_json().json(&body).send().await;
        assert_eq!(response.status(), 200, "{username}: {}", response.text());
        let mut client = site.client();
        for other in
            [format!("{head}z{}", "y".repeat(64)), head.clone(), format!("{password}y"), format!("{password} ")]
        {
            assert_eq!(log_in(&mut client, username, &other).await.status(), 401, "{username}: {other}");
        }
        assert_eq!(log_in(&mut client, username, &password).await.status(), 200, "{username}");
    }
    // A form sends characters that bad urlencoding would lose. The site does not trim them.
    let password = "  +%&=;\u{a0}päßwörter 名前\u{1f980} ".repeat(3);
    let mut client = site.client();
    let page = open(&mut client, "/signup").await;
    let typed = [("username", "form"), ("password", password.as_str())];
    assert_eq!(submit(&mut client, &page, "/signup", &typed).await.status(), 303);
    let mut client = site.client();
    assert_eq!(log_in(&mut client, "form", password.trim()).await.status(), 401);
    assert_eq!(log_in(&mut client, "form", &password).await.status(), 200);
}

#[tokio::test]
async fn s67_hashes_are_argon2id_and_weaker_ones_are_replaced_at_the_next_log_in() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let strong = |hash: &str| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$");
    let first = stored_hash(&site, "ada").await;
    assert!(strong(&first), "{first}");
    assert_eq!(change(&mut ada, PASSWORD, NEW_PASSWORD).await.status(), 200);
    let second = stored_hash(&site, "ada").await;
    assert!(strong(&second) && second != first, "{second}");
    // Hashes are salted, so the same password has a different hash.
    assert_eq!(change(&mut ada, NEW_PASSWORD, PASSWORD).await.status(), 200);
    assert_ne!(stored_hash(&site, "ada").await, first);

    let versions = [(Algorithm::Argon2id, 8192, 1), (Algorithm::Argon2i, 19456, 2), (Algorithm::Argon2id, 19456, 1)];
    for (algorithm, memory, passes) in versions {
        let params = Params::new(memory, passes, 1, None).unwrap();
        let argon = Argon2::new(algorithm, Version::V0x13, params);
        let weak = argon.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
        let statement = Statement::new("UPDATE users SET password_hash = $1").bind(&weak);
        site.database().execute(statement).await.unwrap();
        assert_eq!(log_in(&mut site.client(), "ada", "not it at all").await.status(), 401);
        assert_eq!(stored_hash(&site, "ada").await, weak, "a wrong password was hashed");
        // The existing session continues, since the password is the same.
        assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200, "{algorithm} {memory} {passes}");
        let hash = stored_hash(&site, "ada").await;
        assert!(strong(&hash), "{algorithm} {memory} {passes}: {hash}");
        assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
        assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);
        assert_eq!(stored_hash(&site, "ada").await, hash, "a strong hash was replaced");
    }
}

/// Log-ins with the old password that are in flight during the change are taken back, and nothing else is.
#[tokio::test]
async fn s35_log_ins_with_the_old_password_leave_the_new_session_alone() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    sign_up(&mut ada, "ada").await;
    let mut current = PASSWORD.to_owned();
    for round in 0..3 {
        let new = format!("{NEW_PASSWORD} {round}");
        let (mut one, mut two, mut three) = (site.client(), site.client(), site.client());
        let (changed, ..) = tokio::join!(
            change(&mut ada, &current, &new),
            log_in(&mut one, "ada", &current),
            log_in(&mut two, "ada", &current),
            log_in(&mut three, "ada", &current),
        );
        assert_eq!(changed.status(), 200, "{}", changed.text());
        assert!(whoami(&mut ada).await.is_ok(), "round {round}: the session of the change was ended");
        for client in [&mut one, &mut two, &mut three] {
            assert!(whoami(client).await.is_err(), "round {round}: a session of the old password lives");
        }
        current = new;
    }
}

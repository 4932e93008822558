//! Passwords that nobody may choose, and the same password in several forms.

use hardtack_accounts::{Accounts, PasswordRules, PasswordTable};
use hardtack_db::Statement;
use hardtack_test_support::client::{Client, Response};
use serde_json::{Value, json};

use crate::support::{Options, PASSWORD, TestSite, field, log_in, open, submit};

const NFC: &str = "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e";
const NFD: &str = "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e";

async fn post(client: &mut Client, path: &str, body: &Value) -> Response {
    let logged_in = client.cookie("csrf_access_token").is_some();
    let request = client.post(path).accept_json();
    if logged_in { request.csrf() } else { request }.json(body).send().await
}

/// The response is 422 with this error of a field.
fn assert_error(response: &Response, field: &str, words: &str) {
    assert_eq!(response.status(), 422, "{}", response.text());
    let body = response.json();
    assert_eq!(body["code"], "invalid_fields");
    let error = body["errors"][field].as_str().unwrap_or_default();
    assert!(error.contains(words), "{words}: {}", response.text());
}

#[tokio::test]
async fn s60_a07_common_passwords_and_those_made_from_the_name_are_refused_with_the_reason() {
    let rules = |accounts: Accounts| accounts.with_password_rules(PasswordRules::default().site("notes.acme.example"));
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    let bad = [
        ("password", "so common"),
        ("PassWord", "so common"),
        ("12345678", "so common"),
        ("trustno1", "so common"),
        ("ｐａｓｓｗｏｒｄ", "so common"),
        ("password ", "so common"),
        ("\u{3000}password", "so common"),
        ("passwordpassword", "so common"),
        ("password password", "so common"),
        ("passwordpassword1", "so common"),
        ("1passwordpassword", "so common"),
        ("password password!", "so common"),
        ("iloveyouiloveyou!", "so common"),
        ("password123456789", "so common"),
        ("abcdefgh", "digits or neighboring keys in order"),
        ("hgfedcba", "digits or neighboring keys in order"),
        ("Abcd5678", "digits or neighboring keys in order"),
        ("sdfghjkl", "digits or neighboring keys in order"),
        ("xkwxkwxkwxkw", "just repeat a few characters"),
        ("xkwxkwxkw1", "just repeat a few characters"),
        ("abababab1", "just repeat a few characters"),
        ("wanderer", "more than your user name"),
        ("Wanderer1987", "more than your user name"),
        ("wanderer2026wanderer", "more than your user name"),
        ("acme2026notes", "the name of this site"),
        ("acme-notes!", "the name of this site"),
        ("zzzzzzzzzz", "repeat one character"),
        ("ｗａｎｄｅｒｅｒ9", "more than your user name"),
        ("tab\tin the middle", "control characters"),
        ("short", "at least 8 characters"),
    ];
    for (password, words) in bad {
        let body = json!({ "username": "wanderer", "password": password });
        assert_error(&post(&mut site.client(), "/signup", &body).await, "password", words);
    }
    let mut user = site.person("wanderer").await;
    let body = json!({ "email": "lovelace@mail.example", "current_password": PASSWORD });
    assert_eq!(post(&mut user, "/account/change_settings", &body).await.status(), 200);
    for (password, words) in bad.into_iter().chain([("lovelace1815", "your email address")]) {
        let body = json!({ "current_password": PASSWORD, "new_password": password });
        assert_error(&post(&mut user, "/account/password", &body).await, "new_password", words);
    }
    // A page shows the reason next to the field.
    let mut visitor = site.client();
    let page = open(&mut visitor, "/signup").await;
    let refused = submit(&mut visitor, &page, "/signup", &[("username", "bob"), ("password", "password1")]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().contains("This password is so common"), "{}", refused.text());
    assert_eq!(field(&refused, "/signup", "password"), "");
}

#[tokio::test]
async fn s60_passwords_in_the_table_of_the_operator_are_refused_and_a_site_can_ask_for_more_characters() {
    let rules = |accounts: Accounts| {
        let folder = tempfile::tempdir().unwrap();
        let (list, table) = (folder.path().join("list"), folder.path().join("table"));
        std::fs::write(&list, format!("{PASSWORD}\nthe quick brown fox\n{NFD}\n")).unwrap();
        PasswordTable::build(&list, &table).unwrap();
        // The table stays usable after its file has been deleted, because the file is still open.
        let rules = PasswordRules::default().min_chars(15).table(PasswordTable::open(&table).unwrap());
        accounts.with_password_rules(rules)
    };
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    for password in [PASSWORD, "the quick brown fox", NFC, NFD] {
        let body = json!({ "username": "ada", "password": password });
        assert_error(&post(&mut site.client(), "/signup", &body).await, "password", "stolen passwords");
    }
    let body = json!({ "username": "ada", "password": "an umbrella" });
    assert_error(&post(&mut site.client(), "/signup", &body).await, "password", "at least 15 characters");
    let page = open(&mut site.client(), "/signup").await;
    assert!(page.text().contains("At least 15 characters.") && page.text().contains("minlength=\"15\""));
    let body = json!({ "username": "ada", "password": "the quick brown Fox" });
    assert_eq!(post(&mut site.client(), "/signup", &body).await.status(), 200);
}

#[tokio::test]
async fn s79_a06_a_password_is_the_same_composed_and_decomposed() {
    let site = TestSite::start(Options::default()).await;
    for (name, chosen, typed) in [("nfc", NFC, NFD), ("nfd", NFD, NFC)] {
        let body = json!({ "username": name, "password": chosen });
        assert_eq!(post(&mut site.client(), "/signup", &body).await.status(), 200);
        for password in [chosen, typed] {
            let mut client = site.client();
            assert_eq!(log_in(&mut client, name, password).await.status(), 200, "{name}");
            let again = post(&mut client, "/reauthenticate", &json!({ "password": typed })).await;
            assert_eq!(again.status(), 200, "{}", again.text());
        }
        assert_eq!(log_in(&mut site.client(), name, "cafe creme brulee").await.status(), 401);
    }
    // Older hashes are of the password as it was typed. The first log-in replaces such a hash.
    let hash = argon2::PasswordHasher::hash_password(&argon2::Argon2::default(), NFD.as_bytes()).unwrap().to_string();
    let statement = Statement::new("UPDATE users SET password_hash = $1 WHERE username = 'nfd'").bind(hash);
    site.database().execute(statement).await.unwrap();
    assert_eq!(log_in(&mut site.client(), "nfd", NFC).await.status(), 401);
    for password in [NFD, NFC] {
        assert_eq!(log_in(&mut site.client(), "nfd", password).await.status(), 200);
    }
}

#[tokio::test]
async fn s55_a_password_over_the_limit_is_refused_before_any_look_up_for_every_name() {
    let site = TestSite::start(Options::default()).await;
    let mut user = site.person("known").await;
    let long = "x".repeat(1025);
    let mut texts = Vec::new();
    for name in ["known", "ghost", ""] {
        let response = log_in(&mut site.client(), name, &long).await;
        assert_error(&response, "password", "at most 1024 bytes");
        texts.push(response.text().to_owned());
        let mut client = site.client();
        let page = open(&mut client, "/login").await;
        let response = submit(&mut client, &page, "/login", &[("username", name), ("password", &long)]).await;
        assert_eq!(response.status(), 422);
        assert!(response.text().contains("at most 1024 bytes"), "{}", response.text());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    for (path, body, field) in [
        ("/reauthenticate", json!({ "password": long }), "password"),
        ("/account/password", json!({ "current_password": long, "new_password": PASSWORD }), "current_password"),
        ("/account/change_settings", json!({ "email": "a@b.example", "current_password": long }), "current_password"),
    ] {
        assert_error(&post(&mut user, path, &body).await, field, "at most 1024 bytes");
    }
    // No failure is recorded.
    let activity = user.get("/account/activity").accept_json().send().await.json();
    let kinds: Vec<_> = activity["activity"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind != "login_failed"), "{kinds:?}");
    // The longest password that is allowed.
    let longest: String = (100..356).map(|number| format!("{number}!")).collect();
    assert_eq!(longest.len(), 1024);
    let body = json!({ "username": "longest", "password": longest });
    assert_eq!(post(&mut site.client(), "/signup", &body).await.status(), 200);
    assert_eq!(log_in(&mut site.client(), "longest", &longest).await.status(), 200);
}

/// A user who changes the password because someone else knows it must not end up with the old one.
#[tokio::test]
async fn a_new_password_differs_from_the_current_one() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let body = json!({ "username": "ada", "password": NFC });
    assert_eq!(post(&mut ada, "/signup", &body).await.status(), 200);
    let mut phone = site.client();
    assert_eq!(log_in(&mut phone, "ada", NFC).await.status(), 200);
    let words = "Your new password is the same as your current one. Choose another.";
    // The same password is the same in each of its spellings.
    for (current, new) in [(NFC, NFC), (NFC, NFD), (NFD, NFC)] {
        let body = json!({ "current_password": current, "new_password": new });
        assert_error(&post(&mut ada, "/account/password", &body).await, "new_password", words);
    }
    let page = open(&mut ada, "/account").await;
    let typed = [("current_password", NFC), ("new_password", NFC)];
    let refused = submit(&mut ada, &page, "/account/password", &typed).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().contains(words), "{}", refused.text());
    // Only a user who knows the current password learns that the new one is the same.
    let body = json!({ "current_password": "not it at all", "new_password": NFC });
    let wrong = post(&mut ada, "/account/password", &body).await;
    assert_eq!(wrong.status(), 403, "{}", wrong.text());
    assert_eq!(wrong.json()["errors"]["new_password"], Value::Null);
    assert_eq!(phone.get("/service").accept_json().send().await.status(), 200, "a device was logged out");
    let changed = submit(&mut ada, &refused, "/account/password", &[typed[0], ("new_password", PASSWORD)]).await;
    assert_eq!(changed.location(), Some("/account?done=password"), "{}", changed.text());
}

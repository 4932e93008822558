//! `hardtack user add`, `reset-link`, `set-email`, `rename` and `delete`, while servers run.

use hardtack_test_support::process::Process;
use serde_json::{Value, json};

use crate::stores::{Store, on_every_store};
use crate::support::{
    PASSWORD, TestDir, is_logged_in, is_refused_soon, log_in, output, refresh, refusal, sign_up, start,
    with_copied_access_cookie,
};
use crate::users::servers;

const NEW_PASSWORD: &str = "an umbrella in the aquarium";

on_every_store! {{
    a05_an_operator_adds_a_user_who_sets_a_password,
    a05_an_operator_starts_a_reset_and_learns_no_password,
    a05_an_operator_renames_and_deletes_users,
    a05_a_change_that_changes_nothing_has_no_effects,
}}

/// Sets a password with a link, at one of the servers, and returns the status.
async fn set_password(server: &Process, link: &str, password: &str) -> u16 {
    let token = link.trim().rsplit_once("/password/reset?token=").unwrap().1;
    let body = json!({ "token": token, "new_password": password });
    server.client().post("/password/reset").accept_json().json(&body).send().await.status().as_u16()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn a05_an_operator_adds_a_user_who_sets_a_password(store: Store) {
    let (two, operator) = servers(store).await;
    let site = two.one.base_url().to_owned();
    let added = output(&operator(&["add", "Carol", "--email", " carol@site.example ", "--base-url", &site]));
    let (text, link) = added.split_once('\n').unwrap();
    assert!(
        text.starts_with("Carol was added, and can set a password with this link, which works once and expires at 2")
    );
    assert!(link.starts_with(&format!("{site}/password/reset?token=")) && link.ends_with('\n'), "{added}");
    // Until the link is used, the user cannot log in with any password.
    for guess in ["", "!", PASSWORD] {
        assert_ne!(log_in(&mut two.one.client(), "carol", guess).await, 200, "{guess}");
    }
    let listed = parsed(&output(&operator(&["list", "--json"])));
    let [carol] = &listed["users"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!((&carol["username"], &carol["email"]), (&json!("Carol"), &json!("carol@site.example")));
    assert_eq!((&carol["email_confirmed"], &carol["disabled_at"]), (&json!(false), &Value::Null));

    // The page shows whose password it is, and takes the link out of the address.
    let mut browser = two.one.client();
    let page = browser.get(link.trim().strip_prefix(&site).unwrap()).accept_html().follow().await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/password/reset"));
    assert!(page.text().contains("Carol"));
    assert_eq!(set_password(&two.other, link, "short").await, 422, "the link still works after that");
    assert_eq!(set_password(&two.other, link, NEW_PASSWORD).await, 200);
    assert_eq!(set_password(&two.one, link, PASSWORD).await, 410);
    assert_eq!(log_in(&mut browser, "carol", NEW_PASSWORD).await, 200);
    let activity = browser.get("/account/activity").accept_json().send().await.json();
    let kinds: Vec<_> = activity["activity"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds.first(), Some(&json!("login")));
    assert!(kinds.contains(&json!("password_set")) && kinds.contains(&json!("account_added")), "{kinds:?}");

    // Names follow the rules of the sign-up.
    for (name, expected) in [
        ("CAROL", "hardtack: the user name \"CAROL\" is taken; choose another name"),
        ("a b", "hardtack: the user name \"a b\" is not allowed: "),
        ("", "hardtack: the user name \"\" is not allowed: "),
    ] {
        let error = refusal(&operator(&["add", name, "--base-url", &site]), 2).await;
        assert!(error.starts_with(expected), "{error}");
    }
    let error = refusal(&operator(&["add", "dave", "--email", "nowhere", "--base-url", &site]), 2).await;
    assert_eq!(error, "hardtack: \"nowhere\" is not an email address; expected an address such as you@site.example");
    let error = refusal(&operator(&["add", "dave"]), 2).await;
    assert!(error.contains("set --base-url or HARDTACK_BASE_URL to the value that the servers use"), "{error}");
    let error = refusal(&operator(&["add", "dave", "--base-url", "http://site.example"]), 2).await;
    assert!(error.contains("https"), "{error}");
    assert!(!output(&operator(&["list"])).contains("dave"), "nothing was added");
}

async fn a05_an_operator_starts_a_reset_and_learns_no_password(store: Store) {
    let (two, operator) = servers(store).await;
    let site = two.one.base_url().to_owned();
    let mut ada = two.one.client();
    sign_up(&mut ada, "Ada").await;
    let copy = with_copied_access_cookie(&ada, &two.other);
    let link = || {
        let made = parsed(&output(&operator(&["reset-link", "ADA", "--json", "--base-url", &format!("{site}/")])));
        assert_eq!(made["user"]["username"], "Ada");
        assert!(made["link_expires_at"].as_i64().unwrap() > made["user"]["created_at"].as_i64().unwrap() + 86_000);
        made["link"].as_str().unwrap().to_owned()
    };
    let (first, second) = (link(), link());
    assert!(second.starts_with(&format!("{site}/password/reset?token=")), "{second}");
    // Until the link is used, nothing changes for the user.
    assert!(is_logged_in(&mut ada).await);
    assert_eq!(set_password(&two.one, &first, NEW_PASSWORD).await, 410, "a newer link replaces it");
    assert_eq!(set_password(&two.one, &second, NEW_PASSWORD).await, 200);
    is_refused_soon(&copy, "a password was set").await;
    assert_eq!(refresh(&mut ada).await, 401);
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 401);
    assert_eq!(log_in(&mut ada, "ada", NEW_PASSWORD).await, 200);

    // A link does not outlive a log-out by the operator, or a disabled account.
    for command in ["log-out", "disable"] {
        let made = link();
        output(&operator(&[command, "ada"]));
        if command == "disable" {
            let error = refusal(&operator(&["reset-link", "ada", "--base-url", &site]), 2).await;
            let expected = "hardtack: Ada is disabled, so a reset link would not work; enable the user first: \
                            hardtack user enable Ada";
            assert_eq!(error, expected);
            output(&operator(&["enable", "ada"]));
        }
        assert_eq!(set_password(&two.other, &made, PASSWORD).await, 410, "{command}");
    }
    let error = refusal(&operator(&["reset-link", "eve", "--base-url", &site]), 2).await;
    assert_eq!(error, "hardtack: no user is named \"eve\"; list the users with: hardtack user list");
}

async fn a05_an_operator_renames_and_deletes_users(store: Store) {
    let (two, operator) = servers(store).await;
    let (mut ada, mut bob) = (two.one.client(), two.other.client());
    sign_up(&mut ada, "ada").await;
    sign_up(&mut bob, "bob").await;
    let copies = [&two.one, &two.other].map(|server| with_copied_access_cookie(&ada, server));
    let error = refusal(&operator(&["rename", "ada", "BOB"]), 2).await;
    assert_eq!(error, "hardtack: the user name \"BOB\" is taken; choose another name");
    assert!(is_logged_in(&mut ada).await);
    assert_eq!(output(&operator(&["rename", "ada", "Lovelace"])), "ada is now Lovelace; 1 session was ended.\n");
    for copy in &copies {
        is_refused_soon(copy, "a renamed user").await;
    }
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 401);
    assert_eq!(log_in(&mut ada, "lovelace", PASSWORD).await, 200);
    // A different spelling of the user's own name does not count as taken.
    let renamed = parsed(&output(&operator(&["rename", "lovelace", "LOVELACE", "--json"])));
    assert_eq!((&renamed["user"]["username"], &renamed["sessions_ended"]), (&json!("LOVELACE"), &json!(1)));
    assert_eq!(log_in(&mut ada, "lovelace", PASSWORD).await, 200);

    let set = output(&operator(&["set-email", "lovelace", "ada@site.example", "--confirmed"]));
    assert_eq!(set, "LOVELACE's email address is ada@site.example, which counts as confirmed.\n");
    assert!(is_logged_in(&mut ada).await);
    let error = refusal(&operator(&["set-email", "lovelace", "ada"]), 2).await;
    assert!(error.starts_with("hardtack: \"ada\" is not an email address"), "{error}");
    let set = parsed(&output(&operator(&["set-email", "lovelace", "", "--json"])));
    assert_eq!((&set["user"]["email"], &set["user"]["email_confirmed"]), (&json!(""), &json!(false)));

    let copies = [&two.one, &two.other].map(|server| with_copied_access_cookie(&ada, server));
    let error = refusal(&operator(&["delete", "lovelace"]), 2).await;
    let expected = "hardtack: \"LOVELACE\" was not deleted, because hardtack needs a terminal to ask for confirmation; \
                    to delete the user without confirmation, add --yes";
    assert_eq!(error, expected);
    assert!(is_logged_in(&mut ada).await);
    assert_eq!(output(&operator(&["delete", "lovelace", "--yes"])), "LOVELACE is deleted; 1 session was ended.\n");
    for copy in &copies {
        is_refused_soon(copy, "a deleted user").await;
    }
    assert_eq!(refresh(&mut ada).await, 401);
    assert_eq!(log_in(&mut ada, "lovelace", PASSWORD).await, 401);
    assert!(is_logged_in(&mut bob).await);
    let listed = parsed(&output(&operator(&["list", "--json"])));
    assert_eq!(listed["users"].as_array().unwrap().len(), 1, "{listed}");
    // The name is free, and its new owner is another user.
    let mut new = two.one.client();
    sign_up(&mut new, "lovelace").await;
    assert!(is_logged_in(&mut new).await);
    for copy in &copies {
        assert!(!is_logged_in(&mut copy.clone()).await);
    }
    let error = refusal(&operator(&["delete", "ada", "--yes"]), 2).await;
    assert_eq!(error, "hardtack: no user is named \"ada\"; list the users with: hardtack user list");
}

async fn a05_a_change_that_changes_nothing_has_no_effects(store: Store) {
    let (two, operator) = servers(store).await;
    let site = two.one.base_url().to_owned();
    let mut ada = two.one.client();
    sign_up(&mut ada, "Ada").await;
    let address = ["set-email", "ada", "ada@mail.example", "--confirmed"];
    let set = output(&operator(&address));
    let link = output(&operator(&["reset-link", "ada", "--base-url", &site]));

    let error = refusal(&operator(&["rename", "ada", "Ada"]), 2).await;
    assert_eq!(error, "hardtack: the user is already named \"Ada\"; nothing was changed");
    for again in [&address[..], &address[..3]] {
        assert_eq!(output(&operator(again)), set);
    }
    assert!(is_logged_in(&mut ada).await);
    let activity = ada.get("/account/activity").accept_json().send().await.json();
    let kinds: Vec<_> = activity["activity"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "email_set").count(), 1, "{kinds:?}");
    assert!(!kinds.contains(&json!("renamed")), "{kinds:?}");
    let (_, link) = link.split_once('\n').unwrap();
    assert_eq!(set_password(&two.other, link, NEW_PASSWORD).await, 200, "the link still works");

    // An address that was not confirmed becomes confirmed.
    for (email, confirmed) in [("ada@other.example", false), ("ada@other.example", true)] {
        let flag = confirmed.then_some("--confirmed");
        let args: Vec<_> = ["set-email", "ada", email, "--json"].into_iter().chain(flag).collect();
        assert_eq!(parsed(&output(&operator(&args)))["user"]["email_confirmed"], confirmed);
    }
}

#[tokio::test]
async fn a05_without_mail_the_page_says_who_can_help() {
    let dir = TestDir::new();
    for (contact, expected) in [
        (None, "ask the administrator for a reset link"),
        (Some("it@site.example"), "<a href=\"mailto:it@site.example\">it@site.example</a>"),
        (Some("https://help.example/a"), "<a href=\"https://help.example/a\">"),
        (Some("Room 12 <b>"), "(Room 12 &lt;b&gt;)"),
    ] {
        let program = contact.iter().fold(dir.serve([]), |program, contact| program.env("HARDTACK_CONTACT", contact));
        let server = start(&program).await;
        let page = server.client().get("/password/forgot").accept_html().send().await;
        assert!(page.text().contains(expected), "{}", page.text());
        let body = json!({ "email": "a@b.example" });
        let refused = server.client().post("/password/forgot").accept_json().json(&body).send().await.json();
        assert!(refused["detail"].as_str().unwrap().contains(contact.unwrap_or("reset link")), "{refused}");
        server.stop().await;
    }
    let error = refusal(&dir.serve(["--contact", ""]), 2).await;
    assert!(error.contains("--contact is \"\"; expected an email address, a URL or a few words"), "{error}");
}

#[tokio::test]
async fn a_list_of_no_users_is_json_too() {
    let dir = TestDir::new();
    output(&dir.hardtack(["migrate"]));
    assert_eq!(parsed(&output(&dir.hardtack(["user", "list", "--json"]))), json!({ "users": [] }));
}

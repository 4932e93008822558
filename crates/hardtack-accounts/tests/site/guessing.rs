//! Guessing: of passwords and links. And the users who log in meanwhile.

use hardtack::client_address::TrustedProxies;
use hardtack::throttle::Rate;
use hardtack_accounts::{Accounts, LogInLimits};
use hardtack_db::Statement;
use hardtack_sqlx::Database;
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::random_values::without_random_values;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Options, PASSWORD, Store, TestSite, log_in, minutes, on_every_store, open, seconds, sign_up, submit,
};

on_every_store! {{
    s57_a_hundred_failures_stop_neither_the_owners_device_nor_a_reset_link,
    s57_parallel_guesses_are_counted_one_by_one_by_all_servers,
}}

const WRONG: &str = "not it at all";

const DEVICE: &str = "hardtack_device";

/// A site behind a proxy on this machine, so that tests can come from any address.
fn behind_a_proxy(options: Options) -> Options {
    let configure =
        |builder: hardtack::AuthenticatorBuilder| builder.trusted_proxies(TrustedProxies::new(["127.0.0.1"]).unwrap());
    Options { configure, ..options }
}

async fn log_in_from(client: &mut Client, address: &str, username: &str, password: &str) -> Response {
    let typed = json!({ "username": username, "password": password });
    client.post("/login").accept_json().header("x-forwarded-for", address).json(&typed).send().await
}

fn wait_of(response: &Response) -> u64 {
    assert_eq!(response.status(), 429, "{}", response.text());
    assert_eq!(response.json()["code"], "too_many_attempts");
    response.header("retry-after").unwrap().parse().unwrap()
}

/// Status, fields and text, without what differs by the second.
fn bytes(response: &Response, name: &str) -> (StatusCode, String, String) {
    let mut headers = response.headers().clone();
    headers.remove("date");
    (response.status(), format!("{headers:?}"), response.text().replace(name, "NAME"))
}

/// Opens the accounts as an operator's command does, and returns the token of a link that sets a password.
async fn operators_link(site: &TestSite, name: &str) -> String {
    let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let link = accounts.reset_link(name, site.now()).await.unwrap();
    link.url("").split_once("?token=").unwrap().1.to_owned()
}

async fn s57_a_hundred_failures_stop_neither_the_owners_device_nor_a_reset_link(store: Store) {
    let site = TestSite::start(behind_a_proxy(store.options())).await;
    let mut ada = site.person("known").await;
    let mut refused = [0, 0];
    for number in 0..100 {
        let address = format!("198.51.100.{number}");
        for (at, name) in ["known", "ghost"].into_iter().enumerate() {
            let response = log_in_from(&mut site.client(), &address, name, WRONG).await;
            match response.status().as_u16() {
                401 => assert!(number < 12, "{store:?}: guess {number} at {name} was compared"),
                _ => {
                    assert!((1..=30).contains(&wait_of(&response)), "{response:?}");
                    refused[at] += 1;
                }
            }
        }
        if number == 50 {
            assert_eq!(log_in_from(&mut ada, "192.0.2.1", "known", PASSWORD).await.status(), 200, "{store:?}");
            // Spaces around the name, as phone keyboards add them, make no difference.
            assert_eq!(log_in_from(&mut ada, "192.0.2.1", " Known ", PASSWORD).await.status(), 200, "{store:?}");
        }
    }
    assert!(refused.iter().all(|count| *count >= 85), "{store:?}: {refused:?}");
    // A new device of the owner has to wait like anyone else.
    let right = log_in_from(&mut site.client(), "192.0.2.2", "known", PASSWORD).await;
    assert!((1..=30).contains(&wait_of(&right)), "{store:?}");
    // The attempts of a known device are counted separately.
    assert_eq!(log_in_from(&mut ada, "192.0.2.1", "known", WRONG).await.status(), 401);
    assert_eq!(ada.post("/logout").accept_json().csrf().send().await.status(), 200);
    assert_eq!(log_in_from(&mut ada, "192.0.2.1", "known", PASSWORD).await.status(), 200, "{store:?}: after a log-out");

    // After a password reset, any device can log in at once.
    let new = "an umbrella in the aquarium";
    let token = operators_link(&site, "known").await;
    let mut other = site.client();
    let typed = json!({ "token": token, "new_password": new });
    assert_eq!(other.post("/password/reset").accept_json().json(&typed).send().await.status(), 200);
    assert_eq!(log_in_from(&mut site.client(), "192.0.2.3", "known", new).await.status(), 200, "{store:?}");
    for _ in 0..11 {
        let _ = log_in_from(&mut site.client(), "198.51.100.1", "known", WRONG).await;
    }
    // The browser that used the link, and the one that was known before, are not locked out by new guesses.
    assert_eq!(log_in_from(&mut other, "192.0.2.4", "known", new).await.status(), 200, "{store:?}");
    assert_eq!(log_in_from(&mut ada, "192.0.2.1", "known", new).await.status(), 200, "{store:?}");
}

async fn s57_parallel_guesses_are_counted_one_by_one_by_all_servers(store: Store) {
    let options = || Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(5, minutes(60)))),
        ..store.options()
    };
    let site = TestSite::start(options()).await;
    let beside = site.beside(options()).await;
    let mut seen = Vec::new();
    // If a busy machine takes longer than a second to count an attempt, each server uses only its own counters for a
    // while.
    for round in 0..10 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..30 {
            let mut client = if number % 2 == 0 { site.client() } else { beside.client() };
            let name = format!("user{round}");
            tasks.spawn(async move { log_in(&mut client, &name, WRONG).await.status().as_u16() });
        }
        let statuses = tasks.join_all().await;
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        if (count(401), count(429)) == (5, 25) {
            return;
        }
        seen.push(statuses);
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    }
    // The machine was too busy in every round. Even then, at most 15 attempts pass: five by the shared counters, and
    // five by the counters of each server.
    for statuses in seen {
        let passed = statuses.iter().filter(|status| **status == 401).count();
        assert!(passed <= 15, "{store:?}: {statuses:?}");
    }
}

#[tokio::test]
async fn s57_an_address_has_its_own_tries_and_forged_fields_give_no_others() {
    let limits =
        |accounts: Accounts| accounts.with_log_in_limits(LogInLimits::default().address(Rate::new(4, minutes(1))));
    for trusts in [false, true] {
        let options = Options { rules: limits, ..Options::default() };
        let site = TestSite::start(if trusts { behind_a_proxy(options) } else { options }).await;
        for number in 0..8 {
            // The proxy appends the client's address to what the client has sent.
            let field = if trusts { format!("203.0.113.{number}, 192.0.2.1") } else { format!("203.0.113.{number}") };
            let name = format!("user{number}");
            let mut client = site.client();
            let typed = json!({ "username": name, "password": WRONG });
            let request = client.post("/login").accept_json().header("x-forwarded-for", &field);
            let response = request.header("forwarded", format!("for=203.0.113.{number}")).json(&typed).send().await;
            let expected = if number < 4 { 401 } else { 429 };
            assert_eq!(response.status(), expected, "{trusts} {number}: {}", response.text());
        }
        if trusts {
            // Other clients are not affected. The addresses of an IPv6 network count as one.
            for number in 0..5 {
                let address = format!("2001:db8::{number}");
                let response = log_in_from(&mut site.client(), &address, &format!("other{number}"), WRONG).await;
                assert_eq!(response.status(), if number < 4 { 401 } else { 429 }, "{number}");
            }
        }
        // A success gives the token back.
        site.clock.advance(minutes(5));
        site.person("ada").await;
        for _ in 0..6 {
            assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn s57_after_many_failures_in_a_row_there_is_one_try_an_hour_which_never_grows() {
    let site = TestSite::start(Options {
        rules: |accounts| {
            accounts.with_log_in_limits(LogInLimits::default().failures_in_a_row(Rate::new(12, minutes(60))))
        },
        ..Options::default()
    })
    .await;
    let mut owner = site.person("ada").await;
    for number in 0..12 {
        assert_eq!(log_in(&mut site.client(), "ada", WRONG).await.status(), 401, "{number}");
        site.clock.advance(seconds(30));
    }
    let mut waits = Vec::new();
    for _ in 0..20 {
        waits.push(wait_of(&log_in(&mut site.client(), "ada", PASSWORD).await));
    }
    assert!(waits.iter().all(|wait| *wait == waits[0] && *wait <= 3600 && *wait > 3000), "{waits:?}");
    assert_eq!(log_in(&mut owner, "ada", PASSWORD).await.status(), 200, "the known device is not affected");
    site.clock.advance(seconds(waits[0]));
    assert_eq!(log_in(&mut site.client(), "ada", WRONG).await.status(), 401);
    assert!(wait_of(&log_in(&mut site.client(), "ada", PASSWORD).await) <= 3600);
    site.clock.advance(minutes(60));
    // A success ends the row.
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);
    assert_eq!(log_in(&mut site.client(), "ada", WRONG).await.status(), 401);
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);

    // After as many failures in a row, a known device counts as an unknown one.
    for _ in 0..12 {
        site.clock.advance(seconds(30));
        assert_eq!(log_in(&mut owner, "ada", WRONG).await.status(), 401);
    }
    assert_eq!(log_in(&mut owner, "ada", PASSWORD).await.status(), 200, "as an unknown device");
    assert_eq!(log_in(&mut owner, "ada", WRONG).await.status(), 401, "its counters start anew");
}

#[tokio::test]
async fn s55_a_refused_guess_tells_nothing_about_the_name() {
    let site = TestSite::start(Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(2, minutes(60)))),
        ..Options::default()
    })
    .await;
    let mut browser = site.person("known").await;
    site.person("taken").await;
    site.disable("taken").await;
    browser.clear();
    let page = open(&mut browser, "/login").await;
    let mut seen: Vec<Vec<(StatusCode, String, String)>> = Vec::new();
    for (name, password) in [("ghost", PASSWORD), ("known", WRONG), ("taken", PASSWORD), ("vague", WRONG)] {
        let mut replies = Vec::new();
        for _ in 0..2 {
            let typed = [("username", name), ("password", password)];
            replies.push(bytes(&submit(&mut browser, &page, "/login", &typed).await, name));
            replies.push(bytes(&log_in(&mut site.client(), name, password).await, name));
        }
        assert_eq!(replies.iter().map(|(status, ..)| status.as_u16()).collect::<Vec<_>>(), [401, 401, 429, 429]);
        seen.push(replies);
    }
    assert!(seen.iter().all(|replies| *replies == seen[0]), "{seen:#?}");
    // The page is the same as for a wrong password, except for the sentence.
    let sentence = "Too many attempts. Try again in about an hour, or ask the administrator for a link to set a new \
                    password.";
    let (_, _, wrong) = &seen[0][0];
    let (_, _, refused) = &seen[0][2];
    assert_eq!(wrong.replace("That user name and password do not match.", sentence), *refused);
    // The response to the right password is the same, too.
    let typed = [("username", "known"), ("password", PASSWORD)];
    let right = submit(&mut browser, &page, "/login", &typed).await;
    assert_eq!(bytes(&right, "known"), seen[0][2]);
}

/// The text is the same for every name, so it names the way for users with and without a confirmed address.
#[tokio::test]
async fn the_refusal_says_what_to_do_without_a_confirmed_address() {
    let outbox = tempfile::tempdir().unwrap();
    let site = TestSite::start(Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(1, minutes(60)))),
        outbox: Some(outbox.path().to_owned()),
        ..Options::default()
    })
    .await;
    assert_eq!(log_in(&mut site.client(), "ghost", WRONG).await.status(), 401);
    let refused = log_in(&mut site.client(), "ghost", WRONG).await;
    assert_eq!(
        refused.json()["detail"],
        "Too many attempts. Try again in about an hour. You can also set a new password: by email if you have confirmed \
         an address, or with a link from the administrator."
    );
}

/// The database does the same work for each name, also after the response.
#[tokio::test]
async fn l4_a_failure_is_recorded_with_the_same_work_for_every_name() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("known").await;
    sign_up(&mut site.client(), "taken").await;
    site.disable("taken").await;
    let written = async |ada: &mut Client| {
        // This request waits until all activity is written.
        ada.get("/account/activity").accept_json().send().await;
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'activity'";
        let rows: Vec<(i64,)> = site.database().fetch(Statement::new(sql)).await.unwrap();
        rows[0].0
    };
    for (name, password) in [("known", WRONG), ("ghost", WRONG), ("taken", WRONG), ("taken", PASSWORD), ("", "")] {
        let before = written(&mut ada).await;
        assert_eq!(log_in(&mut site.client(), name, password).await.status(), 401);
        assert_eq!(written(&mut ada).await, before + 1, "{name}");
    }
    let sql = "SELECT u.username FROM activity a LEFT JOIN users u ON u.id = a.user_id WHERE kind = 'login_failed'";
    let mut rows: Vec<(Option<String>,)> = site.database().fetch(Statement::new(sql)).await.unwrap();
    rows.sort_unstable();
    // The rows without a user are dummies. The right password of a disabled user is no failure of that user.
    assert_eq!(rows, [(None,), (None,), (None,), (Some("known".to_owned()),), (Some("taken".to_owned()),)]);
}

#[tokio::test]
async fn s57_the_device_cookie_helps_its_own_user_only() {
    let site = TestSite::start(Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(2, minutes(60)))),
        ..Options::default()
    })
    .await;
    let mut browser = site.client();
    let signed_up = browser.post("/signup").accept_json().json(&json!({ "username": "ada", "password": PASSWORD }));
    let signed_up = signed_up.send().await;
    let cookie = signed_up.set_cookie(DEVICE).expect("no device cookie").raw.clone();
    assert!(cookie.ends_with("; Max-Age=34560000; HttpOnly; Path=/; SameSite=Lax"), "{cookie}");
    assert!(!without_random_values(&cookie).contains("ada"), "{cookie}");
    // Several users log in with one browser. The attempts of each are counted separately.
    sign_up(&mut browser, "ben").await;
    for name in ["ada", "ben", "eve"] {
        if name == "eve" {
            sign_up(&mut site.client(), name).await;
        }
        for _ in 0..3 {
            let _ = log_in(&mut site.client(), name, WRONG).await;
        }
    }
    for (name, expected) in [("ada", 200), ("ben", 200), ("eve", 429), ("ada", 200)] {
        assert_eq!(log_in(&mut browser, name, PASSWORD).await.status(), expected, "{name}");
    }
    // A client cannot forge or change the cookie. The cookie stays valid after a log-out, but not with another key.
    let value = browser.cookie(DEVICE).unwrap().value.clone();
    for forged in ["", "x", &value[1..], &format!("{value}A"), &value.replace(&value[30..40], "AAAAAAAAAA")] {
        let mut forger = site.client();
        forger.set_cookie_raw(&format!("{DEVICE}={forged}; Path=/"));
        assert_eq!(log_in(&mut forger, "ada", PASSWORD).await.status(), 429, "{forged}");
    }
    // The name now belongs to another user.
    let statement = Statement::new("UPDATE users SET id = 'other' WHERE username = 'ada'");
    site.database().execute(statement).await.unwrap();
    assert_eq!(log_in(&mut browser, "ada", PASSWORD).await.status(), 429);
    // The cookie is good for 400 days.
    site.clock.advance(minutes(400 * 24 * 60));
    for _ in 0..3 {
        let _ = log_in(&mut site.client(), "ben", WRONG).await;
    }
    assert_eq!(log_in(&mut browser, "ben", PASSWORD).await.status(), 429);
    // The last five users are remembered.
    let mut browser = site.client();
    for number in 0..8 {
        sign_up(&mut browser, &format!("user{number}")).await;
    }
    assert!(browser.cookie(DEVICE).unwrap().value.len() < 1200);
}

#[tokio::test]
async fn s57_the_password_of_a_session_is_throttled_and_strangers_do_not_count() {
    let site = TestSite::start(Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(3, minutes(10)))),
        ..Options::default()
    })
    .await;
    let mut ada = site.person("ada").await;
    let mut thief = ada.clone();
    let other = site.device_of("ada").await;
    let bodies = [
        ("/reauthenticate", json!({ "password": WRONG }), 401),
        ("/account/password", json!({ "current_password": WRONG, "new_password": "some other phrase" }), 403),
        ("/account/change_settings", json!({ "email": "eve@evil.example", "current_password": WRONG }), 403),
    ];
    for (path, body, status) in &bodies {
        let response = thief.post(path).accept_json().csrf().json(body).send().await;
        assert_eq!(response.status(), *status, "{path}: {}", response.text());
    }
    for (path, body, _) in &bodies {
        let response = thief.post(path).accept_json().csrf().json(body).send().await;
        assert!((1..=600).contains(&wait_of(&response)), "{path}");
    }
    // A page shows the message next to the field.
    let page = open(&mut ada, "/account").await;
    for (action, typed) in [
        ("/account/password", &[("current_password", PASSWORD), ("new_password", "some other phrase")][..]),
        ("/account/change_settings", &[("email", "ada@site.example"), ("current_password", PASSWORD)]),
    ] {
        let response = submit(&mut ada, &page, action, typed).await;
        assert_eq!((response.status().as_u16(), response.header("retry-after")), (429, Some("600")), "{action}");
        assert!(response.text().contains("Too many attempts. Try again in about 10 minutes."), "{}", response.text());
        assert!(response.text().contains("aria-invalid=\"true\""), "{action}");
    }
    // The attempts of another session, and log-ins from the owner's device, are counted separately.
    let typed = json!({ "password": PASSWORD });
    assert_eq!(other.clone().post("/reauthenticate").accept_json().csrf().json(&typed).send().await.status(), 200);
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
    // A success gives the token back.
    let mut ada = site.device_of("ada").await;
    for _ in 0..5 {
        assert_eq!(ada.post("/reauthenticate").accept_json().csrf().json(&typed).send().await.status(), 200);
    }
}

fn sha2_of(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn s57_sign_ups_and_links_are_throttled_by_address() {
    let folder = tempfile::tempdir().unwrap();
    let site = TestSite::start(Options {
        outbox: Some(folder.path().to_owned()),
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::default().address(Rate::new(3, minutes(10)))),
        ..Options::default()
    })
    .await;
    let token = "0".repeat(32);
    let typed = |number: usize| -> [(&'static str, Value, u16); 3] {
        [
            ("/signup", json!({ "username": format!("user{number}"), "password": PASSWORD }), 200),
            ("/password/forgot", json!({ "email": "nobody@site.example" }), 200),
            ("/password/reset", json!({ "token": token, "new_password": PASSWORD }), 410),
        ]
    };
    let mut requested = 3;
    for number in 0..4 {
        for (path, body, status) in typed(number) {
            let mut response = site.client().post(path).accept_json().json(&body).send().await;
            // A client may request ten times as many links, so that clients with the same address do not block each
            // other.
            while path == "/password/forgot" && number == 3 && response.status() == 200 && requested < 30 {
                requested += 1;
                response = site.client().post(path).accept_json().json(&body).send().await;
            }
            match number {
                0..3 => assert_eq!(response.status(), status, "{path} {number}: {}", response.text()),
                _ => assert!((1..=600).contains(&wait_of(&response)), "{path}"),
            }
        }
    }
    assert_eq!(requested, 30);
    // Attempts with links of all kinds share one budget.
    for path in ["/email/confirm", "/email/undo"] {
        let response = site.client().post(path).accept_json().json(&json!({ "token": token })).send().await;
        assert!((1..=600).contains(&wait_of(&response)), "{path}");
        let mut person = site.client();
        person.set_cookie_raw(&format!("mail_link={token}; Path=/"));
        let page = open(&mut person, "/login").await;
        let csrf = crate::support::field(&page, "/login", "csrf_token");
        let link = sha2_of(&format!("form of {token}"));
        let form = [("csrf_token", csrf.as_str()), ("link", link.as_str())];
        let response = person.post(path).accept_html().form(&form).send().await;
        assert_eq!((response.status().as_u16(), response.header("retry-after")), (429, Some("600")), "{path}");
        assert!(response.text().contains("Too many attempts"), "{path}");
    }
    // Log-ins have a budget of their own.
    assert_eq!(log_in(&mut site.client(), "user1", PASSWORD).await.status(), 200);
    let mut person = site.client();
    for (path, field) in [("/signup", ("username", "late")), ("/password/forgot", ("email", "ada@site.example"))] {
        let page = open(&mut person, path).await;
        let typed = [field, ("password", PASSWORD)];
        let typed = if path == "/signup" { &typed[..] } else { &typed[..1] };
        let response = submit(&mut person, &page, path, typed).await;
        let (seconds, minutes) = if path == "/signup" { ("600", "10 minutes") } else { ("60", "a minute") };
        assert_eq!((response.status().as_u16(), response.header("retry-after")), (429, Some(seconds)), "{path}");
        let sentence = format!("Too many attempts. Try again in about {minutes}.");
        assert!(response.text().contains(&sentence), "{path}: {}", response.text());
        assert!(response.text().contains(field.1), "{path}: what was typed is gone");
    }
    site.clock.advance(minutes(30));
    assert_eq!(sign_up(&mut site.client(), "late").await["username"], "late");
}

#[tokio::test]
async fn s57_limits_can_be_turned_off() {
    let site = TestSite::start(Options {
        rules: |accounts| accounts.with_log_in_limits(LogInLimits::insecure_off()),
        ..Options::default()
    })
    .await;
    site.person("ada").await;
    for _ in 0..15 {
        assert_eq!(log_in(&mut site.client(), "ada", WRONG).await.status(), 401);
    }
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);
}

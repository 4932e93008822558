//! The recorded activity of an account, as its user sees it.

use hardtack::{Authenticator, KeySet, MemorySessions};
use hardtack_accounts::{Accounts, LogInLimits};
use hardtack_db::Statement;
use hardtack_test_support::wait;
use serde_json::json;

use crate::recording_site::{RecordingSite, activity, kinds};
use crate::support::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";

#[tokio::test]
async fn users_see_the_activity_of_their_own_account_only() {
    for on_postgres in BOTH_DATABASES {
        let site = RecordingSite::start(on_postgres).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        sign_up(&mut site.client(), "eve").await;
        assert_eq!(kinds(&mut ada).await, ["login"]);

        // An attacker guesses a password, and tries a name that does not exist.
        let mut thief = site.client();
        for name in ["ada", "ADA", "nobody"] {
            let body = json!({ "username": name, "password": "a guess of mine" });
            let request = thief.post("/login").accept_json().header("user-agent", FIREFOX).json(&body);
            assert_eq!(request.send().await.status(), 401);
        }
        let rows = activity(&mut ada).await;
        assert_eq!(rows[0]["kind"], "login_failed");
        assert_eq!(rows[0]["device"], "Firefox on Linux");
        assert_eq!(rows[0]["address"], "127.0.0.1");
        assert_eq!(rows[0]["at"], site.auth.now().unix_seconds());
        assert_eq!(rows.len(), 3);

        // A second device logs in, is used, and is logged out from the first.
        let mut telephone = site.client();
        assert_eq!(log_in(&mut telephone, "ada", PASSWORD).await.status(), 200);
        let body = json!({ "password": PASSWORD });
        telephone.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
        ada.post("/account/sessions/revoke-others").accept_json().csrf().send().await;
        // Refreshes are not recorded.
        for _ in 0..3 {
            site.clock.advance(minutes(16));
            assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
        }
        ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
        let body = json!({ "display_name": "Ada", "email": "ada@site.example", "current_password": PASSWORD });
        assert_eq!(ada.post("/account/change_settings").accept_json().csrf().json(&body).send().await.status(), 200);
        let body = json!({ "current_password": PASSWORD, "new_password": "a new and better one" });
        assert_eq!(ada.post("/account/password").accept_json().csrf().json(&body).send().await.status(), 200);
        let expected = [
            "password_changed",
            "email_changed",
            "reauthenticated",
            "revoked",
            "reauthenticated",
            "login",
            "login_failed",
            "login_failed",
            "login",
        ];
        assert_eq!(kinds(&mut ada).await, expected);

        // The page shows the same.
        let page = open(&mut ada, "/account/sessions").await;
        for text in
            ["Recent activity", "Wrong password entered 2 times", "Firefox on Linux", "Password changed", "127.0.0.1"]
        {
            assert!(page.text().contains(text), "{text}: {}", page.text());
        }
        let away = ada.get("/account/activity").accept_html().send().await;
        assert_eq!((away.status().as_u16(), away.location()), (303, Some("/account/sessions")));
        // Neither contains a secret.
        let response = ada.get("/account/activity").accept_json().send().await;
        for secret in [PASSWORD, "a guess of mine", cookie(&ada, ACCESS).as_str(), cookie(&ada, REFRESH).as_str(), &id]
        {
            assert!(!response.text().contains(secret), "{secret}");
        }
        ada.post("/logout").accept_json().csrf().send().await;
        assert_eq!(log_in(&mut ada, "ada", "a new and better one").await.status(), 200);
        assert_eq!(kinds(&mut ada).await[..2], ["login", "logout"]);
        assert_eq!(site.client().get("/account/activity").accept_json().send().await.status(), 401);
    }
}

#[tokio::test]
async fn reuse_of_a_refresh_token_is_recorded() {
    let site = RecordingSite::start(false).await;
    let mut ada = site.client();
    sign_up(&mut ada, "ada").await;
    let stolen = ada.cookie(REFRESH).unwrap().raw.clone();
    for _ in 0..2 {
        site.clock.advance(minutes(16));
        assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    }
    let mut thief = site.client();
    thief.set_cookie_raw(&stolen);
    assert_eq!(whoami(&mut thief).await, Err(401));
    let mut again = site.client();
    log_in(&mut again, "ada", PASSWORD).await;
    assert_eq!(kinds(&mut again).await, ["login", "reuse_detected", "login"]);
}

#[tokio::test]
async fn e02_old_activity_is_deleted_without_being_asked_for() {
    for on_postgres in BOTH_DATABASES {
        let site = RecordingSite::start(on_postgres).await;
        let mut ada = site.client();
        sign_up(&mut ada, "ada").await;
        flush(&site.accounts).await;
        let old = "UPDATE activity SET at = at - 91 * 24 * 60 * 60";
        assert_eq!(site.database.execute(Statement::new(old)).await.unwrap(), 1);
        log_in(&mut site.client(), "ada", PASSWORD).await;
        flush(&site.accounts).await;
        // Another process prunes. Its timer returns at once instead of waiting an hour for the first run.
        let builder = Authenticator::builder(KeySet::from_secret(SECRET).unwrap());
        let auth = site.accounts.configure(builder).clock(site.clock.clone()).sessions(MemorySessions::new());
        let auth = auth.build().unwrap();
        let sleep = |span| async move {
            if span != seconds(3600) {
                std::future::pending().await
            }
        };
        let work = tokio::spawn(auth.background_work(sleep));
        let count = "SELECT COUNT(*) FROM activity";
        wait::until("the old row is deleted", async || {
            site.database.fetch::<(i64,)>(Statement::new(count)).await.unwrap() == [(1,)]
        })
        .await;
        work.abort();
    }
}

/// Lets a test guess more often than anyone may.
fn unlimited(accounts: Accounts) -> Accounts {
    accounts.with_log_in_limits(LogInLimits::insecure_off())
}

#[tokio::test]
async fn activity_is_bounded_in_number_and_in_time() {
    for on_postgres in BOTH_DATABASES {
        let site = RecordingSite::with(on_postgres, unlimited).await;
        let mut ada = site.client();
        sign_up(&mut ada, "ada").await;
        // Failed log-ins do not push out other rows.
        for _ in 0..25 {
            log_in(&mut site.client(), "ada", "a guess").await;
        }
        let all = kinds(&mut ada).await;
        assert_eq!(all.iter().filter(|kind| *kind == "login_failed").count(), 20);
        assert_eq!(all.last().map(String::as_str), Some("login"));
        let body = json!({ "password": PASSWORD });
        for _ in 0..105 {
            let response = ada.get("/account/sessions").accept_json().send().await;
            assert_eq!(response.status(), 200);
            let id = claims(&cookie(&ada, ACCESS))["sub"].as_str().unwrap().to_owned();
            let session = site.auth.log_in(id.as_str()).await.unwrap().session().unwrap();
            // End this session. At the limit on sessions, a further log-in could end the browser's session instead.
            assert!(site.auth.revoke_session(&id, session).await.unwrap());
            // Otherwise, a slow machine writes many rows at once, and trims later.
            flush(&site.accounts).await;
        }
        assert_eq!(ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await.status(), 200);
        flush(&site.accounts).await;
        let count = "SELECT COUNT(*) FROM activity WHERE kind <> 'login_failed'";
        let kept: Vec<(i64,)> = site.database.fetch(Statement::new(count)).await.unwrap();
        // The oldest rows are deleted after every 32 writes.
        let kept = kept[0].0;
        assert!((100..200).contains(&kept), "{kept}");

        let now = site.auth.now();
        assert_eq!(site.accounts.prune_as_of(now, 1000).await.unwrap(), 0);
        let later = now + minutes(90 * 24 * 60 + 1);
        assert_eq!(site.accounts.prune_as_of(later, 50).await.unwrap(), 50);
        assert_eq!(site.accounts.prune_as_of(later, 1000).await.unwrap(), kept as u64 + 25 - 50);
        assert!(kinds(&mut ada).await.is_empty());
    }
}

#[tokio::test]
async fn a10_guesses_push_out_nothing_and_are_counted() {
    for on_postgres in BOTH_DATABASES {
        let site = RecordingSite::start(on_postgres).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        // The log-in is written in the background. It must be older than the guesses.
        flush(&site.accounts).await;
        let sql = "INSERT INTO activity (user_id, kind, at, address) VALUES ($1, 'login_failed', $2, '192.0.2.7')";
        for _ in 0..30 {
            let guess = Statement::new(sql).bind(&id).bind(site.auth.now().unix_seconds());
            site.database.execute(guess).await.unwrap();
        }
        let page = open(&mut ada, "/account/sessions").await;
        for text in ["Wrong password entered 30 times from 192.0.2.7", "Logged in"] {
            assert!(page.text().contains(text), "{text}: {}", page.text());
        }
        assert_eq!(page.text().matches("192.0.2.7").count(), 1);
        // An API client gets each of the last twenty failures, and all other entries.
        let all = kinds(&mut ada).await;
        assert_eq!((all.len(), all.last().map(String::as_str)), (21, Some("login")));
    }
}

#[tokio::test]
async fn a10_an_operators_log_out_says_who_did_it() {
    let site = RecordingSite::start(false).await;
    let mut ada = site.client();
    sign_up(&mut ada, "ada").await;
    let (_, ended) = site.accounts.log_out("ada", site.auth.now()).await.unwrap().unwrap();
    site.auth.finish_ending(ended).await;
    assert_eq!(whoami(&mut ada).await, Err(401));
    log_in(&mut ada, "ada", PASSWORD).await;
    assert!(kinds(&mut ada).await.contains(&"logged_out_by_operator".to_owned()));
    let page = open(&mut ada, "/account/sessions").await;
    assert!(page.text().contains("All devices logged out by an administrator"), "{}", page.text());
    for wrong in ["elsewhere:", "from elsewhere", "remotely"] {
        assert!(!page.text().contains(wrong), "{wrong}: {}", page.text());
    }
}

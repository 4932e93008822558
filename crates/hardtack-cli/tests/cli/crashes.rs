//! The server is killed again and again, at random moments, while users log in, refresh and log out.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hardtack_test_support::client::Client;
use hardtack_test_support::wait;
use http::StatusCode;
use serde_json::json;

use crate::load::Users;
use crate::stores::{Store, on_every_store};
use crate::support::{
    PASSWORD, TestDir, is_logged_in, is_refused_soon, log_in, sign_up, start, with_copied_access_cookie,
};

const USERS: usize = 5;

/// A log-in that is interrupted counts as a failure, and after each crash, a wrong password is tried on purpose. Users
/// do neither that often.
const UNLIMITED: [&str; 2] = ["--log-in-limits", "off"];

const CRASHES: usize = 100;

/// How often the server is killed during a password change, unless `HARDTACK_TEST_KILLS` says otherwise:
/// `scripts/kills` sets it to 100.
const KILLS: usize = 10;

on_every_store! {{
    s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed,
    s68_a_killed_server_leaves_old_password_and_old_sessions_together,
}}

async fn s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed(store: Store) {
    let dir = TestDir::new();
    let env = store.fresh();
    let serve = |address: &str| {
        let program = dir.hardtack(["serve", "--listen", address]).args(UNLIMITED);
        env.iter().fold(program, |program, (name, value)| program.env(name, value))
    };
    let mut server = start(&serve("127.0.0.1:0")).await;
    let program = serve(server.base_url().trim_start_matches("http://"));

    let users = Users::start((0..USERS).map(|_| server.client()), false).await;
    for _ in 0..CRASHES {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..120))).await;
        server.kill();
        server = start(&program).await;
        users.assert_no_failure();
    }
    let (_, counters) = users.stop().await;
    assert!(counters.unanswered.load(Ordering::Relaxed) > 0, "no request was in flight when the server was killed");
}

/// A password change is interrupted by kill -9. Afterwards, either both the old password and the old sessions still
/// work, or neither does.
async fn s68_a_killed_server_leaves_old_password_and_old_sessions_together(store: Store) {
    let kills = std::env::var("HARDTACK_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let dir = TestDir::new();
    let env = store.fresh();
    let serve = |address: &str| {
        let program = dir.hardtack(["serve", "--listen", address]).args(UNLIMITED);
        env.iter().fold(program, |program, (name, value)| program.env(name, value))
    };
    let mut server = start(&serve("127.0.0.1:0")).await;
    let program = serve(server.base_url().trim_start_matches("http://"));
    let mut browser = server.client();
    sign_up(&mut browser, "ada").await;
    let (mut password, mut changed) = (format!("{PASSWORD}-0"), 0);
    // Measure how long a change takes on this machine. The two password hashes take most of this time, and the writes
    // come after them.
    let since = Instant::now();
    assert_eq!(change_password(&mut browser, PASSWORD, &password).await, Some(StatusCode::OK));
    let longest = since.elapsed() * 5 / 4;
    for number in 1..=kills {
        let mut device = server.client();
        assert_eq!(log_in(&mut device, "ada", &password).await, 200);
        let copy = with_copied_access_cookie(&device, &server);
        let new = format!("{PASSWORD}-{number}");
        let change = change_password(&mut browser, &password, &new);
        let moment = longest.mul_f64(rand::random_range(0.0..1.0));
        let kill = async {
            tokio::time::sleep(moment).await;
            server.kill();
        };
        let _ = tokio::join!(change, kill);
        server = start(&program).await;
        let by_password = async |password: &str| {
            let mut client = server.client();
            (log_in(&mut client, "ada", password).await == 200).then_some(client)
        };
        let (by_new, by_old) = (by_password(&new).await, by_password(&password).await);
        let what = format!("kill {number} after {moment:?}, changed: {}", by_new.is_some());
        browser = match (by_new, by_old) {
            (Some(client), None) => {
                (password, changed) = (new, changed + 1);
                is_refused_soon(&copy, &what).await;
                client
            }
            (None, Some(client)) => {
                assert!(is_logged_in(&mut copy.clone()).await, "{what}: the sessions ended without the password");
                client
            }
            _ => panic!("{what}: exactly one password must be right"),
        };
        assert!(is_logged_in(&mut browser).await, "{what}: the session of the log-in after the crash was ended");
    }
    println!("{changed} of {kills} changes were stored before the server was killed");
}

/// Changes the password. Returns `None` if the server was killed before it responded.
async fn change_password(browser: &mut Client, current: &str, new: &str) -> Option<StatusCode> {
    let body = json!({ "current_password": current, "new_password": new });
    let request = browser.post("/account/password").accept_json().csrf().json(&body);
    let response = tokio::time::timeout(wait::LONGEST_WAIT, request.try_send()).await.ok()?;
    response.ok().map(|response| response.status())
}

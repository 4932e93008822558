//! More log-ins at once than passwords can be checked.

use std::thread::available_parallelism;

use hardtack_accounts::{Accounts, LogInLimits};
use serde_json::json;
use tokio::task::JoinSet;

use crate::outage::assert_unavailable;
use crate::support::{Options, PASSWORD, TestSite, log_in};

/// How many log-ins run or wait, for each processor.
const PLACES: usize = 65;

#[tokio::test]
async fn a_log_in_gets_503_at_once_if_the_queue_is_full() {
    // Turn off the limits, because this test sends far more log-ins than one address may try.
    let rules = |accounts: Accounts| accounts.with_log_in_limits(LogInLimits::insecure_off());
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    site.person("ada").await;
    let places = PLACES * available_parallelism().unwrap().get();
    let mut rush = JoinSet::new();
    for _ in 0..2 * places {
        let mut client = site.client();
        rush.spawn(async move { log_in(&mut client, "ada", "a wrong password").await });
    }
    let mut statuses = Vec::new();
    while let Some(response) = rush.join_next().await {
        let response = response.unwrap();
        if response.status() != 401 {
            assert_unavailable(&response, "a log-in too many");
        }
        statuses.push(response.status().as_u16());
    }
    let last_refused = statuses.iter().rposition(|status| *status == 503).expect("no log-in was refused");
    // Log-ins in the queue were still running when the last refusal arrived, so a refused log-in does not wait for
    // them.
    let after = statuses.len() - last_refused - 1;
    assert!(after >= places / 2, "only {after} of {places} places were still taken when the last one was refused");
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200, "the queue is empty again");
}

/// Each session has its own limit on attempts, and a correct password does not count.
#[tokio::test]
async fn one_user_cannot_fill_the_queue() {
    let rules = |accounts: Accounts| accounts.with_log_in_limits(LogInLimits::insecure_off());
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    let ada = site.person("ada").await;
    site.person("bob").await;
    let mut rush = JoinSet::new();
    for _ in 0..40 {
        let mut client = ada.clone();
        let body = json!({ "password": PASSWORD });
        rush.spawn(async move { client.post("/reauthenticate").accept_json().csrf().json(&body).send().await });
    }
    let mut refused = 0;
    while let Some(response) = rush.join_next().await {
        let response = response.unwrap();
        if response.status() == 503 {
            assert_unavailable(&response, "a password too many");
            refused += 1;
            assert_eq!(log_in(&mut site.client(), "bob", PASSWORD).await.status(), 200, "another user");
            break;
        }
    }
    assert_eq!(refused, 1, "all 40 passwords of one user were taken into the queue");
    rush.join_all().await;
    let again =
        ada.clone().post("/reauthenticate").accept_json().csrf().json(&json!({ "password": PASSWORD })).send().await;
    assert_ne!(again.status(), 503, "the user's places are free again");
}

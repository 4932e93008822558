//! More people log in at once than passwords can be checked.

use std::thread::available_parallelism;

use tokio::task::JoinSet;

use crate::outage::assert_unavailable;
use crate::support::{Options, PASSWORD, TestSite, log_in};

/// How many wait or are worked for, for each processor.
const PLACES: usize = 65;

#[tokio::test]
async fn whoever_finds_the_queue_full_is_told_at_once_to_come_again() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    let places = PLACES * available_parallelism().unwrap().get();
    let mut rush = JoinSet::new();
    for _ in 0..2 * places {
        let mut client = site.client();
        rush.spawn(async move { log_in(&mut client, "ada", "a wrong password").await });
    }
    let mut statuses = Vec::new();
    while let Some(answer) = rush.join_next().await {
        let answer = answer.unwrap();
        if answer.status() != 401 {
            assert_unavailable(&answer, "a log-in too many");
        }
        statuses.push(answer.status().as_u16());
    }
    let last_refused = statuses.iter().rposition(|status| *status == 503).expect("nobody was too many");
    // Those who had a place by then are still worked for; whoever has none doesn't wait for them.
    let after = statuses.len() - last_refused - 1;
    assert!(after >= places / 2, "only {after} of {places} places were still taken when the last one was refused");
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200, "the queue is empty again");
}

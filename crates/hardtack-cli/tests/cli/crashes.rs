//! A power cut at a random moment, again and again, while people log in, refresh, and log out.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::load::People;
use crate::stores::{Store, on_every_store};
use crate::support::{Place, start};

const PEOPLE: usize = 5;

const CRASHES: usize = 100;

on_every_store! {{ s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed }}

async fn s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed(store: Store) {
    let place = Place::new();
    let told = store.fresh();
    let serve = |address: &str| {
        let program = place.hardtack(["serve", "--listen", address]);
        told.iter().fold(program, |program, (name, value)| program.env(name, value))
    };
    let mut server = start(&serve("127.0.0.1:0")).await;
    let program = serve(server.base_url().trim_start_matches("http://"));

    let people = People::start((0..PEOPLE).map(|_| server.client()), false).await;
    for _ in 0..CRASHES {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..120))).await;
        server.kill();
        server = start(&program).await;
        people.assert_content();
    }
    let (_, done) = people.end().await;
    assert!(done.unanswered.load(Ordering::Relaxed) > 0, "no crash met a request");
}

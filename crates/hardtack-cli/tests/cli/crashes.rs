//! The server is killed again and again, at random moments, while users log in, refresh and log out.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::load::Users;
use crate::stores::{Store, on_every_store};
use crate::support::{TestDir, start};

const USERS: usize = 5;

const CRASHES: usize = 100;

on_every_store! {{ s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed }}

async fn s32_no_answered_login_or_logout_is_lost_when_the_server_is_killed(store: Store) {
    let dir = TestDir::new();
    let env = store.fresh();
    let serve = |address: &str| {
        let program = dir.hardtack(["serve", "--listen", address]);
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

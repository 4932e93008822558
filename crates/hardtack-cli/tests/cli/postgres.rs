//! Two servers on one PostgreSQL behave as one.

use std::time::{Duration, Instant};

use hardtack_conformance::Client;
use hardtack_conformance::process::{Process, Program};
use hardtack_conformance::services::PostgresServer;
use hardtack_conformance::services::postgres::shared;
use serde_json::json;

use crate::support::{PASSWORD, Place, is_let_in, log_out, output, sign_up, start, with_copied_access_cookie};

/// Two servers on two machines, so to speak: a folder each, and one key from the environment.
struct Two {
    one: Process,
    other: Process,
    _places: [Place; 2],
}

impl Two {
    async fn over(url: &str, args: &[&str]) -> Self {
        let places = [Place::new(), Place::new()];
        let secret = output(&places[0].hardtack(["keys", "generate"]));
        let program = |place: &Place| -> Program {
            let program = place.serve(args.iter().copied()).env("JWT_SECRET_KEY", secret.trim());
            program.env("HARDTACK_DATABASE_URL", url)
        };
        let programs = places.each_ref().map(program);
        // At once, on an empty database: each migrates.
        let (one, other) = tokio::join!(start(&programs[0]), start(&programs[1]));
        Self { one, other, _places: places }
    }

    async fn start() -> Self {
        Self::over(&shared().database(), &[]).await
    }
}

/// The same browser at another server: a load balancer sent it there.
fn at(server: &Process, client: &Client) -> Client {
    let mut moved = server.client();
    *moved.jar() = client.clone().jar().clone();
    moved
}

/// Waits until a copied access cookie is refused, as long as the servers may take to learn of it.
async fn is_refused_soon(copy: &Client, what: &str) {
    let since = Instant::now();
    // A refusal takes the cookie away, which a thief would not let happen.
    while is_let_in(&mut copy.clone()).await {
        assert!(since.elapsed() < Duration::from_secs(2), "{what}: still let in after {:?}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn log_in(client: &mut Client, password: &str) -> u16 {
    let typed = json!({ "username": "someone", "password": password });
    client.post("/login").accept_json().json(&typed).send().await.status().as_u16()
}

async fn refresh(client: &mut Client) -> u16 {
    client.get("/token/refresh").accept_json().send().await.status().as_u16()
}

#[tokio::test]
async fn s27_a_log_in_at_the_other_server_ends_the_session_of_the_first() {
    let two = Two::start().await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let copies = [with_copied_access_cookie(&client, &two.one), with_copied_access_cookie(&client, &two.other)];
    let mut old = client.clone();
    let mut moved = at(&two.other, &client);
    assert!(is_let_in(&mut moved).await, "logged in at one is logged in at the other");
    assert_eq!(log_in(&mut moved, PASSWORD).await, 200);
    assert!(is_let_in(&mut moved).await && is_let_in(&mut at(&two.one, &moved)).await);
    for copy in &copies {
        is_refused_soon(copy, "the session that was replaced").await;
    }
    assert_eq!(refresh(&mut old).await, 401);
}

#[tokio::test]
async fn s28_s29_copies_are_dead_at_one_server_after_the_log_out_at_the_other() {
    let two = Two::start().await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let access = with_copied_access_cookie(&client, &two.other);
    let mut everything = at(&two.other, &client);
    assert!(is_let_in(&mut access.clone()).await);
    log_out(&mut client).await;
    // The row decides at once, whichever server is asked.
    everything.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut everything).await, 401);
    is_refused_soon(&access, "the copied access cookie").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s31_fifty_refreshes_through_both_servers_all_win_and_are_one() {
    let database = shared().database();
    let two = Two::over(&database, &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let before = client.cookie("refresh_token_cookie").unwrap().value.clone();
    client.jar().remove("access_token_cookie");
    let racers: Vec<_> = (0..50)
        .map(|racer| {
            let mut tab = at(if racer % 2 == 0 { &two.one } else { &two.other }, &client);
            tokio::spawn(async move {
                let status = refresh(&mut tab).await;
                (status, tab.cookie("refresh_token_cookie").map(|cookie| cookie.value.clone()))
            })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    let (status, after) = &answers[0];
    assert_eq!(*status, 200);
    assert!(after.as_ref().is_some_and(|after| *after != before), "nothing was refreshed");
    assert_eq!(shared().psql(&database, "SELECT generation FROM sessions"), "2");
}

#[tokio::test]
async fn s30_an_old_refresh_token_ends_the_session_at_both_servers() {
    let two = Two::start().await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut thief = at(&two.other, &client);
    for server in [&two.one, &two.other] {
        client = at(server, &client);
        assert_eq!(refresh(&mut client).await, 200);
        assert!(is_let_in(&mut client).await);
    }
    let copy = with_copied_access_cookie(&client, &two.one);
    assert_eq!(refresh(&mut thief).await, 401, "two generations ago");
    is_refused_soon(&copy, "the session that was stolen").await;
    for server in [&two.one, &two.other] {
        assert_eq!(refresh(&mut at(server, &client)).await, 401);
    }
}

#[tokio::test]
async fn s33_s34_sessions_end_at_both_servers() {
    let args = ["--access-lifetime", "1s", "--refresh-lifetime", "2s", "--session-lifetime", "4s"];
    let two = Two::over(&shared().database(), &args).await;
    let mut idle = two.one.client();
    sign_up(&mut idle, "someone").await;
    let mut busy = two.one.client();
    let since = Instant::now();
    assert_eq!(log_in(&mut busy, PASSWORD).await, 200);
    let (mut rounds, mut was_in) = (0, Duration::ZERO);
    while since.elapsed() < Duration::from_secs(6) {
        busy = at(if rounds % 2 == 0 { &two.other } else { &two.one }, &busy);
        if is_let_in(&mut busy).await {
            was_in = since.elapsed();
        }
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(was_in > Duration::from_millis(2500), "in use it outlives the idle limit: {was_in:?}");
    assert!(was_in < Duration::from_millis(5100), "but not the absolute one: {was_in:?}");
    assert!(!is_let_in(&mut at(&two.other, &idle)).await, "an unused session ends");
}

#[tokio::test]
async fn s35_a_password_change_at_one_server_ends_all_other_sessions_at_both() {
    let two = Two::start().await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut telephone = two.other.client();
    assert_eq!(log_in(&mut telephone, PASSWORD).await, 200);
    let copies = [&two.one, &two.other].map(|server| with_copied_access_cookie(&telephone, server));

    let body = json!({ "current_password": PASSWORD, "new_password": "canary-password-9a7c" });
    let answer = client.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let mut late = telephone.clone();
    late.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut late).await, 401);
    for copy in &copies {
        is_refused_soon(copy, "another session").await;
    }
    assert!(is_let_in(&mut client).await && is_let_in(&mut at(&two.other, &client)).await);
    assert_eq!(log_in(&mut two.other.client(), PASSWORD).await, 401);
    assert_eq!(log_in(&mut two.other.client(), "canary-password-9a7c").await, 200);
}

#[tokio::test]
async fn s41_without_postgres_both_answer_503_and_go_on_when_it_is_back() {
    let database = PostgresServer::start_new();
    let two = Two::over(&database.database(), &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut ended = two.other.client();
    assert_eq!(log_in(&mut ended, PASSWORD).await, 200);
    let copy = ended.clone();
    log_out(&mut ended).await;

    for abrupt in [false, true] {
        if abrupt {
            database.kill()
        } else {
            database.stop()
        }
        for server in [&two.one, &two.other] {
            let since = Instant::now();
            let mut moved = at(server, &client);
            assert_eq!(moved.get("/account").accept_json().send().await.status(), 503);
            assert_eq!(refresh(&mut moved).await, 503);
            assert_eq!(log_in(&mut server.client(), PASSWORD).await, 503);
            assert_eq!(server.client().get("/healthz").send().await.status(), 503);
            assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
            assert!(moved.cookie("refresh_token_cookie").is_some(), "nobody is logged out");
        }
        database.start();
        for server in [&two.one, &two.other] {
            let mut moved = at(server, &client);
            assert!(is_let_in(&mut moved).await, "without a restart");
            assert_eq!(log_in(&mut server.client(), PASSWORD).await, 200);
            // Ended just before the outage: the other server has still to read of it.
            is_refused_soon(&at(server, &copy), "a session that was ended").await;
        }
    }
}

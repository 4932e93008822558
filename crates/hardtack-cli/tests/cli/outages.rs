//! The store ends, by hand or by a power cut, and comes back, while its servers run on.

use std::time::{Duration, Instant};

use hardtack_conformance::services::redis::RedisServer;
use hardtack_conformance::services::{PostgresServer, postgres};
use hardtack_db::Pool;
use hardtack_sqlx::Database;

use crate::load::People;
use crate::stores::{Two, at, on_redis};
use crate::support::{PASSWORD, is_let_in, is_refused_soon, is_refused_within, log_in, log_out, refresh, sign_up};

/// How long what a server knows may be old: then it asks the store for each request.
const STALENESS: Duration = Duration::from_secs(5);

/// How long a copied access cookie may be let in by a server that tries again ever more slowly to read of the
/// log-out at another one.
const BOUND: Duration = Duration::from_secs(STALENESS.as_secs() + 1);

/// How long a server may take to notice that its store is back.
const RECOVERY: Duration = Duration::from_secs(15);

/// How often the store ends under load, by hand and by a power cut in turns.
const OUTAGES: usize = 4;
const PEOPLE: usize = 6;

/// A Redis that has written down what it has answered.
fn durable_redis() -> RedisServer {
    RedisServer::start_with(&["--appendfsync", "always"])
}

#[tokio::test]
async fn s41_without_postgres_both_answer_503_and_go_on_when_it_is_back() {
    let database = PostgresServer::start_new();
    let told = [("HARDTACK_DATABASE_URL", database.database())];
    without_postgres(&database, &told).await;
}

/// The Redis that brings them word is there all the time, and is no store.
#[tokio::test]
async fn s41_without_postgres_but_with_notice_both_answer_503_and_go_on_when_it_is_back() {
    let (database, redis) = (PostgresServer::start_new(), RedisServer::start());
    let told = [
        ("HARDTACK_DATABASE_URL", database.database()),
        ("HARDTACK_REDIS_URL", redis.url()),
        ("HARDTACK_REDIS_FOR", "notice".to_owned()),
    ];
    without_postgres(&database, &told).await;
}

async fn without_postgres(database: &PostgresServer, told: &[(&str, String)]) {
    let two = Two::over(told, &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut ended = two.other.client();
    assert_eq!(log_in(&mut ended, "someone", PASSWORD).await, 200);
    let copy = ended.clone();
    log_out(&mut ended).await;

    for abrupt in [false, true] {
        if abrupt {
            database.kill()
        } else {
            database.stop()
        }
        for server in two.both() {
            let since = Instant::now();
            let mut moved = at(server, &client);
            assert_eq!(moved.get("/account").accept_json().send().await.status(), 503);
            assert_eq!(refresh(&mut moved).await, 503);
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
            assert_eq!(server.client().get("/healthz").send().await.status(), 503);
            assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
            assert!(moved.cookie("refresh_token_cookie").is_some(), "nobody is logged out");
        }
        database.start();
        for server in two.both() {
            let mut moved = at(server, &client);
            assert!(is_let_in(&mut moved).await, "without a restart");
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
            // Ended just before the outage: the other server has still to read of it.
            is_refused_within(BOUND, &at(server, &copy), "a session that was ended").await;
        }
    }
}

#[tokio::test]
async fn s41_without_redis_both_answer_503_and_go_on_when_it_is_back() {
    let redis = durable_redis();
    let two = Two::over(&on_redis(postgres::shared().database(), redis.url()), &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut ended = two.other.client();
    assert_eq!(log_in(&mut ended, "someone", PASSWORD).await, 200);
    let copy = ended.clone();
    log_out(&mut ended).await;
    is_refused_soon(&at(&two.one, &copy), "known to both").await;

    for end in [RedisServer::stop, RedisServer::kill] {
        end(&redis);
        let since = Instant::now();
        let mut behind = [false; 2];
        while behind != [true; 2] {
            for (server, behind) in two.both().into_iter().zip(&mut behind) {
                // What ended before is known, or not to be known: in no case is it let in.
                let answer = at(server, &copy).get("/service").accept_json().send().await;
                assert!([401, 503].contains(&answer.status().as_u16()), "{} {}", answer.status(), answer.text());
                // What is live may be let in by what the server knew, for as long as that may be old.
                let mut moved = at(server, &client);
                let answer = moved.get("/service").accept_json().send().await;
                assert!([200, 503].contains(&answer.status().as_u16()), "{} {}", answer.status(), answer.text());
                *behind |= answer.status() == 503;
                assert_eq!(refresh(&mut moved).await, 503);
                assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
                let answer = moved.post("/logout").accept_json().csrf().send().await;
                assert_eq!(answer.status(), 503, "{}", answer.text());
                assert!(moved.cookie("refresh_token_cookie").is_some(), "nobody is logged out");
            }
            assert!(since.elapsed() < STALENESS + RECOVERY, "the bound is not kept");
        }
        redis.start_again();
        for server in two.both() {
            assert!(is_let_in(&mut at(server, &client)).await, "without a restart");
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
            assert!(!is_let_in(&mut at(server, &copy)).await, "no dead session comes back");
        }
    }
}

/// Somebody else writes to the file, and does not come to an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_without_its_file_both_answer_503_and_go_on_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("shared.db").display());
    let two = &Two::over(&[("HARDTACK_DATABASE_URL", url.clone())], &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let database = Pool::from(Database::open(&url).await.unwrap());
    let busy = database.begin().await.unwrap();

    let asked = two.both().map(|server| {
        let client = at(server, &client);
        let (mut refreshes, mut leaves, mut comes) = (client.clone(), client.clone(), server.client());
        async move {
            let (refreshed, left, came) = tokio::join!(
                refresh(&mut refreshes),
                leaves.post("/logout").accept_json().csrf().send(),
                log_in(&mut comes, "someone", PASSWORD),
            );
            assert_eq!((refreshed, left.status().as_u16(), came), (503, 503, 503));
            for client in [refreshes, leaves] {
                assert!(client.cookie("refresh_token_cookie").is_some(), "nobody is logged out");
            }
        }
    });
    let since = Instant::now();
    let [one, other] = asked;
    tokio::join!(one, other);
    assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());

    drop(busy);
    for server in two.both() {
        let mut moved = at(server, &client);
        assert!(is_let_in(&mut moved).await, "what was refused has been done");
        assert_eq!(refresh(&mut moved).await, 200);
        assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
    }
}

#[tokio::test]
async fn a_redis_for_notice_may_be_gone() {
    let redis = RedisServer::start();
    let told = [
        ("HARDTACK_DATABASE_URL", postgres::shared().database()),
        ("HARDTACK_REDIS_URL", redis.url()),
        ("HARDTACK_REDIS_FOR", "notice".to_owned()),
    ];
    redis.stop();
    let two = Two::over(&told, &[]).await;
    for round in ["gone from the start", "back", "gone again"] {
        let mut client = two.one.client();
        sign_up(&mut client, &round.replace(' ', "-")).await;
        let copy = at(&two.other, &client);
        assert!(is_let_in(&mut copy.clone()).await, "{round}");
        assert_eq!(refresh(&mut copy.clone()).await, 200, "{round}");
        log_out(&mut client).await;
        // By PostgreSQL's own word, or a poll later.
        is_refused_soon(&copy, round).await;
        match round {
            "back" => redis.kill(),
            _ => redis.start_again(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_nothing_answered_is_lost_when_postgres_ends_under_load() {
    let database = PostgresServer::start_new();
    let two = Two::over(&[("HARDTACK_DATABASE_URL", database.database())], &[]).await;
    let end = |abrupt| if abrupt { database.kill() } else { database.stop() };
    outages_under_load(&two, end, || database.start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_nothing_answered_is_lost_when_redis_ends_under_load() {
    let redis = durable_redis();
    let two = Two::over(&on_redis(postgres::shared().database(), redis.url()), &[]).await;
    let end = |abrupt| if abrupt { redis.kill() } else { redis.stop() };
    outages_under_load(&two, end, || redis.start_again()).await;
}

/// People at both servers are told to come again while the store is gone, and nothing else. When it is
/// back they go on with what they had, and what they had ended is ended at both servers.
async fn outages_under_load(two: &Two, end: impl Fn(bool), begin: impl Fn()) {
    let clients = (0..PEOPLE).map(|number| two.both()[number % 2].client());
    let people = People::start(clients, true).await;
    for outage in 0..OUTAGES {
        tokio::time::sleep(Duration::from_millis(rand::random_range(200..600))).await;
        let before = people.turned_away();
        end(outage % 2 == 1);
        let since = Instant::now();
        while people.turned_away() == before {
            assert!(since.elapsed() < STALENESS + RECOVERY, "nobody was told that the store is gone");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        people.assert_content();
        begin();
        // Whoever is in the middle of something may still be told of the outage.
        for server in two.both() {
            let since = Instant::now();
            while log_in(&mut server.client(), "someone0", PASSWORD).await != 200 {
                assert!(since.elapsed() < RECOVERY, "not without a restart");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        people.assert_content();
    }
    let (people, _) = people.end().await;
    for (number, person) in people.iter().enumerate() {
        let (own, other) = (two.both()[number % 2], two.both()[(number + 1) % 2]);
        for dead in &person.dead {
            assert!(!is_let_in(&mut at(own, dead)).await, "let in where the session was ended");
            is_refused_within(BOUND, &at(other, dead), "a session that was ended elsewhere").await;
        }
        for server in two.both() {
            assert!(is_let_in(&mut at(server, &person.client)).await, "a session was lost");
            for dead in &person.dead {
                assert_eq!(refresh(&mut at(server, dead)).await, 401, "a dead session came back");
            }
        }
    }
}

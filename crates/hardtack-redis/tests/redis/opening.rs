//! Addresses, names and servers that cannot be used.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use hardtack::session::SessionStore;
use hardtack_redis::{OpenError, RedisSessions};
use hardtack_test_support::services::redis::RedisServer;

use crate::{NO_SESSIONS, NOW, open, session};

async fn refused(address: &str) -> OpenError {
    RedisSessions::open(address).await.unwrap_err()
}

#[tokio::test]
async fn errors_name_the_problem_but_not_the_password() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("redis://:hunter2@127.0.0.1:{free}/0")).await;
    assert!(matches!(&error, OpenError::Unreachable { address, .. } if *address == format!("127.0.0.1:{free}")));
    assert!(!error.to_string().contains("refused") && format!("{error:?}").contains("refused"), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");

    let port = RedisServer::shared().port();
    let error = refused(&format!("redis://:hunter2@127.0.0.1:{port}/0")).await;
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");

    for address in ["", "http://:hunter2@127.0.0.1", "redis://:hunter2@127.0.0.1:x"] {
        let error = refused(address).await;
        assert!(matches!(&error, OpenError::InvalidAddress { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let error = RedisSessions::open_named(RedisServer::shared().url(), "a{b}").await.unwrap_err();
    assert!(matches!(&error, OpenError::InvalidName(name) if name == "a{b}"), "{error:?}");
    let shown = format!("{:?}", open(RedisServer::shared()).await);
    assert!(shown.contains("127.0.0.1") && !shown.contains("redis://"), "{shown}");
}

#[tokio::test]
async fn a_cluster_is_refused() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    let error = refused(&server.url()).await;
    assert!(matches!(&error, OpenError::Cluster { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unresponsive_server_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let error = refused(&format!("redis://{}/", silent.local_addr().unwrap())).await;
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn stores_with_different_names_are_separate() {
    let server = RedisServer::shared();
    let [first, second] = [server.name(), server.name()];
    let first = RedisSessions::open_named(server.url(), &first).await.unwrap();
    let second = RedisSessions::open_named(server.url(), &second).await.unwrap();
    let row = session("alice");
    first.create(&row, NO_SESSIONS).await.unwrap();
    assert_eq!(second.find(row.id).await.unwrap(), None);
    assert!(second.list("alice", NOW).await.unwrap().is_empty());
}

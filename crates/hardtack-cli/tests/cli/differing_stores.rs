//! Servers of one site that have different session stores, or that learn at different times that their store has lost its
//! data.

use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;

use crate::settings_table::Settings;
use crate::support::{TestDir, is_logged, start};

/// Redis loses its data. Each server notices the new id at a different time.
#[tokio::test]
async fn k07_servers_whose_redis_has_lost_its_data_do_not_differ() {
    let redis = RedisServer::start();
    let dir = TestDir::new();
    let program = dir.serve(["--redis-url", &redis.url()]);
    let servers = [start(&program).await, start(&program).await];
    let settings = Settings::of(&dir).await;
    let before = settings.redis_id().await;
    redis.command("FLUSHALL");
    let agree = async || {
        let places = settings.rows("session_place_of_server:").await;
        places.len() == 2 && places.iter().all(|(_, place)| !place.contains(&before))
    };
    wait::until("the servers agree", agree).await;
    for server in servers {
        let log = server.stop().await.stderr;
        assert!(log.contains("sessions_lost") && !log.contains("session_places_differ"), "{log}");
    }
}

#[tokio::test]
async fn k07_servers_with_different_stores_log_an_error() {
    let (redis, other) = (RedisServer::start(), RedisServer::start());
    let dir = TestDir::new();
    let servers = [
        start(&dir.serve(["--redis-url", &redis.url()])).await,
        start(&dir.serve(["--redis-url", &other.url()])).await,
    ];
    for server in &servers {
        is_logged(server, "session_places_differ").await;
    }
}

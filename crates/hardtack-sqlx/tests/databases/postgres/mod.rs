//! Tests that need a PostgreSQL server.

mod listen;
mod opening;
mod order;
mod outage;
#[cfg(feature = "tls")]
mod tls;

use hardtack::testing::store_conformance;
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::postgres::shared;

async fn fresh() -> PostgresSessions {
    PostgresSessions::open(&shared().database()).await.unwrap()
}

#[tokio::test]
async fn sessions_on_postgres_conform() {
    store_conformance(fresh).await;
}

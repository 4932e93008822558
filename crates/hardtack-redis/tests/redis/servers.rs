//! Two authenticators on one Redis, like two servers behind a load balancer.

use std::collections::BTreeSet;

use hardtack::adapter::{Exchange, RequestState};
use hardtack::jwt::Algorithm;
use hardtack::testing::{TestClock, TestRequest};
use hardtack::{Authenticator, KeySet, RefreshMode, SetCookies, SigningKey};
use tokio::task::JoinSet;

use crate::{NOW, open_twice};

/// Returns the `Cookie` field of a browser that has these cookies.
fn cookie_field(cookies: &SetCookies) -> String {
    cookies.iter().filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

async fn refresh(auth: &Authenticator, cookies: &str) -> Result<Vec<String>, u16> {
    let request = TestRequest::new("GET", "/token/refresh").field("cookie", cookies);
    let request = request.field("sec-fetch-site", "same-origin");
    let memo = RequestState::without_layer(auth.clone());
    let refreshed = Exchange::new(request.head(), &memo).refresh().await;
    refreshed.map(|cookies| cookies.into_iter().collect()).map_err(|failure| failure.reply().status)
}

async fn servers(clock: &TestClock) -> [Authenticator; 2] {
    let key = SigningKey::generate(Algorithm::HS256).unwrap();
    open_twice().await.map(|store| {
        let builder = Authenticator::builder(KeySet::new(key.clone())).base_url("https://site.example");
        builder.refresh_mode(RefreshMode::Redirect).clock(clock.clone()).sessions(store).build().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s31_fifty_parallel_refreshes_through_two_engines_are_one_generation() {
    let clock = TestClock::start_at(NOW);
    let servers = servers(&clock).await;
    let mut cookies = cookie_field(&servers[0].log_in("alice").await.unwrap());
    for generation in 2..=4 {
        clock.advance(std::time::Duration::from_secs(1000));
        let mut tabs = JoinSet::new();
        for tab in 0..50 {
            let (auth, cookies) = (servers[tab % 2].clone(), cookies.clone());
            tabs.spawn(async move { refresh(&auth, &cookies).await.unwrap() });
        }
        let responses: BTreeSet<Vec<String>> = tabs.join_all().await.into_iter().collect();
        assert_eq!(responses.len(), 1, "byte for byte the same");
        let rows = servers[1].sessions("alice").await.unwrap();
        assert_eq!(rows.iter().map(|row| row.generation).collect::<Vec<_>>(), [generation]);
        let [first, ..] = &responses.into_iter().collect::<Vec<_>>()[..] else { unreachable!() };
        cookies = first.iter().filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ");
    }
}

#[tokio::test]
async fn s30_reuse_on_one_engine_ends_the_session_on_the_other() {
    let clock = TestClock::start_at(NOW);
    let servers = servers(&clock).await;
    let first = cookie_field(&servers[0].log_in("alice").await.unwrap());
    let mut cookies = first.clone();
    for server in &servers {
        let refreshed = refresh(server, &cookies).await.unwrap();
        cookies = refreshed.iter().filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ");
    }
    assert_eq!(refresh(&servers[0], &first).await, Err(401), "the token before the previous one");
    assert_eq!(refresh(&servers[1], &cookies).await, Err(401), "the newest token, on the other server");
    assert_eq!(servers[1].sync_revocations().await.unwrap(), 1);
    assert!(servers[1].sessions("alice").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_belongs_to_the_site_that_claims_it_first() {
    let [store, other] = open_twice().await;
    assert_eq!(store.owner().await.unwrap(), None);
    assert_eq!(store.claim("one").await.unwrap(), "one");
    assert_eq!(other.claim("two").await.unwrap(), "one");
    assert_eq!(other.owner().await.unwrap().as_deref(), Some("one"));
}

//! The layer starts the background work of an authenticator.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::{App, web};
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_actix::{AccessToken, AuthLayer};
use hardtack_test_support::Client;

use crate::site::{ORIGIN, serve};

async fn who(token: AccessToken) -> String {
    token.subject().to_owned()
}

/// A process on a store, as a README wires it.
struct Process {
    auth: Authenticator,
    address: SocketAddr,
}

impl Process {
    fn start(store: &FailingSessions, keys: &KeySet) -> Self {
        let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
        let auth = builder.build().unwrap();
        let served = auth.clone();
        let app = move || App::new().route("/who", web::get().to(who)).wrap(AuthLayer::new(served.clone()));
        Self { auth, address: serve!(app) }
    }

    /// The cookies of a new session.
    async fn log_in(&self, user: &str) -> Vec<String> {
        self.auth.log_in(user).await.unwrap().into_iter().collect()
    }

    async fn status(&self, cookies: &[String]) -> u16 {
        let mut client = Client::new(self.address).at_origin(ORIGIN);
        cookies.iter().for_each(|cookie| client.set_cookie_raw(cookie));
        client.get("/who").accept_json().send().await.status().as_u16()
    }
}

/// Waits until a condition is true, for at most five seconds.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn s69_e02_a_restart_does_not_undo_a_log_out() {
    let (store, keys) = (FailingSessions::durable(), KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()));
    let before = Process::start(&store, &keys);
    let (alice, bob) = (before.log_in("alice").await, before.log_in("bob").await);
    assert_eq!(before.status(&alice).await, 200);
    before.auth.revoke_all_sessions("alice").await.unwrap();
    assert_eq!(before.status(&alice).await, 401);

    store.fail();
    let cut_off = Process::start(&store, &keys);
    assert_eq!([cut_off.status(&alice).await, cut_off.status(&bob).await], [503, 503]);
    store.recover();
    let after = Process::start(&store, &keys);
    assert!(after.auth.needs_background_work());
    assert_eq!([after.status(&alice).await, after.status(&bob).await], [401, 200]);
    assert!(!after.auth.needs_background_work());
    // Once `after` follows the log, its requests look up no session in the store. The earlier processes handle no
    // requests, so they do not add to the count.
    let current = async || {
        let finds = store.finds();
        assert_eq!(after.status(&bob).await, 200);
        store.finds() == finds
    };
    eventually("it follows the log", current).await;
    before.auth.revoke_all_sessions("bob").await.unwrap();
    eventually("it learns of the log-out", async || after.status(&bob).await == 401).await;
}

#[tokio::test]
async fn e02_a_route_without_the_layer_follows_the_log_too() {
    let store = FailingSessions::durable();
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).base_url(ORIGIN).sessions(store.clone()).build().unwrap();
    let served = auth.clone();
    let app = move || App::new().route("/who", web::get().to(who)).app_data(web::Data::new(served.clone()));
    let process = Process { auth, address: serve!(app) };
    let alice = process.log_in("alice").await;
    assert_eq!(process.status(&alice).await, 200);
    assert!(!process.auth.needs_background_work());
    eventually("it reads the log", async || store.log_reads() > 0).await;
}

//! The layer starts the background work of an authenticator.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_axum::{AccessToken, AuthLayer};
use hardtack_test_support::wait;
use http::header;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

use crate::site::ORIGIN;

async fn who(token: AccessToken) -> String {
    token.subject().to_owned()
}

/// A process on a store, as a README wires it.
struct Process {
    auth: Authenticator,
    app: Router,
}

impl Process {
    fn start(store: &FailingSessions, keys: &KeySet) -> Self {
        Self::with(store, keys, |builder| builder)
    }

    fn with(
        store: &FailingSessions,
        keys: &KeySet,
        set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
    ) -> Self {
        let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
        let auth = set(builder).build().unwrap();
        let app = Router::new().route("/who", get(who)).layer(AuthLayer::new(auth.clone()));
        Self { auth, app }
    }

    async fn log_in(&self, user: &str) -> String {
        let cookies = self.auth.log_in(user).await.unwrap();
        let pairs: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
        pairs.join("; ")
    }

    async fn status(&self, cookies: &str) -> u16 {
        status(self.app.clone(), cookies).await
    }
}

async fn status(mut app: Router, cookies: &str) -> u16 {
    let request = Request::get("/who").header(header::COOKIE, cookies).header(header::ACCEPT, "application/json");
    let response: Response = app.call(request.body(Body::empty()).unwrap()).await.unwrap();
    response.status().as_u16()
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn s69_e02_a_restart_does_not_undo_a_log_out() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let before = Process::start(&store, &keys);
    let (alice, bob) = (before.log_in("alice").await, before.log_in("bob").await);
    assert_eq!(before.status(&alice).await, 200);
    before.auth.revoke_all_sessions("alice").await.unwrap();
    assert_eq!(before.status(&alice).await, 401);
    drop(before);

    store.fail();
    let cut_off = Process::start(&store, &keys);
    assert_eq!([cut_off.status(&alice).await, cut_off.status(&bob).await], [503, 503]);
    store.recover();
    let after = Process::start(&store, &keys);
    assert_eq!([after.status(&alice).await, after.status(&bob).await], [401, 200]);
    wait::until("it follows the log", async || {
        let finds = store.finds();
        assert_eq!(after.status(&bob).await, 200);
        store.finds() == finds
    })
    .await;
    // The process also learns what another process does.
    cut_off.auth.revoke_all_sessions("bob").await.unwrap();
    store.notify();
    wait::until("it learns of the log-out", async || after.status(&bob).await == 401).await;
}

#[test]
fn e02_the_log_is_followed_again_after_its_runtime_has_ended() {
    let store = FailingSessions::durable();
    let process = Process::start(&store, &keys());
    let cookies = runtime().block_on(process.log_in("alice"));
    for _ in 0..3 {
        store.reset_counts();
        runtime().block_on(async {
            assert!(process.auth.needs_background_work());
            assert_eq!(process.status(&cookies).await, 200);
            assert!(!process.auth.needs_background_work());
            wait::until("it reads the log", async || store.log_reads() > 0).await;
            assert_eq!(process.status(&cookies).await, 200);
            assert!(store.log_reads() <= 2, "{} reads by one follower", store.log_reads());
        });
    }
}

#[test]
fn e02_a_runtime_without_timers_asks_the_store() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let process = Process::start(&store, &keys);
    Builder::new_current_thread().build().unwrap().block_on(async {
        let cookies = process.log_in("alice").await;
        for _ in 0..3 {
            assert_eq!(process.status(&cookies).await, 200);
            tokio::task::yield_now().await;
        }
        Process::start(&store, &keys).auth.revoke_all_sessions("alice").await.unwrap();
        assert_eq!(process.status(&cookies).await, 401);
    });
}

#[tokio::test]
async fn e02_the_work_does_not_keep_its_authenticator() {
    let (store, kept) = (FailingSessions::durable(), Arc::new(()));
    let witness = Arc::downgrade(&kept);
    let process = Process::with(&store, &keys(), |builder| {
        builder.on_event(move |_| {
            let _kept = &kept;
        })
    });
    let cookies = process.log_in("alice").await;
    assert_eq!(process.status(&cookies).await, 200);
    wait::until("it reads the log", async || store.log_reads() > 0).await;
    drop(process);
    wait::until("the authenticator is dropped", async || witness.upgrade().is_none()).await;
    store.reset_counts();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(store.log_reads(), 0);
}

#[tokio::test]
async fn e02_a_route_without_the_layer_follows_the_log_too() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let process = Process::start(&store, &keys);
    let cookies = process.log_in("alice").await;
    let bare = Router::new().route("/who", get(who)).layer(Extension(process.auth.clone()));
    assert_eq!(status(bare, &cookies).await, 200);
    assert!(!process.auth.needs_background_work());
    wait::until("it reads the log", async || store.log_reads() > 0).await;
}

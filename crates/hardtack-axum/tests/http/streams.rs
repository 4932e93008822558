//! The example `streams`: an event stream and a WebSocket that end with the session.

use std::time::Duration;

use axum::Router;
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_axum::AuthLayer;
use hardtack_axum::prelude::*;
use hardtack_test_support::streams::{self, Open, Server};
use hardtack_test_support::wait;
use http::header;

use crate::site::{ORIGIN, serve};
use crate::streams_example::app;

/// Starts a server with the clock of the system.
async fn start(
    store: &FailingSessions,
    keys: &KeySet,
    set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
) -> Server {
    let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
    let auth = set(builder).build().unwrap();
    let address = serve(app(auth.clone())).await;
    Server { auth, address }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())
}

#[tokio::test]
async fn e07_an_event_stream_and_a_socket_end_within_a_second_of_the_log_out() {
    let server = start(&FailingSessions::new(), &keys(), |builder| builder).await;
    streams::end_within_a_second_of_the_log_out(&server).await;
}

#[tokio::test]
async fn e07_a_log_out_at_one_server_ends_the_streams_of_another() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let here = start(&store, &keys, |builder| builder).await;
    let there = start(&store, &keys, |builder| builder).await;
    streams::end_when_another_server_logs_out(&here, &there, &store).await;
}

#[tokio::test]
async fn e07_an_event_stream_ends_when_its_token_expires_and_a_socket_does_not() {
    let lifetime = Duration::from_secs(2);
    let server = start(&FailingSessions::new(), &keys(), |builder| builder.access_lifetime(lifetime)).await;
    streams::event_stream_ends_when_its_token_expires(&server).await;
}

/// A client that does not read fills the buffers, and `send` waits. The socket is closed nevertheless.
#[tokio::test]
async fn e07_a_socket_ends_although_its_client_does_not_read() {
    use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};

    async fn flood(socket: &mut WebSocket) {
        while socket.send(Message::Binary(vec![0; 1 << 20].into())).await.is_ok() {}
    }

    let (done, mut is_done) = tokio::sync::mpsc::channel(1);
    let app = |auth| {
        let handler = async move |token: AccessToken, auth: Auth, upgrade: WebSocketUpgrade| {
            let (ended, done) = (auth.ended_session(&token), done.clone());
            upgrade.on_upgrade(async move |mut socket| {
                tokio::select! {
                    () = ended => {}
                    () = flood(&mut socket) => {}
                }
                done.send(()).await.unwrap();
            })
        };
        Router::new().route("/socket", axum::routing::get(handler)).layer(AuthLayer::new(auth))
    };
    let auth = Authenticator::builder(keys()).base_url(ORIGIN).sessions(MemorySessions::new()).build().unwrap();
    let server = Server { address: serve(app(auth.clone())).await, auth };
    let alice = server.log_in("alice").await;
    let fields = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://site.example\r\n";
    let mut open = Open::send(server.address, "/socket", &alice, fields).await;
    open.read_until("HTTP/1.1 101").await;
    assert!(is_done.try_recv().is_err());
    server.auth.revoke_all_sessions("alice").await.unwrap();
    wait::within_reason("the socket is closed", is_done.recv()).await.unwrap();
}

#[tokio::test]
async fn e07_the_future_outlives_the_handler() {
    fn outlives<T: Send + 'static>(value: T) -> T {
        value
    }

    let app = |auth| {
        let handler = async move |token: AccessToken, auth: Auth| {
            tokio::spawn(outlives(auth.ended(&token)));
            let ended: hardtack_axum::future::Ended = outlives(auth.ended_session(&token));
            format!("{ended:?}")
        };
        Router::new().route("/page", axum::routing::get(handler)).layer(AuthLayer::new(auth))
    };
    let site = crate::site::Site::bare(|builder| builder, app).await;
    let mut alice = site.visitor();
    site.auth.log_in("alice").await.unwrap().iter().for_each(|cookie| alice.set_cookie_raw(cookie));
    let response = alice.get("/page").header(header::ACCEPT.as_str(), "application/json").send().await;
    assert_eq!((response.status().as_u16(), response.text()), (200, "Ended { .. }"));
}

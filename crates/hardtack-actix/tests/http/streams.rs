//! The example `streams`: an event stream and a WebSocket that end with the session.

use std::time::Duration;

use actix_web::App;
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_actix::AuthLayer;
use hardtack_test_support::streams::{self, Server};

use crate::site::{ORIGIN, serve};
use crate::streams_example::routes;

/// Starts a server with the clock of the system.
fn start(
    store: &FailingSessions,
    keys: &KeySet,
    set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
) -> Server {
    let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
    let auth = set(builder).build().unwrap();
    let served = auth.clone();
    let address = serve!(move || App::new().configure(routes).wrap(AuthLayer::new(served.clone())));
    Server { auth, address }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())
}

#[tokio::test]
async fn e07_an_event_stream_and_a_socket_end_within_a_second_of_the_log_out() {
    let server = start(&FailingSessions::new(), &keys(), |builder| builder);
    streams::end_within_a_second_of_the_log_out(&server).await;
}

#[tokio::test]
async fn e07_a_log_out_at_one_server_ends_the_streams_of_another() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let here = start(&store, &keys, |builder| builder);
    let there = start(&store, &keys, |builder| builder);
    streams::end_when_another_server_logs_out(&here, &there, &store).await;
}

#[tokio::test]
async fn e07_an_event_stream_ends_when_its_token_expires_and_a_socket_does_not() {
    let lifetime = Duration::from_secs(2);
    let server = start(&FailingSessions::new(), &keys(), |builder| builder.access_lifetime(lifetime));
    streams::event_stream_ends_when_its_token_expires(&server).await;
}

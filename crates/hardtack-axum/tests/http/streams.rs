//! The example `streams`: an event stream and a WebSocket that end with the session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_axum::AuthLayer;
use hardtack_axum::prelude::*;
use http::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ORIGIN, serve};
use crate::streams_example::app;

/// A server with a clock of the system, and its authenticator.
struct Server {
    auth: Authenticator,
    address: SocketAddr,
}

impl Server {
    async fn start(
        store: &FailingSessions,
        keys: &KeySet,
        set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
    ) -> Self {
        let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
        let auth = set(builder).build().unwrap();
        let address = serve(app(auth.clone())).await;
        Self { auth, address }
    }

    async fn log_in(&self, user: &str) -> String {
        let cookies = self.auth.log_in(user).await.unwrap();
        let pairs: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
        pairs.join("; ")
    }

    /// Opens an event stream, and waits for its first message.
    async fn events(&self, cookies: &str) -> Open {
        let mut open = Open::send(self.address, "/events", cookies, "").await;
        open.read_until("data: Message 0").await;
        open
    }

    /// Opens a WebSocket, and waits for its first message.
    async fn socket(&self, cookies: &str) -> Open {
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://site.example\r\n";
        let mut open = Open::send(self.address, "/socket", cookies, fields).await;
        open.read_until("Message 0").await;
        open
    }
}

/// The last chunk of a response (RFC 9112 section 7.1).
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The beginning of a close frame with the code 1008 (RFC 6455 section 5.5.1). It is preceded by its length.
const CLOSE_POLICY: &[u8] = &[0x03, 0xf0, b'Y', b'o', b'u', b'r'];

/// A response that stays open.
struct Open {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Open {
    async fn send(address: SocketAddr, path: &str, cookies: &str, fields: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: site.example\r\nCookie: {cookies}\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, seen: Vec::new() }
    }

    async fn read_until(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let read = async {
            while !self.seen.windows(text.len()).any(|part| part == text) {
                let read = self.stream.read_buf(&mut self.seen).await.unwrap();
                assert_ne!(read, 0, "the connection ended: {}", String::from_utf8_lossy(&self.seen));
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), read).await.is_err() {
            panic!("{} is missing: {}", String::from_utf8_lossy(text), String::from_utf8_lossy(&self.seen));
        }
    }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())
}

#[tokio::test]
async fn e07_an_event_stream_and_a_socket_end_within_a_second_of_the_log_out() {
    let server = Server::start(&FailingSessions::new(), &keys(), |builder| builder).await;
    let (alice, bob) = (server.log_in("alice").await, server.log_in("bob").await);
    let mut of_alice = [server.events(&alice).await, server.socket(&alice).await];
    let mut of_bob = [server.events(&bob).await, server.socket(&bob).await];
    let begun = Instant::now();
    assert_eq!(server.auth.revoke_all_sessions("alice").await.unwrap(), 1);
    of_alice[0].read_until(LAST_CHUNK).await;
    of_alice[1].read_until(CLOSE_POLICY).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for open in &mut of_bob {
        open.read_until("Message 1").await;
    }
    let mut again = Open::send(server.address, "/events", &alice, "").await;
    again.read_until("HTTP/1.1 401").await;
}

#[tokio::test]
async fn e07_a_log_out_at_one_server_ends_the_streams_of_another() {
    let (store, keys) = (FailingSessions::durable(), keys());
    let here = Server::start(&store, &keys, |builder| builder).await;
    let there = Server::start(&store, &keys, |builder| builder).await;
    let alice = here.log_in("alice").await;
    let mut streams = [there.events(&alice).await, there.socket(&alice).await];
    let begun = Instant::now();
    here.auth.revoke_all_sessions("alice").await.unwrap();
    store.notify();
    streams[0].read_until(LAST_CHUNK).await;
    streams[1].read_until(CLOSE_POLICY).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn e07_an_event_stream_ends_when_its_token_expires_and_a_socket_does_not() {
    let lifetime = Duration::from_secs(2);
    let server = Server::start(&FailingSessions::new(), &keys(), |builder| builder.access_lifetime(lifetime)).await;
    let alice = server.log_in("alice").await;
    let (mut events, mut socket) = (server.events(&alice).await, server.socket(&alice).await);
    events.read_until(LAST_CHUNK).await;
    socket.read_until("Message 4").await;
    // When the browser connects again, the request refreshes the tokens.
    let mut again = server.events(&alice).await;
    again.read_until("set-cookie: __Host-Http-refresh_token_cookie=").await;
    again.read_until(LAST_CHUNK).await;
    server.auth.revoke_all_sessions("alice").await.unwrap();
    socket.read_until(CLOSE_POLICY).await;
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
    tokio::time::timeout(Duration::from_secs(5), is_done.recv()).await.unwrap().unwrap();
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

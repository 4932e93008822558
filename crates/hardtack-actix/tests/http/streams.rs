//! The example `streams`: an event stream and a WebSocket that end with the session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::App;
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_actix::AuthLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ORIGIN, serve};
use crate::streams_example::routes;

/// A server with a clock of the system, and its authenticator.
struct Server {
    auth: Authenticator,
    address: SocketAddr,
}

impl Server {
    fn start(
        store: &FailingSessions,
        keys: &KeySet,
        set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
    ) -> Self {
        let builder = Authenticator::builder(keys.clone()).base_url(ORIGIN).sessions(store.clone());
        let auth = set(builder).build().unwrap();
        let served = auth.clone();
        let address = serve!(move || App::new().configure(routes).wrap(AuthLayer::new(served.clone())));
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
    let server = Server::start(&FailingSessions::new(), &keys(), |builder| builder);
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
    let here = Server::start(&store, &keys, |builder| builder);
    let there = Server::start(&store, &keys, |builder| builder);
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
    let server = Server::start(&FailingSessions::new(), &keys(), |builder| builder.access_lifetime(lifetime));
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

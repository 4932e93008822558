//! Tests that visit the example `streams`: an event stream and a WebSocket that end with the session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hardtack::Authenticator;
use hardtack::testing::FailingSessions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait;

/// A server that uses the system clock, and its authenticator. The base URL is `https://site.example`.
#[derive(Debug)]
pub struct Server {
    /// The authenticator.
    pub auth: Authenticator,
    /// The address on which the server listens.
    pub address: SocketAddr,
}

impl Server {
    /// Logs a user in, and returns the value of the `Cookie` field.
    pub async fn log_in(&self, user: &str) -> String {
        let cookies = self.auth.log_in(user).await.unwrap();
        let pairs: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
        pairs.join("; ")
    }

    /// Opens an event stream, and waits for its first message.
    pub async fn events(&self, cookies: &str) -> Open {
        let mut open = Open::send(self.address, "/events", cookies, "").await;
        open.read_until("data: Message 0").await;
        open
    }

    /// Opens a WebSocket, and waits for its first message.
    pub async fn socket(&self, cookies: &str) -> Open {
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://site.example\r\n";
        let mut open = Open::send(self.address, "/socket", cookies, fields).await;
        open.read_until("Message 0").await;
        open
    }
}

/// The last chunk of a response (RFC 9112 section 7.1).
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The beginning of the payload of a close frame with the code 1008 (RFC 6455 section 5.5.1).
const CLOSE_POLICY: &[u8] = &[0x03, 0xf0, b'Y', b'o', b'u', b'r'];

/// A response that stays open.
#[derive(Debug)]
pub struct Open {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Open {
    /// Sends a GET request with additional header fields, each ended by CRLF.
    pub async fn send(address: SocketAddr, path: &str, cookies: &str, fields: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: site.example\r\nCookie: {cookies}\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, seen: Vec::new() }
    }

    /// Reads until the response contains `text`.
    pub async fn read_until(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let read = async {
            while !self.seen.windows(text.len()).any(|part| part == text) {
                let read = self.stream.read_buf(&mut self.seen).await.unwrap();
                assert_ne!(read, 0, "the connection ended: {}", String::from_utf8_lossy(&self.seen));
            }
        };
        if tokio::time::timeout(wait::LONGEST_WAIT, read).await.is_err() {
            panic!("{} is missing: {}", String::from_utf8_lossy(text), String::from_utf8_lossy(&self.seen));
        }
    }
}

/// Both streams of a user end within a second of the log-out, and the streams of another user continue.
pub async fn end_within_a_second_of_the_log_out(server: &Server) {
    let bob = server.log_in("bob").await;
    let mut of_bob = [server.events(&bob).await, server.socket(&bob).await];
    wait::once_within(Duration::from_secs(1), "both end", async || {
        let alice = server.log_in("alice").await;
        let mut of_alice = [server.events(&alice).await, server.socket(&alice).await];
        let begun = Instant::now();
        assert_eq!(server.auth.revoke_all_sessions("alice").await.unwrap(), 1);
        of_alice[0].read_until(LAST_CHUNK).await;
        of_alice[1].read_until(CLOSE_POLICY).await;
        let took = begun.elapsed();
        let mut again = Open::send(server.address, "/events", &alice, "").await;
        again.read_until("HTTP/1.1 401").await;
        took
    })
    .await;
    for open in &mut of_bob {
        open.read_until("Message 1").await;
    }
}

/// Both streams at `there` end if the user is logged out at `here`. The servers share `store`.
pub async fn end_when_another_server_logs_out(here: &Server, there: &Server, store: &FailingSessions) {
    let alice = here.log_in("alice").await;
    let mut streams = [there.events(&alice).await, there.socket(&alice).await];
    here.auth.revoke_all_sessions("alice").await.unwrap();
    store.notify();
    streams[0].read_until(LAST_CHUNK).await;
    streams[1].read_until(CLOSE_POLICY).await;
}

/// The event stream ends when its token expires, and the WebSocket when the session ends. The access tokens of `server`
/// must live for two seconds.
pub async fn event_stream_ends_when_its_token_expires(server: &Server) {
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

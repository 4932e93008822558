//! `hardtack_axum::serve` over a socket.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_axum::{AuthLayer, ClientAddress};
use hardtack_test_support::http2::SilentClient;
use hardtack_test_support::{Client, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a test waits for something that normally takes milliseconds.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    /// Notified when a request to `/slow` or `/endless` has reached its handler.
    arrived: Arc<Notify>,
    /// Lets the handler of `/slow` respond.
    go_on: Arc<Notify>,
    ended: JoinHandle<std::io::Result<()>>,
}

async fn run(grace_period: Duration) -> Running {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at_slow, slow, at_endless) = (arrived.clone(), go_on.clone(), arrived.clone());
    let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())).build().unwrap();
    let app = Router::new()
        .route("/address", get(async |client: ClientAddress| client.to_string()))
        .route(
            "/slow",
            get(async move || {
                at_slow.notify_one();
                slow.notified().await;
                "done"
            }),
        )
        .route(
            "/endless",
            get(async move || {
                at_endless.notify_one();
                pending::<&'static str>().await
            }),
        )
        .layer(AuthLayer::new(auth));
    let (listener, address) = server::bind().await;
    let (stop, stopped) = oneshot::channel();
    let server = hardtack_axum::serve(listener, app).grace_period(grace_period).stop_when(async {
        let _ = stopped.await;
    });
    let ended = tokio::spawn(server.into_future());
    Running { address, stop, arrived, go_on, ended }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LONGEST_WAIT, future).await.unwrap()
}

#[tokio::test]
async fn handlers_know_the_clients_address() {
    let server = run(LONGEST_WAIT).await;
    let response = Client::new(server.address).get("/address").send().await;
    assert_eq!((response.status().as_u16(), response.text()), (200, "127.0.0.1"));
}

#[tokio::test]
async fn a_stopping_server_completes_requests_in_flight_and_accepts_no_others() {
    let server = run(LONGEST_WAIT).await;
    let mut client = Client::new(server.address);
    let in_flight = tokio::spawn(async move { client.get("/slow").send().await.text().to_owned() });
    within(server.arrived.notified()).await;
    server.stop.send(()).unwrap();
    within(async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(!server.ended.is_finished(), "a request is in flight");
    server.go_on.notify_one();
    assert_eq!(within(in_flight).await.unwrap(), "done");
    within(server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopping_server_waits_only_for_the_grace_period() {
    let server = run(Duration::from_millis(50)).await;
    let address = server.address;
    let in_flight = tokio::spawn(async move { Client::new(address).get("/endless").send().await.status() });
    within(server.arrived.notified()).await;
    server.stop.send(()).unwrap();
    within(server.ended).await.unwrap().unwrap();
    in_flight.abort();
}

/// When the server stops, it ends connections that are waiting for the rest of a request's head, both the first head
/// and a later one.
#[tokio::test]
async fn a_half_sent_head_does_not_delay_a_stop() {
    let server = run(LONGEST_WAIT).await;
    let mut connections = Vec::new();
    for sent in ["", "G", "GET /address HTTP/1.1\r\nHost: localhost\r\n"] {
        connections.push(RawConnection::open(server.address).await.sending(sent).await);
    }
    let whole = "GET /address HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for sent in ["", "GET /address HTTP/1.1\r\nHo"] {
        let mut connection = RawConnection::open(server.address).await.sending(whole).await;
        within(connection.read_until("127.0.0.1")).await;
        connections.push(connection.sending(sent).await);
    }
    // A request on another connection shows that the server has accepted the connections.
    let response = Client::new(server.address).get("/address").send().await;
    assert_eq!(response.status().as_u16(), 200);
    server.stop.send(()).unwrap();
    within(server.ended).await.unwrap().unwrap();
    for mut connection in connections {
        within(connection.expect_end()).await;
    }
}

/// One HTTP/2 client has received its response, and does not acknowledge that the server stops. Another client leaves no
/// room for its response.
#[tokio::test]
async fn silent_http_2_clients_do_not_delay_a_stop() {
    let server = run(LONGEST_WAIT * 10).await;
    let address = server.address;
    let clients = tokio::task::spawn_blocking(move || {
        let mut idle = SilentClient::get(address, "/address", 65_535);
        idle.read_response();
        let mut stalled = SilentClient::get(address, "/address", 0);
        stalled.read_head();
        [idle, stalled]
    });
    let clients = within(clients).await.unwrap();
    server.stop.send(()).unwrap();
    within(server.ended).await.unwrap().unwrap();
    drop(clients);
}

/// A connection over which a test sends bytes that are not a complete request.
struct RawConnection(TcpStream);

impl RawConnection {
    async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn sending(mut self, text: &str) -> Self {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self
    }

    async fn read_until(&mut self, end: &str) {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            read.push(self.0.read_u8().await.unwrap());
        }
    }

    /// Waits until the server has closed the connection.
    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "no complete request was sent");
    }
}

//! The limits of the server: slow and many clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hardtack_test_support::process::Process;
use hardtack_test_support::wait::{LONGEST_WAIT, once_within};
use http_body::{Body, Frame};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::support::{PASSWORD, TestDir, is_logged_in, start};

pub(crate) fn connect(server: &Process) -> TcpStream {
    let address: SocketAddr = server.base_url().trim_start_matches("http://").parse().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
    stream
}

/// What the server sends until it closes the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    String::from_utf8_lossy(&response).into_owned()
}

/// A form that is never completed.
fn unfinished(server: &Process, path: &str) -> TcpStream {
    let mut stream = connect(server);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: csrf_pre_session=1\r\nContent-Length: 9000\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\na=b"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// The resident memory of a server, in bytes.
pub(crate) fn memory(server: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Asks for the health of the server on a new connection, and returns how long that took.
pub(crate) fn health_time(server: &Process) -> Duration {
    let start = Instant::now();
    let response = health(server);
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    start.elapsed()
}

/// Returns whether the server responds to a health probe on a new connection.
pub(crate) fn is_healthy(server: &Process) -> bool {
    health(server).starts_with("HTTP/1.1 200 ")
}

/// Returns the response to a health probe on a new connection. It is empty if the server closes the connection at once.
fn health(server: &Process) -> String {
    let mut stream = connect(server);
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    rest(&mut stream)
}

/// Asserts that the health of the server takes less than a second.
async fn assert_healthy(server: &Process, what: &str) {
    once_within(Duration::from_secs(1), format!("/healthz {what}"), async || {
        let taken = health_time(server);
        println!("/healthz {what}: {taken:?}");
        taken
    })
    .await;
}

#[tokio::test]
async fn l1_a_body_that_does_not_arrive_gets_408() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--body-timeout", "1s"])).await;
    for mut stream in [unfinished(&server, "/login"), unfinished(&server, "/signup")] {
        let response = rest(&mut stream);
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        assert!(response.contains("connection: close") && response.contains("body_too_slow"), "{response}");
    }
}

#[tokio::test]
async fn l1_a_connection_beyond_the_limit_gets_503() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--max-connections", "2"])).await;
    let held = [unfinished(&server, "/login"), unfinished(&server, "/login")];
    // The server accepts connections in order.
    let mut refused = connect(&server);
    refused.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let response = rest(&mut refused);
    assert!(response.starts_with("HTTP/1.1 503 ") && response.contains("retry-after: 5"), "{response}");
    assert!(response.contains("too_many_connections"), "{response}");
    assert_healthy(&server, "beyond the limit").await;
    drop(held);
    let log = server.stderr();
    assert_eq!(log.matches("connections_refused").count(), 1, "{log}");
    assert!(
        log.contains("the server already has 2 connections; if this is not an attack, raise max_connections"),
        "{log}"
    );
}

#[tokio::test]
async fn l1_a_long_head_gets_431() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let many = "X: y\r\n".repeat(101);
    let long = format!("Cookie: {}\r\n", "x".repeat(40_000));
    for fields in [many, long] {
        let mut stream = connect(&server);
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").as_bytes()).unwrap();
        let response = rest(&mut stream);
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    }
}

#[tokio::test]
async fn s72_1100_unfinished_bodies_do_not_stop_the_server() {
    let dir = TestDir::new();
    let server = dir.start().await;
    assert_healthy(&server, "before").await;
    let idle = memory(&server);
    let mut held = Vec::new();
    for number in 0..1100 {
        held.push(unfinished(&server, "/login"));
        if number % 100 == 99 {
            assert_healthy(&server, &format!("with {number} unfinished bodies")).await;
        }
    }
    let grown = memory(&server).saturating_sub(idle);
    println!("1,100 unfinished bodies: {} KiB, {} KiB more than idle", (idle + grown) / 1024, grown / 1024);
    assert!(grown < 64 * 1024 * 1024, "{} KiB", grown / 1024);
}

/// A body of 64 KiB that does not end.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s72_http_2_streams_of_unread_forms_take_little_memory() {
    let dir = TestDir::new();
    let server = dir.start().await;
    assert_healthy(&server, "before").await;
    let (idle, data) = (memory(&server), Bytes::from(vec![b'a'; 64 * 1024]));
    let (mut streams, mut most) = (tokio::task::JoinSet::new(), 0);
    for _connection in 0..8 {
        let pool = Pool::builder(TokioExecutor::new()).http2_only(true).build_http::<Endless>();
        for _stream in 0..190 {
            let request = http::Request::post(format!("{}/nowhere", server.base_url()))
                .header("cookie", "a=1")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Endless(Some(data.clone())))
                .unwrap();
            streams.spawn(pool.request(request));
        }
    }
    for round in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_healthy(&server, &format!("round {round}")).await;
        let grown = memory(&server).saturating_sub(idle);
        most = most.max(grown);
        assert!(grown < 64 * 1024 * 1024, "round {round}: {} KiB", grown / 1024);
    }
    println!("8 × 190 streams: {} KiB, {} KiB more than idle", (idle + most) / 1024, most / 1024);
}

#[tokio::test]
async fn s65_forwarded_fields_count_only_from_a_trusted_proxy() {
    let forged = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9;proto=http;host=evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ];
    for (flags, address) in [(&[][..], "127.0.0.1"), (&["--trusted-proxies", "127.0.0.1,::1"], "203.0.113.9")] {
        let dir = TestDir::new();
        let server = start(&dir.serve(flags.iter().copied())).await;
        let mut ada = server.client();
        let typed = json!({ "username": "ada", "password": PASSWORD });
        let mut request = ada.post("/signup").accept_json().json(&typed);
        for (name, value) in forged {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.status(), 200, "{flags:?}");
        assert!(is_logged_in(&mut ada).await);
        let devices = ada.get("/account/sessions").accept_json().send().await;
        let devices = devices.text();
        assert!(devices.contains(&format!("\"{address}\"")), "{flags:?}: {devices}");
        // The base URL, not `X-Forwarded-*`, determines the cookies' names and the links. It is plain http, so the
        // names have no prefix.
        assert!(ada.cookie("access_token_cookie").is_some(), "{flags:?}");
        let page = ada.get("/login").accept_html().send().await;
        assert!(!page.text().contains("evil.example"), "{flags:?}");
        let (log, trusts) = (server.stderr(), !flags.is_empty());
        assert_eq!(log.matches("proxy_not_trusted").count(), usize::from(!trusts), "{log}");
        assert_eq!(log.matches("base_url_differs").count(), usize::from(trusts), "{log}");
        assert_eq!(log.matches("forwarded_header_ignored").count(), usize::from(trusts), "{log}");
    }
}

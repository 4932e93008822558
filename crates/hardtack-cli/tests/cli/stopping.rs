//! Graceful stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;
use hardtack_test_support::http2::SilentClient;
use hardtack_test_support::services::postgres;
use hardtack_test_support::wait;

use crate::mail::cause_mail;
use crate::support::{PASSWORD, TestDir, log_in, set_mode, start};

#[tokio::test]
async fn sigterm_stops_the_server() {
    let dir = TestDir::new();
    let server = dir.start().await;
    // Leaves an idle connection behind.
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("stopped"), "{}", finished.stderr);
}

#[tokio::test]
async fn ctrl_c_stops_the_server() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let id = server.id().to_string();
    assert!(Command::new("sh").args(["-c", "kill -s INT \"$1\"", "sh", &id]).status().unwrap().success());
    wait::until("the server stops", async || server.stderr().contains("stopped")).await;
}

/// The server does not wait for clients that have not sent the complete head of a request. Without such clients, it
/// stops within milliseconds. If it waited for them, it would stop only at the end of the grace period, and log
/// `requests_cut_off`.
#[tokio::test]
async fn a_half_sent_head_does_not_delay_a_stop() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let address = server.base_url().trim_start_matches("http://").to_owned();
    let open = |sent: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    let part = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n");
    let mut connections = vec![open(""), open("G"), open(&part)];
    for sent in ["", "GET /healthz HT"] {
        let mut stream = open(&format!("{part}\r\n"));
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        stream.write_all(sent.as_bytes()).unwrap();
        connections.push(stream);
    }
    // A request on another connection shows that the server has accepted the connections.
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(!finished.stderr.contains("requests_cut_off"), "{}", finished.stderr);
    for mut stream in connections {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "no complete request was sent");
    }
}

/// One HTTP/2 client has received its response, and does not acknowledge that the server stops. Another client leaves no
/// room for its response.
#[tokio::test]
async fn silent_http_2_clients_do_not_delay_a_stop() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let address = server.base_url().trim_start_matches("http://").parse().unwrap();
    let mut idle = SilentClient::get(address, "/healthz", 65_535);
    idle.read_response();
    let mut stalled = SilentClient::get(address, "/login", 0);
    stalled.read_head();
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(!finished.stderr.contains("requests_cut_off"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_request_in_flight_gets_its_response() {
    const BODY: &str = r#"{"username":"unknown","password":"wrong-password"}"#;
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut stream = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        stream.peer_addr().unwrap(),
        BODY.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&BODY.as_bytes()[..10]).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let rest = std::thread::spawn(move || {
        // Longer than connections without a request in progress stay open.
        std::thread::sleep(Duration::from_millis(2500));
        stream.write_all(&BODY.as_bytes()[10..]).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    });
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    let response = rest.join().unwrap();
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    assert!(response.ends_with('}'), "{response}");
}

/// The server used to close the database while the task that sends emails was still running. The log then said that
/// the database had failed.
#[tokio::test]
async fn a_mail_program_that_hangs_does_not_make_the_database_look_broken_at_a_stop() {
    let (dir, url) = (TestDir::new(), postgres::shared().database());
    dir.write("mailer", "#!/bin/sh\ncat > /dev/null; echo > started; sleep 777\n");
    set_mode(dir.path("mailer"), 0o700);
    let args = ["--database-url", &url, "--mail-from", "a@b.example", "--mail-command", "./mailer"];
    let server = start(&dir.serve(args)).await;
    cause_mail(&server).await;
    wait::until("the mail program runs", async || dir.path("started").exists()).await;
    // Two batches of activity cannot be written until the lock times out, so closing the database takes a while.
    let database = Pool::from(Database::open(&url).await.unwrap());
    let mut lock = database.begin().await.unwrap();
    lock.execute(Statement::new("LOCK TABLE activity IN EXCLUSIVE MODE")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
    }
    let id = server.id().to_string();
    assert!(Command::new("sh").args(["-c", "kill -s TERM \"$1\"", "sh", &id]).status().unwrap().success());
    wait::until("the server stops, or says that the database failed", async || {
        ["event=\"stopped\"", "mail_delayed"].iter().any(|event| server.stderr().contains(event))
    })
    .await;
    drop(lock);
    let log = server.stderr();
    let (_, since) = log.split_once("work_left").unwrap();
    assert!(!since.contains("mail_delayed") && !since.contains("closed pool"), "{log}");
}

//! The end of a server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::Place;

#[tokio::test]
async fn sigterm_ends_it_well() {
    let place = Place::new();
    let server = place.start().await;
    // Kept alive, and idle.
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    let asked = Instant::now();
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn ctrl_c_ends_it_well() {
    let place = Place::new();
    let server = place.start().await;
    let id = server.id().to_string();
    assert!(Command::new("sh").args(["-c", "kill -s INT \"$1\"", "sh", &id]).status().unwrap().success());
    while !server.stderr().contains("stopped") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered() {
    const BODY: &str = r#"{"username":"nobody","password":"wrong-password"}"#;
    let place = Place::new();
    let server = place.start().await;
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
        std::thread::sleep(Duration::from_millis(700));
        stream.write_all(&BODY.as_bytes()[10..]).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let finished = server.stop().await;
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    let answer = rest.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

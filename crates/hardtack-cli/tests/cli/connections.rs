//! Connections and HTTP framing, below the routes of the site.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hardtack_test_support::process::Process;

use crate::support::TestDir;

fn exchange(server: &Process, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut response = Vec::new();
    // Ends when the server closes the connection, or at the timeout.
    let _ = stream.read_to_end(&mut response);
    response
}

#[tokio::test]
async fn ambiguous_lengths_are_refused() {
    let dir = TestDir::new();
    let server = dir.start().await;
    for framing in [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +4\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
    ] {
        let request =
            format!("POST /login HTTP/1.1\r\nHost: x\r\n{framing}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
        let response = String::from_utf8_lossy(&exchange(&server, request.as_bytes())).into_owned();
        assert!(response.starts_with("HTTP/1.1 400 "), "{framing:?}: {response}");
        assert_eq!(response.matches("HTTP/1.1").count(), 1, "{framing:?}: {response}");
    }
    // RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length, and the connection is closed.
    let both = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
                GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let response = String::from_utf8_lossy(&exchange(&server, both.as_bytes())).into_owned();
    assert!(response.matches("HTTP/1.1").count() <= 1, "{response}");
}

#[tokio::test]
async fn http_2_works_without_tls() {
    let dir = TestDir::new();
    let server = dir.start().await;
    // RFC 9113 section 3.4: the preface and an empty SETTINGS frame.
    let response = exchange(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0");
    assert_eq!(response.get(3), Some(&4), "expected a SETTINGS frame: {response:?}");
}

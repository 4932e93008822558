//! Connections and HTTP framing, below the routes of the site.

use std::io::{Read, Write};
use std::time::Duration;

use hardtack_test_support::Client;
use hardtack_test_support::process::Process;
use serde_json::json;

use crate::limits::connect;
use crate::support::{TestDir, is_logged_in, refusal, sign_up, start};

/// Sends bytes on a new connection, and returns the response of the server. The response is complete when the server
/// closes the connection. It also counts as complete if the server has begun to respond, and then sends nothing for
/// five seconds.
pub(crate) fn exchange(server: &Process, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    let mut response = vec![0; 1];
    let read = stream.read(&mut response).unwrap_or(0);
    response.truncate(read);
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    // This call returns when the server closes the connection or the timeout is reached.
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

/// The status of a GET with these `Host` fields.
fn status(server: &Process, line: &str, hosts: &[&str]) -> u16 {
    let fields: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
    let response = exchange(server, format!("{line}\r\n{fields}Connection: close\r\n\r\n").as_bytes());
    let response = String::from_utf8_lossy(&response).into_owned();
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{hosts:?}: {response}"))
}

#[tokio::test]
async fn s81_a_request_names_one_host_and_it_is_this_site() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--base-url", "https://site.example"])).await;
    let own = server.base_url().trim_start_matches("http://").to_owned();
    let port = own.rsplit(':').next().unwrap().to_owned();
    for path in ["/", "/login", "/assets/hardtack.css"] {
        let get = |hosts: &[&str]| status(&server, &format!("GET {path} HTTP/1.1"), hosts);
        for ours in ["site.example", "Site.Example:443", &own, &format!("localhost:{port}"), &format!("[::1]:{port}")] {
            assert_eq!(get(&[ours]), 200, "{path} {ours}");
        }
        for other in ["evil.example", &format!("evil.example:{port}"), "www.site.example", "192.0.2.1"] {
            assert_eq!(get(&[other]), 421, "{path} {other}");
        }
        for bad in [&[][..], &["site.example", "site.example"], &["a b/@c"], &["user@site.example"], &[""]] {
            assert_eq!(get(bad), 400, "{path} {bad:?}");
        }
    }
    // Probes may use any host name. Over HTTP/1.1, they must send one; over HTTP/1.0, they need not.
    assert_eq!(status(&server, "GET /healthz HTTP/1.1", &["app:8080"]), 200);
    assert_eq!(status(&server, "GET /healthz HTTP/1.1", &[]), 400);
    assert_eq!(status(&server, "GET /healthz HTTP/1.0", &[]), 200);
    // An authority in the request target takes precedence over `Host`.
    assert_eq!(status(&server, "GET http://site.example/login HTTP/1.1", &["evil.example"]), 200);
    assert_eq!(status(&server, "GET http://evil.example/login HTTP/1.1", &["site.example"]), 421);
}

#[tokio::test]
async fn e14_a_page_of_another_name_for_this_server_logs_nobody_in() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--base-url", "https://site.example"])).await;
    let port = server.base_url().rsplit(':').next().unwrap().to_owned();
    let body = r#"{"username":"mallory","password":"canary-password-5f1d"}"#;
    let sign_up = |host: &str, origin: &str| {
        let head =
            format!("POST /signup HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nSec-Fetch-Site: same-origin\r\n");
        let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
        String::from_utf8_lossy(&exchange(&server, format!("{head}{more}\r\n{body}").as_bytes())).into_owned()
    };
    let rebound = sign_up(&format!("evil.example:{port}"), &format!("http://evil.example:{port}"));
    assert!(rebound.starts_with("HTTP/1.1 421 "), "{rebound}");
    // If a proxy sends the server's own address as `Host`, the `Origin` decides.
    let proxied = sign_up(&format!("127.0.0.1:{port}"), "https://evil.example");
    assert!(proxied.starts_with("HTTP/1.1 403 "), "{proxied}");
    let ours = sign_up(&format!("127.0.0.1:{port}"), "https://site.example");
    assert!(ours.starts_with("HTTP/1.1 200 "), "{ours}");
    // A browser on this machine may use the site under its loopback names.
    let local = sign_up(&format!("localhost:{port}"), &format!("http://localhost:{port}"));
    assert!(!local.starts_with("HTTP/1.1 403 "), "{local}");
}

#[tokio::test]
async fn pages_of_trusted_origins_may_post_and_no_others() {
    let dir = TestDir::new();
    dir.write("hardtack.toml", "trusted_origins = 'https://app.site.example, tauri://localhost'\n");
    let from_file = start(&dir.serve([])).await;
    let flag = start(&dir.serve(["--trusted-origins", "capacitor://localhost"])).await;
    let variable = start(&dir.serve([]).env("HARDTACK_TRUSTED_ORIGINS", "chrome-extension://abcdefgh")).await;
    for (server, trusted) in [
        (&from_file, &["https://app.site.example", "tauri://localhost"][..]),
        (&flag, &["capacitor://localhost"]),
        (&variable, &["chrome-extension://abcdefgh"]),
    ] {
        for origin in [
            "https://app.site.example",
            "tauri://localhost",
            "capacitor://localhost",
            "chrome-extension://abcdefgh",
            "tauri://evil",
        ] {
            let mut client = Client::new(server.base_url());
            let tried =
                client.post("/login").header("origin", origin).json(&json!({ "username": "a", "password": "b" }));
            let expected = if trusted.contains(&origin) { 401 } else { 403 };
            assert_eq!(tried.send().await.status(), expected, "{origin}");
        }
    }
    let refused = refusal(&dir.serve(["--trusted-origins", "https://*.site.example"]), 2).await;
    assert!(refused.contains("--trusted-origins is ") && refused.contains("with no path or wildcard"), "{refused}");
}

#[tokio::test]
async fn a_base_url_with_a_path_is_refused() {
    let dir = TestDir::new();
    let refused = refusal(&dir.serve(["--base-url", "https://site.example/app"]), 2).await;
    assert!(refused.contains("--base-url is \"https://site.example/app\": the URL has a path"), "{refused}");
    assert!(refused.contains("expected an origin such as https://site.example"), "{refused}");
}

#[tokio::test]
async fn e15_a_realm_is_part_of_the_cookies_names() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--realm", "shop"])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    assert!(ada.cookie("shop_access_token_cookie").is_some() && ada.cookie("access_token_cookie").is_none());
    assert!(ada.cookie("shop_hardtack_device").is_some() && ada.cookie("hardtack_device").is_none());
    assert!(is_logged_in(&mut ada).await);
    let refused = refusal(&dir.serve(["--realm", "a b"]), 2).await;
    assert!(refused.contains("--realm is \"a b\"") && refused.contains("expected 1 to 32 letters"), "{refused}");
}

//! Requests with another method, for another path, or that are not HTTP.

use hardtack_test_support::html::HtmlForms;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{assert_says, visitor_and_user};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn s50_another_method_is_told_which_ones_there_are() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for (method, path, allowed) in [
        (Method::HEAD, "/account/change_settings", vec!["POST"]),
        (Method::GET, "/account/sessions/revoke-others", vec!["POST"]),
        (Method::GET, "/account/sessions/00000000000000000000000000000000/revoke", vec!["POST"]),
        (Method::POST, "/", vec!["GET", "HEAD"]),
        (Method::POST, "/service", vec!["GET", "HEAD"]),
        (Method::DELETE, "/account", vec!["GET", "HEAD"]),
        (Method::PUT, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::OPTIONS, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::TRACE, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::HEAD, "/token/refresh", vec!["POST"]),
        ("BREW".parse().unwrap(), "/", vec!["GET", "HEAD"]),
    ] {
        for page in [true, false] {
            let request = client.request(method.clone(), path).csrf();
            let response = if page { request.accept_html() } else { request.accept_json() }.send().await;
            assert_eq!(response.status(), 405, "{method} {path}");
            let mut allow: Vec<&str> = response.header("allow").unwrap().split(',').map(str::trim).collect();
            allow.sort_unstable();
            assert_eq!(allow, allowed, "{method} {path}");
            if method != Method::HEAD {
                assert_says(&response, page, 405, "POST requests");
            }
        }
    }
    // A browser that reloads a form with errors is redirected to the form's page. An API client gets 405 with `Allow`.
    for path in ["/account/change_settings", "/account/password"] {
        let response = client.get(path).accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account")), "{path}");
        let response = client.get(path).accept_json().send().await;
        assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("POST")), "{path}");
    }
    // A method-override header has no effect.
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let request = client.get("/account/sessions/revoke-others").accept_json().csrf().header(name, "POST");
        assert_eq!(request.send().await.status(), 405, "{name}");
        let response = client.get("/logout?_method=POST").accept_html().header(name, "POST").send().await;
        assert_eq!(response.status(), 200, "{name}");
    }
    assert_eq!(whoami(&mut client).await.as_deref(), Ok("alice"));
}

/// The header of the 404 page shows the user who is logged in.
#[tokio::test(flavor = "multi_thread")]
async fn the_404_page_links_to_the_home_page() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for client in [&mut visitor, &mut user] {
        let page = client.get("/nowhere").accept_html().send().await;
        assert_says(&page, true, 404, "There is no page at this address.");
        assert!(page.text().contains("href=\"/\""), "{}", page.text());
    }
    let page = user.get("/nowhere").accept_html().send().await;
    assert!(!page.form_fields("/logout").is_empty(), "{}", page.text());
    // Damaged cookies do not change a 404.
    let request = visitor.get("/nowhere").accept_html().raw_cookie_header("access_token_cookie=junk");
    assert_says(&request.send().await, true, 404, "There is no page at this address.");
}

/// Requests that are not HTTP, or that two servers could split differently.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let twice = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}";
    for text in [
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=\0\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        twice,
    ] {
        let mut stream = TcpStream::connect(site.url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut response = [0; 1024];
        let read = tokio::time::timeout(seconds(30), stream.read(&mut response)).await;
        let length = read.unwrap_or_else(|_| panic!("{text:?} is not answered")).unwrap();
        let response = String::from_utf8_lossy(&response[..length]);
        assert!(response.starts_with("HTTP/1.1 4") || response.starts_with("HTTP/1.0 4"), "{text:?} → {response:?}");
    }
}

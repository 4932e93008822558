//! The client of `hardtack-conformance`, against a small server on a loopback socket.

use hardtack_test_support::Client;
use hardtack_test_support::server::{Received, serve};
use http::Response;
use http::response::Builder;
use serde_json::{Value, json};

/// Responds with the request as JSON.
fn echo(request: Received) -> Response<String> {
    let redirect = |status: u16, to: &str| Response::builder().status(status).header("location", to);
    let response = match request.path() {
        "/303" => redirect(303, "/echo?from=303"),
        "/307" => redirect(307, "echo").header("set-cookie", "hop=1; Path=/echo"),
        "/loop" => redirect(302, "/loop"),
        "/away" => redirect(302, "https://elsewhere.example/"),
        "/home" => redirect(302, "https://site.example/echo"),
        "/log-in" => ["access_token_cookie=a; Path=/; HttpOnly", "csrf_access_token=c; Path=/", "s=1; Secure"]
            .iter()
            .fold(Response::builder(), |builder: Builder, cookie| builder.header("set-cookie", *cookie)),
        "/log-out" => Response::builder().header("set-cookie", "access_token_cookie=; Path=/; Max-Age=0"),
        _ => Response::builder(),
    };
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| format!("{name}: {}", value.as_bytes().escape_ascii())).collect();
    let body = json!({
        "method": request.method.as_str(), "target": request.target,
        "headers": headers, "body": String::from_utf8_lossy(&request.body),
    });
    response.body(body.to_string()).unwrap()
}

fn lines(seen: &Value, name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    let all = seen["headers"].as_array().unwrap().iter().filter_map(Value::as_str);
    all.filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

#[tokio::test]
async fn cookies_are_stored_sent_and_deleted() {
    let mut client = Client::new(serve(echo).await);
    let response = client.get("/log-in").send().await;
    assert_eq!(response.set_cookies().len(), 3);
    assert!(response.set_cookie("access_token_cookie").unwrap().http_only);
    assert_eq!(client.cookie("csrf_access_token").unwrap().value, "c");

    let mut thief = client.clone();
    client.get("/log-out").send().await;
    assert!(client.cookie("access_token_cookie").is_none());
    let seen = client.post("/").csrf().send().await.json();
    assert_eq!(lines(&seen, "cookie"), ["csrf_access_token=c"]);
    assert_eq!(lines(&seen, "x-csrf-token"), ["c"]);
    let seen = thief.get("/").send().await.json();
    assert_eq!(lines(&seen, "cookie"), ["access_token_cookie=a; csrf_access_token=c"]);

    let seen = thief.clone().send_secure_cookies().get("/").send().await.json();
    assert_eq!(lines(&seen, "cookie"), ["access_token_cookie=a; csrf_access_token=c; s=1"]);
    let seen = thief.get("/").no_cookies().send().await.json();
    assert!(lines(&seen, "cookie").is_empty());

    client.clear();
    client.set_cookie_raw("x=1");
    client.take_cookies(&response);
    assert_eq!(client.cookies().len(), 4);
}

#[tokio::test]
async fn bytes_are_sent_unchanged() {
    let mut client = Client::new(serve(echo).await);
    let request =
        client.get("//x\\%2e?a=\\&b").header("x-a", b"1").header("X-A", b"\xff\xc3\xa4").add_header("x-a", "3");
    let seen = request.raw_cookie_header(b"a=\xff").raw_cookie_header("b=2").send().await.json();
    assert_eq!(seen["target"], "//x\\%2e?a=\\&b");
    assert_eq!(lines(&seen, "x-a"), ["\\xff\\xc3\\xa4", "3"]);
    assert_eq!(lines(&seen, "cookie"), ["a=\\xff", "b=2"]);
}

#[tokio::test]
async fn bodies() {
    let mut client = Client::new(serve(echo).await);
    let seen = client.post("/").form(&[("a b", "ä&"), ("c", "")]).send().await.json();
    assert_eq!(seen["body"], "a+b=%C3%A4%26&c=");
    assert_eq!(lines(&seen, "content-type"), ["application/x-www-form-urlencoded"]);
    let seen = client.post("/").json(&json!({"a": 1})).send().await.json();
    assert_eq!((&seen["body"], lines(&seen, "content-type")), (&json!("{\"a\":1}"), vec!["application/json".into()]));
    let seen = client.post("/").multipart(&[("csrf_token", "t")]).accept_html().send().await.json();
    let boundary = lines(&seen, "content-type")[0].split_once("boundary=").unwrap().1.to_owned();
    let body =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nt\r\n--{boundary}--\r\n");
    assert_eq!(seen["body"], body);
    assert_eq!(lines(&seen, "sec-fetch-site"), ["same-origin"]);
}

#[tokio::test]
async fn redirects_are_followed_as_by_a_browser() {
    let mut client = Client::new(serve(echo).await);
    assert_eq!(client.post("/303").form(&[("a", "1")]).send().await.location(), Some("/echo?from=303"));

    let response = client.post("/303").form(&[("a", "1")]).follow().await;
    assert_eq!((response.path(), response.hops().len()), ("/echo?from=303", 1));
    let seen = response.json();
    assert_eq!((&seen["method"], &seen["body"]), (&json!("GET"), &json!("")));
    assert!(lines(&seen, "content-type").is_empty());

    let response = client.post("/307").form(&[("a", "1")]).follow().await;
    assert_eq!(response.hops()[0].status(), 307);
    let seen = response.json();
    assert_eq!((&seen["method"], &seen["body"]), (&json!("POST"), &json!("a=1")));
    assert_eq!(lines(&seen, "cookie"), ["hop=1"]);

    assert_eq!(client.get("/away").follow().await.status(), 302);
    assert_eq!(client.get("/home").follow().await.status(), 302);
    let mut client = client.at_origin("https://site.example");
    let seen = client.get("/home").follow().await.json();
    assert_eq!(lines(&seen, "host"), ["site.example"]);
    assert_eq!(client.origin(), "https://site.example");
}

#[tokio::test]
#[should_panic(expected = "more than 10 redirects")]
async fn a_redirect_loop_panics() {
    Client::new(serve(echo).await).get("/loop").follow().await;
}

#[tokio::test]
async fn a_refused_connection_is_an_error() {
    let (listener, address) = hardtack_test_support::server::bind().await;
    drop(listener);
    let error = Client::new(address).get("/").try_send().await.unwrap_err();
    assert!(error.contains("refused"), "{error}");
}

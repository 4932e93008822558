//! The browser and its options, against a page on a loopback socket.

use hardtack_test_support::server::{Received, serve};
use hardtack_test_support::{Browser, BrowserOptions};
use http::Response;
use serde_json::{Value, json};

const PAGE: &str = r#"<!doctype html><html lang="en"><title>untouched</title>
<style>#dark { display: none } @media (prefers-color-scheme: dark) { #dark { display: block } #light { display: none } }</style>
<p id="light">in the light</p><p id="dark">in the dark</p>
<noscript><p>scripts are off</p></noscript>
<form method="post" action="/sent?a=1"><input type="hidden" name="csrf_token" value="t&amp;t">
<input name="user" value="old"><button>Send</button></form>
<script>document.title = "touched by a script"</script></html>"#;

fn site(request: Received) -> Response<String> {
    let response = |kind: &str| Response::builder().header("content-type", kind);
    let response = match (request.method.as_str(), request.path()) {
        ("GET", "/") => response("text/html; charset=utf-8").body(PAGE.to_owned()),
        ("POST", "/sent") => response("text/plain; charset=utf-8")
            .header("set-cookie", "seen=yes; Path=/; HttpOnly; SameSite=Lax")
            .body(format!("got {:?}", request.form())),
        _ => Response::builder().status(404).body(String::new()),
    };
    response.unwrap()
}

#[tokio::test]
async fn with_javascript_and_a_light_color_scheme() {
    let base = format!("http://{}", serve(site).await);
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    browser.goto(&base).await.unwrap();
    assert_eq!(browser.title().await.unwrap(), "touched by a script");
    let text = browser.text().await.unwrap();
    assert!(text.contains("in the light") && !text.contains("in the dark"), "{text}");
    assert!(!text.contains("scripts are off"), "{text}");

    assert!(browser.cookie("seen").await.unwrap().is_none());
    browser.fill("user", "änn \"&\"").await.unwrap();
    browser.submit("form").await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/sent?a=1");
    let expected = r#"got [("csrf_token", "t&t"), ("user", "änn \"&\"")]"#;
    assert_eq!(browser.text().await.unwrap(), expected);
    let cookie = browser.cookie("seen").await.unwrap().unwrap();
    assert_eq!((cookie.value(), cookie.http_only()), ("yes", Some(true)));

    // A failing test drops the browser without closing it. Chromium must end nevertheless. Looks for its process
    // instead of its port, because another test's program may have taken the port since.
    let process = browser.session().capabilities().unwrap()["goog:processID"].clone();
    assert!(runs(&process));
    drop(browser);
    assert!(!runs(&process));
}

/// Whether a process runs. A process that has ended may be listed until its parent asks for its status.
fn runs(process: &Value) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_u64().unwrap())).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

#[tokio::test]
async fn without_javascript_and_with_a_dark_color_scheme_on_a_small_screen() {
    let base = format!("http://{}", serve(site).await);
    let options =
        BrowserOptions { javascript: false, dark: true, width: 360, height: 640, ..BrowserOptions::default() };
    let browser = Browser::start(options).await.unwrap();
    browser.goto(&base).await.unwrap();
    assert_eq!(browser.title().await.unwrap(), "untouched");
    let text = browser.text().await.unwrap();
    assert!(text.contains("in the dark") && !text.contains("in the light"), "{text}");
    assert!(text.contains("scripts are off"), "{text}");

    // chromedriver's own scripts still run.
    let size = browser.session().execute("return [innerWidth, innerHeight]", vec![]).await.unwrap();
    assert_eq!(size, json!([360, 640]));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("page.png");
    browser.screenshot(&file).await.unwrap();
    let png = std::fs::read(&file).unwrap();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(
        (png[16..20].to_vec(), png[20..24].to_vec()),
        (360_u32.to_be_bytes().into(), 640_u32.to_be_bytes().into())
    );

    browser.fill("user", "ann").await.unwrap();
    browser.submit("button").await.unwrap();
    assert_eq!(browser.text().await.unwrap(), r#"got [("csrf_token", "t&t"), ("user", "ann")]"#);
    browser.close().await.unwrap();
}

#[tokio::test]
async fn browsers_do_not_share_cookies() {
    let base = format!("http://{}", serve(site).await);
    let (one, other) =
        tokio::join!(Browser::start(BrowserOptions::default()), Browser::start(BrowserOptions::default()));
    let (one, other) = (one.unwrap(), other.unwrap());
    one.goto(&base).await.unwrap();
    one.submit("form").await.unwrap();
    other.goto(&base).await.unwrap();
    assert!(one.cookie("seen").await.unwrap().is_some());
    assert!(other.cookie("seen").await.unwrap().is_none());
    one.close().await.unwrap();
    other.close().await.unwrap();
}

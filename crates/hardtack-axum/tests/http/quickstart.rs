//! The quickstart example, as readers run it, and the README that shows it.

use std::time::Duration;

use hardtack_test_support::{Browser, BrowserOptions, Program};
use serde_json::json;

use crate::examples::compiled;
use crate::quickstart_example;
use crate::site::Site;

const SOURCE: &str = include_str!("../../examples/quickstart.rs");

#[test]
fn the_readmes_show_the_whole_example() {
    for readme in [include_str!("../../README.md"), include_str!("../../../../README.md")] {
        let (_, code) = readme.split_once("```rust,no_run\n").unwrap();
        let (code, _) = code.split_once("```\n").unwrap();
        assert_eq!(code, SOURCE);
    }
    assert!(lines_of_code(SOURCE) <= 40, "{} lines", lines_of_code(SOURCE));
}

/// Blank lines, comments and closing brackets do not count.
fn lines_of_code(source: &str) -> usize {
    let counts = |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with(['}', ')']);
    source.lines().map(str::trim).filter(counts).count()
}

#[tokio::test]
async fn the_example_logs_in_asks_for_the_password_again_and_logs_out() {
    let program = Program::new(compiled("quickstart", "quickstart.rs")).env("LISTEN", "127.0.0.1:0");
    let server = program.start().await.unwrap();
    let url = |path: &str| format!("{}{path}", server.base_url());
    let browser = Browser::start(BrowserOptions { javascript: false, ..BrowserOptions::default() }).await.unwrap();
    let log_in = async |password: &str| {
        browser.fill("username", "alice").await.unwrap();
        browser.fill("password", password).await.unwrap();
        browser.submit("form").await.unwrap();
    };

    browser.goto(&url("/account")).await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/login?next=%2Faccount");
    log_in("guess").await;
    assert_eq!(browser.path().await.unwrap(), "/login?next=%2Faccount");
    assert_eq!(browser.title().await.unwrap(), "Problem: Log in");
    assert!(browser.text().await.unwrap().contains("That user name and password do not match."));
    assert_eq!(browser.evaluate("return document.querySelector('#username').value").await.unwrap(), "alice");
    assert!(browser.cookie("access_token_cookie").await.unwrap().is_none());
    log_in("correct horse battery staple").await;
    assert_eq!(browser.path().await.unwrap(), "/account");
    assert!(browser.text().await.unwrap().contains("Account of alice"));
    assert_eq!(browser.cookie("access_token_cookie").await.unwrap().unwrap().http_only(), Some(true));

    browser.goto(&url("/reauthenticate?next=%2Faccount")).await.unwrap();
    log_in("correct horse battery staple").await;
    assert_eq!(browser.path().await.unwrap(), "/account");
    browser.goto(&url("/")).await.unwrap();
    browser.submit("form").await.unwrap();
    assert_eq!(browser.text().await.unwrap(), "Hello, alice!");

    browser.goto(&url("/logout")).await.unwrap();
    browser.submit("form").await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/login");
    assert!(browser.cookie("access_token_cookie").await.unwrap().is_none());
    browser.goto(&url("/account")).await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/login?next=%2Faccount");
    browser.close().await.unwrap();
    let finished = server.stop().await;
    assert!(finished.status.success(), "SIGTERM stops the server gracefully: {}", finished.stdout);
}

/// After the access token has expired, the user can continue. Only a page that needs a recent password asks for it.
#[tokio::test]
async fn a_user_of_the_example_comes_back_after_15_minutes() {
    let on_loopback = |builder: hardtack::AuthenticatorBuilder| builder.base_url("http://127.0.0.1:8080");
    let site = Site::bare(on_loopback, quickstart_example::app).await;
    let url = |path: &str| format!("http://{}{path}", site.address);
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    let log_in = async || {
        browser.fill("username", "alice").await.unwrap();
        browser.fill("password", "correct horse battery staple").await.unwrap();
        browser.submit("form").await.unwrap();
    };
    browser.goto(&url("/")).await.unwrap();
    log_in().await;
    assert_eq!(browser.title().await.unwrap(), "Home");

    // After the access token has expired, the script and the form of the open page still work.
    site.clock.advance(Duration::from_secs(15 * 60 + 1));
    browser.click("[type=button]").await.unwrap();
    let script = "const done = arguments[0]; \
        const wait = () => { const text = document.querySelector('output').textContent; \
            text ? done(text) : requestAnimationFrame(wait); }; wait();";
    let text = browser.session().execute_async(script, vec![]).await.unwrap();
    assert_eq!(text, "Hello, alice!");
    site.clock.advance(Duration::from_secs(15 * 60 + 1));
    browser.submit("form").await.unwrap();
    assert_eq!(browser.text().await.unwrap(), "Hello, alice!");

    browser.goto(&url("/account")).await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/reauthenticate?next=%2Faccount");
    log_in().await;
    assert_eq!(browser.text().await.unwrap(), "Account of alice");
    browser.close().await.unwrap();
}

/// The pages fit a narrow screen, follow the system's colours, and have labels.
#[tokio::test]
async fn the_ready_pages_fit_a_narrow_screen_and_have_labels() {
    let on_loopback = |builder: hardtack::AuthenticatorBuilder| builder.base_url("http://127.0.0.1:8080");
    let site = Site::bare(on_loopback, quickstart_example::app).await;
    let url = |path: &str| format!("http://{}{path}", site.address);
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    let narrow = json!({ "width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": false });
    let check = async |path: &str| {
        for scheme in ["light", "dark"] {
            let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.goto(&url(path)).await.unwrap();
            browser.devtools("Emulation.setEmulatedMedia", media).await.unwrap();
            browser.devtools("Emulation.setDeviceMetricsOverride", narrow.clone()).await.unwrap();
            let flaws = "const flaws = []; \
                if (document.documentElement.scrollWidth > 320) \
                    flaws.push('width ' + document.documentElement.scrollWidth); \
                if (document.documentElement.lang !== 'en' || !document.title) flaws.push('no language or title'); \
                for (const input of document.querySelectorAll('input:not([type=hidden])')) \
                    if (!input.labels.length || !input.autocomplete) flaws.push('no label: ' + input.name); \
                return flaws.join(', ');";
            assert_eq!(browser.evaluate(flaws).await.unwrap(), "", "{path} {scheme}");
            let canvas = "const probe = document.body.appendChild(document.createElement('p')); \
                probe.style.color = 'Canvas'; return getComputedStyle(probe).color;";
            let expected = if scheme == "light" { "rgb(255, 255, 255)" } else { "rgb(18, 18, 18)" };
            assert_eq!(browser.evaluate(canvas).await.unwrap(), expected, "{path} {scheme}");
        }
    };
    check("/login").await;
    browser.fill("username", "alice").await.unwrap();
    browser.fill("password", "correct horse battery staple").await.unwrap();
    browser.submit("form").await.unwrap();
    check("/reauthenticate").await;
    check("/logout").await;
    browser.close().await.unwrap();
}

//! The quickstart example, as readers run it, and the README that shows it.

use hardtack_test_support::{Browser, BrowserOptions, Program};

use crate::examples::compiled;

const SOURCE: &str = include_str!("../../examples/quickstart.rs");

#[test]
fn the_readme_shows_the_whole_example() {
    let readme = include_str!("../../README.md");
    let (_, code) = readme.split_once("```rust,no_run\n").unwrap();
    let (code, _) = code.split_once("```\n").unwrap();
    assert_eq!(code, SOURCE);
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
}

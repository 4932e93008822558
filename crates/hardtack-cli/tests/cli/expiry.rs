//! Access tokens that expire while a user visits the site.

use std::time::Duration;

use hardtack_test_support::Client;
use hardtack_test_support::process::Process;

use crate::support::{TestDir, sign_up, start};

async fn new_user_at(server: &Process) -> Client {
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    // The account page needs a fresh token, which the sign-up has just issued.
    assert_eq!(client.get("/account").accept_html().send().await.status(), 200);
    client
}

/// Whether a page that needs a fresh token redirects to the page that asks for the password again.
async fn is_no_longer_fresh(client: &mut Client) -> bool {
    let response = client.get("/account").accept_html().send().await;
    response.status() == 303 && response.location().is_some_and(|to| to.starts_with("/reauthenticate?next="))
}

#[tokio::test]
async fn a_request_with_an_expired_token_refreshes_it() {
    let dir = TestDir::new();
    let transparent = start(&dir.serve([]).env("JWT_ACCESS_TOKEN_EXPIRES", "2")).await;
    let elsewhere = TestDir::new();
    let redirect = start(&elsewhere.serve(["--refresh", "redirect", "--access-lifetime", "2s"])).await;
    let mut at_transparent = new_user_at(&transparent).await;
    let mut at_redirect = new_user_at(&redirect).await;
    let before = at_transparent.cookie("access_token_cookie").unwrap().value.clone();
    assert_eq!(at_redirect.cookie("refresh_token_cookie").unwrap().path, "/token/refresh");

    tokio::time::sleep(Duration::from_millis(3100)).await;

    let page = at_transparent.get("/service").accept_html().send().await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("someone"));
    assert_ne!(at_transparent.cookie("access_token_cookie").unwrap().value, before);
    assert!(is_no_longer_fresh(&mut at_transparent).await);

    let page = at_redirect.get("/service").accept_html().follow().await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/service"));
    let hops: Vec<_> = page.hops().iter().map(|hop| hop.path().split('?').next().unwrap_or_default()).collect();
    assert_eq!(hops, ["/service", "/token/refresh"]);
    assert!(is_no_longer_fresh(&mut at_redirect).await);
}

#[tokio::test]
async fn k08_s84_the_account_page_asks_again_after_fresh_lifetime() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--access-lifetime", "1d", "--fresh-lifetime", "2s"])).await;
    let mut client = new_user_at(&server).await;
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert!(is_no_longer_fresh(&mut client).await);
    assert_eq!(client.get("/service").accept_html().send().await.status(), 200);
}

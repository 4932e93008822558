//! Access tokens that expire while someone is on the site.

use std::time::Duration;

use hardtack_test_support::Client;
use hardtack_test_support::process::Process;

use crate::support::{Place, sign_up, start};

async fn someone_at(server: &Process) -> Client {
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    // Fresh: the password was typed a moment ago.
    assert_eq!(client.get("/account").accept_html().send().await.status(), 200);
    client
}

/// The page that asks for the password again.
async fn is_no_longer_fresh(client: &mut Client) -> bool {
    let answer = client.get("/account").accept_html().send().await;
    answer.status() == 303 && answer.location().is_some_and(|to| to.starts_with("/reauthenticate?next="))
}

#[tokio::test]
async fn an_expired_token_is_refreshed_on_the_way() {
    let place = Place::new();
    let transparent = start(&place.serve([]).env("JWT_ACCESS_TOKEN_EXPIRES", "2")).await;
    let elsewhere = Place::new();
    let redirect = start(&elsewhere.serve(["--refresh", "redirect", "--access-lifetime", "2s"])).await;
    let mut at_transparent = someone_at(&transparent).await;
    let mut at_redirect = someone_at(&redirect).await;
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

//! `CurrentUser`: the application's own users behind the tokens.

use axum::Router;
use axum::routing::get;
use hardtack::FindUser;
use hardtack::session::StoreError;
use hardtack_axum::{AuthLayer, CurrentUser};

use crate::site::{Site, routes, told, unsets_tokens};

const SECRET: &str = "details nobody outside may see";

#[derive(Clone)]
struct Directory;

#[derive(Debug)]
struct Member {
    greeting: String,
}

impl FindUser for Member {
    type State = Directory;

    async fn find_user(subject: &str, _: &Directory) -> Result<Option<Self>, StoreError> {
        match subject {
            "gone" => Ok(None),
            "down" => Err(StoreError::new(SECRET)),
            _ => Ok(Some(Self { greeting: format!("Hello, {subject}") })),
        }
    }
}

async fn site() -> Site {
    async fn member(user: CurrentUser<Member>) -> String {
        let same = user.token().subject().to_owned();
        format!("{} ({same})", user.into_user().greeting)
    }
    async fn perhaps(user: Option<CurrentUser<Member>>) -> String {
        user.map_or_else(|| "nobody".to_owned(), |user| user.greeting.clone())
    }
    let more = Router::new().route("/member", get(member)).route("/perhaps", get(perhaps)).with_state(Directory);
    Site::bare(|builder| builder, |auth| routes().merge(more).layer(AuthLayer::new(auth))).await
}

#[tokio::test]
async fn found() {
    let site = site().await;
    let alice = site.alice().await;
    assert_eq!(told(&alice, "/member").await, ["200 Hello, alice (alice)"; 3]);
    assert_eq!(told(&alice, "/perhaps").await, ["200 Hello, alice"; 3]);
    assert_eq!(told(&site.visitor(), "/perhaps").await, ["200 nobody"; 3]);
    assert_eq!(told(&site.visitor(), "/member").await[1], "401 missing_token");
}

#[tokio::test]
async fn s24_gone() {
    let site = site().await;
    let gone = site.logged_in("gone").await;
    let expected = ["303 /login?next=%2Fmember&ended=1", "401 unknown_user", "401 /login?next=%2Flist&ended=1"];
    assert_eq!(told(&gone, "/member").await, expected);
    for path in ["/member", "/perhaps"] {
        let refused = gone.clone().get(path).accept_json().send().await;
        assert_eq!(refused.status(), 401, "{path}");
        assert!(unsets_tokens(&refused), "{path}");
    }
    // Also where the token was refreshed for this very request.
    site.expire_access();
    let mut gone = gone;
    let refused = gone.get("/member").accept_json().send().await;
    assert_eq!(refused.json()["code"], "unknown_user");
    assert!(gone.cookies().is_empty(), "the refresh does not bring them back: {:?}", gone.cookies());
}

#[tokio::test]
async fn s41_the_directory_is_down() {
    let site = site().await;
    let down = site.logged_in("down").await;
    for path in ["/member", "/perhaps"] {
        for accept in ["text/html", "application/json"] {
            let failed = down.clone().get(path).header("accept", accept).send().await;
            assert_eq!(failed.status(), 503, "{path} {accept}");
            assert_eq!(failed.header("retry-after"), Some("5"));
            assert!(!failed.text().contains("details") && failed.set_cookies().is_empty(), "{}", failed.text());
        }
    }
    assert_eq!(told(&down, "/page").await, ["200 down:"; 3]);
}

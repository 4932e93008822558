//! `CurrentUser`: the application's own users behind the tokens.

use actix_web::web::{self, Data};
use hardtack::FindUser;
use hardtack::session::StoreError;
use hardtack_actix::{CurrentUser, Optional};

use crate::site::{Site, told, unsets_tokens};

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
            "down" => Err(StoreError::new("details nobody outside may see")),
            _ => Ok(Some(Self { greeting: format!("Hello, {subject}") })),
        }
    }
}

async fn site() -> Site {
    async fn member(user: CurrentUser<Member>) -> String {
        let same = user.token().subject().to_owned();
        format!("{} ({same})", user.into_user().greeting)
    }
    async fn perhaps(user: Optional<CurrentUser<Member>>) -> String {
        user.as_ref().map_or_else(|| "nobody".to_owned(), |user| user.greeting.clone())
    }
    async fn trap(user: Option<CurrentUser<Member>>) -> String {
        user.map_or_else(|| "nobody".to_owned(), |user| user.greeting.clone())
    }
    let directory = Data::new(Directory);
    Site::with(
        |builder| builder,
        move |app| {
            app.app_data(directory)
                .route("/member", web::get().to(member))
                .route("/perhaps", web::get().to(perhaps))
                .route("/trap", web::get().to(trap))
                .route("/stateless", web::get().to(async |_: CurrentUser<Nobody>| "in"));
        },
    )
    .await
}

struct Nobody;

impl FindUser for Nobody {
    type State = String;

    async fn find_user(_: &str, _: &String) -> Result<Option<Self>, StoreError> {
        Ok(Some(Self))
    }
}

#[tokio::test]
async fn found() {
    let site = site().await;
    let alice = site.alice().await;
    assert_eq!(told(&alice, "/member").await, ["200 Hello, alice (alice)"; 3]);
    for path in ["/perhaps", "/trap"] {
        assert_eq!(told(&alice, path).await, ["200 Hello, alice"; 3]);
        assert_eq!(told(&site.visitor(), path).await, ["200 nobody"; 3]);
    }
    assert_eq!(told(&site.visitor(), "/member").await[1], "401 missing_token");
    let stateless = alice.clone().get("/stateless").send().await;
    assert_eq!(stateless.status(), 500, "no panic");
    assert!(!stateless.text().contains("String"), "{}", stateless.text());
}

#[tokio::test]
async fn s24_gone() {
    let site = site().await;
    let mut gone = site.logged_in("gone").await;
    let expected = ["303 /login?next=%2Fmember&ended=1", "401 unknown_user", "401 /login?next=%2Flist&ended=1"];
    assert_eq!(told(&gone, "/member").await, expected);
    for path in ["/member", "/perhaps", "/trap"] {
        let refused = gone.clone().get(path).accept_json().send().await;
        assert_eq!(refused.status(), 401, "{path}");
        assert!(unsets_tokens(&refused), "{path}");
    }
    // Also where the token was refreshed for this very request.
    site.expire_access();
    assert_eq!(gone.get("/member").accept_json().send().await.json()["code"], "unknown_user");
    assert!(gone.cookies().is_empty(), "the refresh does not bring them back: {:?}", gone.cookies());
}

#[tokio::test]
async fn s41_the_directory_is_down() {
    let site = site().await;
    let down = site.logged_in("down").await;
    for path in ["/member", "/perhaps", "/trap"] {
        for accept in ["text/html", "application/json"] {
            let failed = down.clone().get(path).header("accept", accept).send().await;
            assert_eq!((failed.status().as_u16(), failed.header("retry-after")), (503, Some("5")), "{path} {accept}");
            assert!(!failed.text().contains("details") && failed.set_cookies().is_empty(), "{}", failed.text());
        }
    }
}

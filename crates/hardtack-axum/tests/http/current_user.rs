//! `CurrentUser` looks people up in what the router's state holds of them.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use hardtack::BackendError;
use hardtack::FindUser;
use hardtack_axum::{AuthLayer, CurrentUser};

use crate::site::{Site, routes, told};

#[derive(Clone)]
struct Directory(&'static str);

#[derive(Clone)]
struct App {
    directory: Directory,
}

impl FromRef<App> for Directory {
    fn from_ref(app: &App) -> Self {
        app.directory.clone()
    }
}

#[derive(Debug)]
struct Member {
    greeting: String,
}

impl FindUser for Member {
    type State = Directory;

    async fn find_user(subject: &str, directory: &Directory) -> Result<Option<Self>, BackendError> {
        Ok(Some(Self { greeting: format!("{}, {subject}", directory.0) }))
    }
}

#[tokio::test]
async fn in_a_part_of_the_state() {
    async fn member(user: CurrentUser<Member>) -> String {
        user.greeting.clone()
    }
    async fn perhaps(user: Option<CurrentUser<Member>>) -> String {
        user.map_or_else(|| "nobody".to_owned(), |user| user.into_user().greeting)
    }
    let app = App { directory: Directory("Hello") };
    let more = Router::new().route("/member", get(member)).route("/perhaps", get(perhaps)).with_state(app);
    let site = Site::bare(|builder| builder, |auth| routes().merge(more).layer(AuthLayer::new(auth))).await;
    let alice = site.alice().await;
    assert_eq!(told(&alice, "/member").await, ["200 Hello, alice"; 3]);
    assert_eq!(told(&alice, "/perhaps").await, ["200 Hello, alice"; 3]);
    assert_eq!(told(&site.visitor(), "/perhaps").await, ["200 nobody"; 3]);
}

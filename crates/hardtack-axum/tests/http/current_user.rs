//! `CurrentUser` looks users up with a part of the router's state.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use hardtack::{BackendError, FindUser};
use hardtack_axum::{AuthLayer, CurrentUser};

use crate::site::{Site, routes, summary};

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
async fn the_look_up_gets_a_part_of_the_state() {
    async fn member(user: CurrentUser<Member>) -> String {
        user.greeting.clone()
    }
    async fn perhaps(user: Option<CurrentUser<Member>>) -> String {
        user.map_or_else(|| "visitor".to_owned(), |user| user.into_user().greeting)
    }
    let app = App { directory: Directory("Hello") };
    let more = Router::new().route("/member", get(member)).route("/perhaps", get(perhaps)).with_state(app);
    let site = Site::bare(|builder| builder, |auth| routes().merge(more).layer(AuthLayer::new(auth))).await;
    let alice = site.alice().await;
    assert_eq!(summary(&alice, "/member").await, ["200 Hello, alice"; 3]);
    assert_eq!(summary(&alice, "/perhaps").await, ["200 Hello, alice"; 3]);
    assert_eq!(summary(&site.visitor(), "/perhaps").await, ["200 visitor"; 3]);
}

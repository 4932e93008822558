//! Warnings on stderr if the application has not set a `tracing` subscriber.

use std::process::Command;

use axum::Router;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey, Urls};
use hardtack_axum::testing::{TestBrowser, TestRequest, TestUser};
use hardtack_axum::{AccessToken, AuthLayer, FreshAccessToken, Need, Require};
use tower::ServiceExt;

/// The environment variable that is set in the child process, whose stderr the test reads.
const CHILD: &str = "HARDTACK_TEST_FIRST_DAY";

async fn status(app: &Router, request: TestRequest) -> u16 {
    app.clone().oneshot(request).await.unwrap().status().as_u16()
}

/// Makes each mistake twice.
async fn make_mistakes() {
    let keys = || KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let page = || Router::new().route("/", get(async |_: AccessToken| "in"));
    let auth = Authenticator::builder(keys()).base_url("http://127.0.0.1:3000").sessions(MemorySessions::new());
    let auth = auth.build().unwrap();
    let alice = TestUser::new("alice").log_in(&auth).await;
    let fresh =
        Router::new().route("/fresh", get(async |_: FreshAccessToken| "in")).layer(AuthLayer::new(auth.clone()));
    let sessions = FailingSessions::durable();
    let down = Authenticator::builder(keys()).sessions(sessions.clone()).build().unwrap();
    let bob = TestUser::new("bob").log_in(&down).await;
    sessions.fail();
    let down = page().layer(AuthLayer::new(down));
    for _ in 0..2 {
        // No layer.
        assert_eq!(status(&page(), alice.get("/")).await, 500);
        // There is no log-in page. No browser is redirected to the refresh URL, so a missing refresh route causes no
        // warning.
        let visitor = TestBrowser::new(&auth);
        assert_eq!(status(&fresh, visitor.get("/fresh").header("accept", "text/html")).await, 303);
        assert_eq!(status(&fresh, visitor.get("/token/refresh")).await, 404);
        assert_eq!(status(&fresh, visitor.get("/login?next=%2Ffresh")).await, 404);
        // There is no page that asks for the password again.
        assert_eq!(status(&fresh, alice.get("/fresh").header("accept", "text/html")).await, 303);
        assert_eq!(status(&fresh, alice.get("/reauthenticate?next=%2Ffresh")).await, 404);
        // The browser uses an address that differs from the base URL.
        let app =
            Router::new().route("/", get("").post(async |_: AccessToken| "in")).layer(AuthLayer::new(auth.clone()));
        assert_eq!(status(&app, alice.post("/").header("sec-fetch-site", "cross-site")).await, 403);
        let post = || alice.post("/").header("host", "site.example").header("origin", "https://site.example");
        assert_eq!(status(&app, post()).await, 403);
        // The log-in page itself requires a token.
        let urls = Urls::default().login("/enter");
        let looping = Authenticator::builder(keys()).urls(urls).build().unwrap();
        let enter = Router::new().route("/enter", get("in")).layer(Require::new(Need::access()));
        let enter = enter.layer(AuthLayer::new(looping.clone()));
        assert_eq!(status(&enter, TestBrowser::new(&looping).get("/enter").header("accept", "text/html")).await, 401);
        // The store fails.
        assert_eq!(status(&down, bob.get("/")).await, 503);
    }
}

#[tokio::test]
async fn a_mistake_in_the_setup_is_explained_once_on_the_standard_error() {
    if std::env::var_os(CHILD).is_some() {
        return make_mistakes().await;
    }
    let name = "first_day::a_mistake_in_the_setup_is_explained_once_on_the_standard_error";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    for expected in [
        "no AuthLayer wraps this route; add .layer(AuthLayer::new(auth)) to the router",
        "users who must log in are sent to /login, which responds with 404; add a route such as .route(\"/login\", ",
        "sent to /reauthenticate, which responds with 404; add a route such as .route(\"/reauthenticate\", get(password_page)",
        "a request from https://site.example was refused, because the base URL is http://127.0.0.1:3000; if \
         https://site.example is the address of your site, write .base_url(\"https://site.example\")",
        "refused requests are redirected to /enter, but a request to /enter was refused as well",
        "one of the application's backends failed",
        "tracing_subscriber::fmt().init()",
    ] {
        assert_eq!(text.matches(expected).count(), 1, "{expected:?} in:\n{text}");
    }
    let lines = text.lines().filter(|line| line.starts_with("hardtack: ")).count();
    assert_eq!(lines, 7, "{text}");
}

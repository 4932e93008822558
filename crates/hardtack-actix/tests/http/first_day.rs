//! Warnings on stderr if the application has not set a `tracing` subscriber.

use std::process::Command;

use actix_web::{App, test, web};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_actix::testing::TestUser;
use hardtack_actix::{AccessToken, AuthLayer, FreshAccessToken};

/// The environment variable that is set in the child process, whose stderr the test reads.
const CHILD: &str = "HARDTACK_TEST_FIRST_DAY";

/// Makes each mistake twice: no layer, and no page that asks for the password again.
async fn make_mistakes() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).base_url("http://127.0.0.1:3000").sessions(MemorySessions::new());
    let auth = builder.build().unwrap();
    let alice = TestUser::new("alice").log_in(&auth).await;
    let bare = App::new().route("/", web::get().to(async |_: AccessToken| "in"));
    let bare = test::init_service(bare).await;
    let app = App::new().route("/fresh", web::get().to(async |_: FreshAccessToken| "in"));
    let app = test::init_service(app.wrap(AuthLayer::new(auth.clone()))).await;
    for _ in 0..2 {
        assert_eq!(test::call_service(&bare, alice.get("/").to_request()).await.status(), 500);
        let fresh = alice.get("/fresh").header("accept", "text/html").to_request();
        assert_eq!(test::call_service(&app, fresh).await.status(), 303);
        assert_eq!(
            test::call_service(&app, alice.get("/reauthenticate?next=%2Ffresh").to_request()).await.status(),
            404
        );
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
        "no AuthLayer wraps this route; add .wrap(AuthLayer::new(auth)) to the App",
        "sent to /reauthenticate, which responds with 404; add a route such as .route(\"/reauthenticate\", ",
        "tracing_subscriber::fmt().init()",
    ] {
        assert_eq!(text.matches(expected).count(), 1, "{expected:?} in:\n{text}");
    }
}

//! The Flask applications take their options, are independent of each other, and end with the test.

use std::path::Path;

use hardtack_test_support::services::flask::Application;
use hardtack_test_support::wait;

const SECRET: (&str, &str) = ("JWT_SECRET_KEY", "a secret of forty characters, or even more");

#[tokio::test]
async fn applications_have_their_own_options_and_end_when_dropped() {
    let renamed = [SECRET, ("JWT_HEADER_NAME", "X-Token")];
    let (one, other) = tokio::join!(Application::Compat.start(&[SECRET]), Application::Compat.start(&renamed));
    for (process, message) in [(&one, "Missing Authorization Header"), (&other, "Missing X-Token Header")] {
        let response = process.client().get("/access").send().await;
        assert_eq!((response.status().as_u16(), response.json()["msg"].as_str()), (401, Some(message)));
    }
    // All processes of gunicorn are children of the process that the test started.
    let process = format!("/proc/{}", one.id());
    assert!(Path::new(&process).exists());
    let address = one.base_url().to_owned();
    drop(one);
    assert!(!Path::new(&process).exists());
    assert!(other.client().get("/optional").send().await.status() == 200, "the other application still runs");
    // The worker notices a moment later that its parent has ended.
    let mut late = hardtack_test_support::Client::new(address);
    wait::until("the worker ends as well", async || late.get("/optional").try_send().await.is_err()).await;
}

#[tokio::test]
#[should_panic(expected = "no such option: JWT_HEADER_NAMES")]
async fn an_unknown_option_is_refused() {
    Application::Compat.start(&[SECRET, ("JWT_HEADER_NAMES", "X-Token")]).await;
}

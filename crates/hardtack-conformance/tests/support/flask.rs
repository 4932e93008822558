//! The applications in Python: as they were told, apart from each other, and gone afterwards.

use std::path::Path;

use hardtack_conformance::services::flask::Application;

const SECRET: (&str, &str) = ("JWT_SECRET_KEY", "a secret of forty characters, or even more");

#[tokio::test]
async fn each_has_its_own_options_and_ends_with_its_test() {
    let renamed = [SECRET, ("JWT_HEADER_NAME", "X-Token")];
    let (one, other) = tokio::join!(Application::Compat.start(&[SECRET]), Application::Compat.start(&renamed));
    for (process, message) in [(&one, "Missing Authorization Header"), (&other, "Missing X-Token Header")] {
        let response = process.client().get("/access").send().await;
        assert_eq!((response.status().as_u16(), response.json()["msg"].as_str()), (401, Some(message)));
    }
    // Every process of gunicorn is a child of the one that was started.
    let process = format!("/proc/{}", one.id());
    assert!(Path::new(&process).exists());
    let address = one.base_url().to_owned();
    drop(one);
    assert!(!Path::new(&process).exists());
    assert!(other.client().get("/optional").send().await.status() == 200, "the other goes on");
    // The worker notices by itself, a moment later.
    let mut late = hardtack_conformance::Client::new(address);
    let gone = async { while late.get("/optional").try_send().await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("the worker ends, too");
}

#[tokio::test]
#[should_panic(expected = "no such option: JWT_HEADER_NAMES")]
async fn an_unknown_option_is_told() {
    Application::Compat.start(&[SECRET, ("JWT_HEADER_NAMES", "X-Token")]).await;
}

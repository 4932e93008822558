//! Credentials in traces: `TraceLayer` prints the header fields of requests and responses if it is told to.

use hardtack_axum::AuthLayer;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, StatusCode};
use serde_json::json;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::log::Log;
use crate::site::{Site, routes};

#[tokio::test]
async fn e18_s88_traces_with_header_fields_contain_no_credential() {
    let log = Log::start();
    let trace = || {
        TraceLayer::new_for_http()
            .make_span_with(DefaultMakeSpan::new().level(Level::INFO).include_headers(true))
            .on_response(DefaultOnResponse::new().level(Level::INFO).include_headers(true))
    };
    // The outermost layer marks the sensitive fields of requests, as the guide says. The adapter marks those of
    // responses.
    let sensitive = [COOKIE, AUTHORIZATION, HeaderName::from_static("x-csrf-token")];
    let site = Site::bare(
        |builder| builder,
        |auth| {
            let routes = routes().layer(AuthLayer::new(auth)).layer(trace());
            routes.layer(SetSensitiveRequestHeadersLayer::new(sensitive))
        },
    )
    .await;
    let mut alice = site.visitor();
    let mut secrets = Vec::new();
    let mut seen = |alice: &hardtack_test_support::Client| {
        secrets.extend(alice.cookies().iter().map(|cookie| cookie.value.clone()).filter(|value| !value.is_empty()));
    };
    assert_eq!(alice.get("/login").send().await.status(), StatusCode::OK);
    seen(&alice);
    assert_eq!(alice.post("/login").json(&json!({})).send().await.status(), StatusCode::OK);
    seen(&alice);
    assert_eq!(alice.post("/page").csrf().send().await.status(), StatusCode::OK);
    site.expire_access();
    let refreshed = alice.get("/page").send().await;
    assert_eq!((refreshed.status(), refreshed.set_cookies().len()), (StatusCode::OK, 4));
    seen(&alice);
    let mut stranger = site.visitor();
    let forged = stranger.get("/page").raw_cookie_header("__Host-access_token_cookie=canary.of.mine").send().await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(alice.post("/logout").csrf().send().await.status(), StatusCode::OK);

    secrets.push("canary".to_owned());
    let log = log.take();
    assert!(log.contains("\"set-cookie\": Sensitive") && log.contains("\"cookie\": Sensitive"), "{log}");
    assert!(log.contains("clear-site-data"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret}: {log}");
    }
}

//! `AuthLayer` and `Require` among other layers, and around services that are not routers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use hardtack::jwt::Algorithm;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_axum::testing::{TestBrowser, TestUser};
use hardtack_axum::{AccessToken, AuthLayer, Need, Require};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;

fn authenticator(clock: &TestClock) -> Authenticator {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new());
    builder.clock(clock.clone()).build().unwrap()
}

fn pages() -> Router {
    Router::new()
        .route("/page", get(async |token: AccessToken| format!("{} ", token.subject()).repeat(1000)))
        .route("/upload", post(async |body: Bytes| body.len().to_string()))
        .route("/panic", get(async || -> String { panic!("a handler's mistake") }))
}

/// The field `content-encoding` of a response, or nothing.
fn encoding<B>(response: &Response<B>) -> &str {
    response.headers().get("content-encoding").map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_that_explains_refusals_needs_axums_body() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).base_url("http://localhost:3000").explain_refusals().build().unwrap();
    let page = || {
        let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000)));
        let page = Request::get("/__hardtack/why").header("host", "localhost:3000").extension(peer);
        page.body(Body::empty()).unwrap()
    };
    let refused = || Request::get("/page").header("host", "localhost:3000").body(Body::empty()).unwrap();
    let direct = pages().layer(AuthLayer::new(auth.clone()));
    assert_eq!(direct.clone().oneshot(refused()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let mut unknown = page();
    unknown.extensions_mut().clear();
    assert_eq!(direct.clone().oneshot(unknown).await.unwrap().status(), StatusCode::FORBIDDEN);
    let response = direct.oneshot(page()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("GET /page"));
    let layers = ServiceBuilder::new().layer(AuthLayer::new(auth)).layer(CompressionLayer::new());
    let compressed = pages().layer(layers).oneshot(page()).await.unwrap();
    assert_eq!(compressed.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_layers_work_in_a_stack_in_any_order() {
    let clock = TestClock::start_now();
    let auth = authenticator(&clock);
    let inside = pages().layer(
        ServiceBuilder::new()
            .layer(TraceLayer::new_for_http())
            .layer(CatchPanicLayer::new())
            .layer(RequestBodyLimitLayer::new(100))
            .layer(AuthLayer::new(auth.clone()))
            .layer(CompressionLayer::new())
            .layer(Require::new(Need::access())),
    );
    let outside = pages().layer(
        ServiceBuilder::new()
            .layer(AuthLayer::new(auth.clone()))
            .layer(CompressionLayer::new())
            .layer(RequestBodyLimitLayer::new(100))
            .layer(Require::new(Need::access()))
            .layer(TraceLayer::new_for_http())
            .layer(CatchPanicLayer::new()),
    );
    for app in [inside, outside] {
        let mut alice = TestUser::new("alice").log_in(&auth).await;
        let page = alice.get("/page").header("accept-encoding", "gzip");
        let page = app.clone().oneshot(page).await.unwrap();
        assert_eq!((page.status(), encoding(&page)), (StatusCode::OK, "gzip"));
        assert_eq!(page.headers()["cache-control"], "private, no-store");
        let upload = app.clone().oneshot(alice.post("/upload").body(vec![b'x'; 50])).await.unwrap();
        assert_eq!(upload.into_body().collect().await.unwrap().to_bytes(), "50");
        let long = app.clone().oneshot(alice.post("/upload").body(vec![b'x'; 101])).await.unwrap();
        assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let form = alice.post("/upload").without_header("x-csrf-token").form(&[("csrf_token", "forged")]);
        assert_eq!(app.clone().oneshot(form).await.unwrap().status(), StatusCode::FORBIDDEN);
        let refused = app.clone().oneshot(TestBrowser::new(&auth).get("/page")).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        // A refresh is not lost if the handler panics inside the layer.
        clock.advance(Duration::from_secs(15 * 60));
        let failed = app.clone().oneshot(alice.get("/panic")).await.unwrap();
        assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
        alice.receive(&failed);
        assert_eq!(app.oneshot(alice.get("/page")).await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn files_of_a_folder_can_be_guarded() {
    let auth = authenticator(&TestClock::start_now());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let files = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(100))
        .layer(AuthLayer::new(auth.clone()))
        .layer(Require::new(Need::access()).claim("role", "editor"))
        .service(ServeDir::new(folder));
    // Use the service both alone and in a router.
    let alone = files.clone();
    let app: Router = Router::new().nest_service("/files", files);
    let editor = TestUser::new("alice").claim("role", "editor").log_in(&auth).await;
    let reader = TestUser::new("bob").claim("role", "reader").log_in(&auth).await;
    for (user, status) in [(&editor, 200), (&reader, 403), (&TestBrowser::new(&auth), 401)] {
        let request: Request<Body> = user.get("/quickstart.rs").into();
        assert_eq!(alone.clone().oneshot(request).await.unwrap().status(), status);
        let served = app.clone().oneshot(user.get("/files/quickstart.rs")).await.unwrap();
        assert_eq!(served.status(), status);
        let text = served.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(text.starts_with(include_bytes!("../../examples/quickstart.rs")), status == 200);
    }
}

#[tokio::test]
async fn any_error_and_any_body_pass() {
    let auth = authenticator(&TestClock::start_now());
    let failing = service_fn(async |_: Request<Body>| Err::<Response<String>, _>(std::io::Error::other("no disk")));
    let texts = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new("in".to_owned())));
    let layers = || ServiceBuilder::new().layer(AuthLayer::new(auth.clone())).layer(Require::new(Need::access()));
    let alice = TestUser::new("alice").log_in(&auth).await;
    let request: Request<Vec<u8>> = alice.get("/").into();
    let request = request.map(|body| Full::new(Bytes::from(body)));
    assert_eq!(layers().service(failing).oneshot(request.clone()).await.unwrap_err().to_string(), "no disk");
    let response = layers().service(texts).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "in");
}

//! `AuthLayer` and `Require` among other middleware.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::middleware::{Condition, DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Logger, NormalizePath};
use actix_web::{App, error, test, web};
use hardtack::jwt::Algorithm;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, MemorySessions, Need, SigningKey};
use hardtack_actix::testing::{TestBrowser, TestUser};
use hardtack_actix::{AccessToken, AuthLayer, Require};

#[tokio::test]
async fn the_layers_work_among_other_middleware() {
    let clock = TestClock::start_now();
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).base_url("https://site.example").clock(clock.clone());
    let auth = builder.sessions(MemorySessions::new()).build().unwrap();
    let teapots = ErrorHandlers::new()
        .handler(StatusCode::IM_A_TEAPOT, |response| Ok(ErrorHandlerResponse::Response(response.map_into_left_body())));
    let page = web::resource("/page")
        .get(async |token: AccessToken| token.subject().to_owned())
        .wrap(Logger::default())
        .wrap(Condition::new(true, Require::new(Need::access())))
        .wrap(DefaultHeaders::new().add(("x-page", "1")));
    let tea = web::resource("/tea")
        .get(async |_: AccessToken| Err::<String, _>(error::ErrorImATeapot("short and stout")))
        .wrap(Require::new(Need::access()));
    let app = App::new()
        .service(page)
        .service(tea)
        .wrap(DefaultHeaders::new().add(("x-app", "1")))
        .wrap(Condition::new(true, AuthLayer::new(auth.clone())))
        .wrap(teapots)
        .wrap(NormalizePath::trim())
        .wrap(Logger::default());
    let app = test::init_service(app).await;

    let mut alice = TestUser::new("alice").log_in(&auth).await;
    // The cookies of a refresh reach the browser through all of these middlewares.
    clock.advance(Duration::from_secs(16 * 60));
    let response = test::call_service(&app, alice.get("/tea/").to_request()).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "private, no-store");
    alice.receive(&response);
    let response = test::call_service(&app, alice.get("/page/").to_request()).await;
    assert_eq!((response.status(), response.headers().contains_key("x-page")), (StatusCode::OK, true));
    assert_eq!(test::read_body(response).await, "alice");
    let visitor = TestBrowser::new(&auth).get("/page/?a=b").header("accept", "text/html");
    let refused = test::call_service(&app, visitor.to_request()).await;
    assert_eq!(refused.headers().get(LOCATION).unwrap(), "/login?next=%2Fpage%3Fa%3Db");
}

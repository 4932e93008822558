//! Logging in and out: the cookies, next to whatever else a handler answers.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Html, Json};
use actix_web::{Error, HttpResponse, Responder, body::MessageBody, error};
use hardtack_actix::{AccessToken, Auth, AuthError, SetCookies};
use serde_json::json;

use crate::site::{ACCESS, REFRESH, Site, refused, told, unsets_tokens};

#[tokio::test]
async fn s01_s02_a_log_in_and_a_log_out() {
    let site = Site::start().await;
    let mut alice = site.visitor();
    let login = alice.post("/login").json(&json!({})).send().await;
    assert_eq!(login.json(), json!({ "user": "alice" }), "next to JSON");
    assert_eq!(login.set_cookies().len(), 4);
    assert_eq!(login.header("cache-control"), Some("private, no-store"));
    let out = alice.post("/logout").csrf().accept_html().send().await;
    assert_eq!((out.status().as_u16(), out.location()), (303, Some("/public")), "next to a redirect");
    assert!(unsets_tokens(&out) && alice.cookies().is_empty());

    let again = alice.post("/login?next=/page").accept_html().json(&json!({})).send().await;
    assert_eq!((again.status().as_u16(), again.location()), (303, Some("/page")));
    let out = alice.post("/logout").csrf().accept_json().send().await;
    assert_eq!(out.json(), json!({ "user": null }));
    assert!(unsets_tokens(&out));
    assert_eq!(told(&alice, "/public").await, ["200 nobody"; 3]);
}

#[tokio::test]
async fn cookies_are_part_of_any_response() {
    async fn unset(auth: Auth) -> impl Responder {
        let cookies: SetCookies = auth.engine().unset_jwt_cookies().into();
        cookies.onto((Html::new("gone"), StatusCode::IM_A_TEAPOT))
    }
    async fn built(auth: Auth) -> HttpResponse {
        let cookies: SetCookies = auth.engine().unset_jwt_cookies().into();
        cookies.onto(HttpResponse::Accepted().insert_header(("set-cookie", "own=1")).body("built")).into()
    }
    async fn alone(auth: Auth) -> SetCookies {
        auth.engine().unset_access_cookies().into()
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/unset", web::get().to(unset))
                .route("/built", web::get().to(built))
                .route("/alone", web::get().to(alone));
        },
    )
    .await;
    let alice = site.alice().await;
    let own = alice.clone().get("/unset").send().await;
    assert_eq!((own.status().as_u16(), own.text(), own.set_cookies().len()), (418, "gone", 4));
    let built = alice.clone().get("/built").send().await;
    assert_eq!((built.status().as_u16(), built.text(), built.set_cookies().len()), (202, "built", 5));
    let mut alice = alice;
    let alone = alice.get("/alone").send().await;
    assert_eq!((alone.status().as_u16(), alone.text(), alone.set_cookies().len()), (200, "", 2));
    assert!(alice.cookie(ACCESS).is_none() && alice.cookie(REFRESH).is_some());
}

#[tokio::test]
async fn s63_what_no_cache_may_keep() {
    async fn cached(_: AccessToken) -> impl Responder {
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=3600")).body("mine")
    }
    async fn asset() -> impl Responder {
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=3600")).body("everybody's")
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/cached", web::get().to(cached)).route("/asset", web::get().to(asset));
        },
    )
    .await;
    let mut alice = site.alice().await;
    for path in ["/page", "/public", "/fresh", "/refresh-only", "/cached"] {
        let answer = alice.get(path).send().await;
        assert_eq!(answer.headers_all("cache-control"), ["private, no-store"], "{path}");
    }
    // Nobody's token was looked at here.
    assert_eq!(alice.get("/asset").send().await.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(site.visitor().get("/public").send().await.header("cache-control"), None);
}

#[tokio::test]
async fn additions_reach_the_responses_of_errors() {
    async fn failing(_: AccessToken) -> Result<String, Error> {
        Err(error::ErrorImATeapot("the handler's own"))
    }
    async fn badly_typed(_: AccessToken, _: Json<String>) -> &'static str {
        "never"
    }
    async fn stop(
        token: AccessToken,
        _: ServiceRequest,
        _: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<actix_web::body::BoxBody>, Error> {
        Err(error::ErrorTooManyRequests(format!("slower, {}", token.subject())))
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/failing", web::get().to(failing))
                .route("/typed", web::post().to(badly_typed))
                .service(web::scope("/stopped").wrap(from_fn(stop)).route("", web::get().to(failing)));
        },
    )
    .await;
    for (path, status, text) in [("/failing", 418, "the handler's own"), ("/stopped", 429, "slower, alice")] {
        let mut alice = site.alice().await;
        site.expire_access();
        let failed = alice.get(path).send().await;
        assert_eq!((failed.status().as_u16(), failed.text()), (status, text));
        assert_eq!(failed.set_cookies().len(), 4, "{path}: the refresh is not lost");
        assert_eq!(failed.header("cache-control"), Some("private, no-store"));
        assert_eq!(alice.get("/page").send().await.text(), "alice:");
    }
    let mut alice = site.alice().await;
    site.expire_access();
    let failed = alice.post("/typed").csrf().header("content-type", ContentType::json().to_string()).send().await;
    assert_eq!((failed.status().as_u16(), failed.set_cookies().len()), (400, 4), "another extractor's error");
}

#[tokio::test]
async fn a_log_out_during_a_refresh_stays_one() {
    async fn leave(token: AccessToken, auth: Auth) -> Result<impl Responder, AuthError> {
        Ok(auth.log_out().await?.onto(Json(json!({ "left": token.subject() }))))
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/leave", web::post().to(leave));
        },
    )
    .await;
    let mut alice = site.alice().await;
    site.expire_access();
    let before = alice.clone();
    let left = alice.post("/leave").csrf().send().await;
    assert_eq!(left.json(), json!({ "left": "alice" }));
    assert!(unsets_tokens(&left) && left.set_cookies().len() == 4, "{:?}", left.set_cookies());
    assert_eq!(refused(&before.clone().get("/page").accept_json().send().await), (401, "revoked".into()));
}

#[tokio::test]
async fn what_the_handler_reads_of_its_request() {
    async fn show(auth: Auth) -> String {
        let agent = auth.headers().get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        format!("{:?} {:?} {agent} {}", auth.query("a"), auth.wants(), auth.next_or_home())
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/show", web::get().to(show));
        },
    )
    .await;
    let mut client = site.visitor();
    let request = client.get("/show?a=%20b&next=/page").accept_html().header("user-agent", "Lynx");
    assert_eq!(request.send().await.text(), "Some(\" b\") Page Lynx /page");
}

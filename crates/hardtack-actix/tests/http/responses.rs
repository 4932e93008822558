//! Adds cookies to responses of every kind.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Html, Json};
use actix_web::{Error, HttpResponse, Responder, body::MessageBody, error};
use hardtack_actix::{AccessToken, Algorithm, Auth, Authenticator, KeySet, SetCookies, SigningKey};

use crate::site::{ACCESS, REFRESH, Site};

#[tokio::test]
async fn cookies_are_part_of_any_response() {
    async fn unset(auth: Auth) -> impl Responder {
        let cookies: SetCookies = auth.authenticator().unset_jwt_cookies().into();
        cookies.onto((Html::new("gone"), StatusCode::IM_A_TEAPOT))
    }
    async fn built(auth: Auth) -> HttpResponse {
        let cookies: SetCookies = auth.authenticator().unset_jwt_cookies().into();
        cookies.onto(HttpResponse::Accepted().insert_header(("set-cookie", "own=1")).body("built")).into()
    }
    async fn alone(auth: Auth) -> SetCookies {
        auth.authenticator().unset_access_cookies().into()
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
async fn e18_s88_debug_output_of_the_header_fields_contains_no_credential() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).base_url("https://site.example").build().unwrap();
    let cookies = auth.log_in("alice").await.unwrap();
    let values: Vec<String> =
        cookies.iter().map(|cookie| cookie.split(['=', ';']).nth(1).unwrap().to_owned()).collect();
    let response: HttpResponse = SetCookies::from(cookies).onto(HttpResponse::Ok().finish()).into();
    let fields: Vec<_> = response.headers().get_all("set-cookie").collect();
    assert!(fields.len() == 4 && fields.iter().all(|value| value.is_sensitive()));
    let shown = format!("{:?}", response.headers());
    assert!(values.iter().all(|value| !shown.contains(value)), "{shown}");
}

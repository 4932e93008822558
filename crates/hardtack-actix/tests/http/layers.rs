//! The layers: `Require`, scopes, and routes without a layer.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, Error, body::MessageBody};
use hardtack::{AuthenticatorBuilder, BackendError, FindUser, Need};
use hardtack_actix::{
    AccessToken, Auth, AuthLayer, CurrentUser, FreshAccessToken, Optional, RefreshToken, Require, SetCookies,
};
use hardtack_test_support::Client;

use crate::site::{CSRF, Site, refused, routes, serve, summary};

async fn who(token: AccessToken) -> String {
    token.subject().to_owned()
}

#[tokio::test]
async fn require_around_a_scope_hides_unknown_paths() {
    let site = Site::with(
        |builder| builder,
        |app| {
            let reports = web::scope("/reports").route("", web::get().to(async || "secret"));
            app.service(reports.wrap(Require::new(Need::access())));
        },
    )
    .await;
    for path in ["/reports", "/reports/none"] {
        assert_eq!(summary(&site.visitor(), path).await[1], "401 missing_token", "{path}");
    }
    assert_eq!(summary(&site.alice().await, "/reports").await, ["200 secret"; 3]);
}

#[tokio::test]
async fn a_scope_knows_the_full_path() {
    let inner = || web::resource("/page").get(who);
    let outside = Site::bare(
        |builder| builder,
        |auth| {
            serve!(move || {
                let area = web::scope("/area").service(web::scope("/deep").service(inner()));
                App::new().service(area).wrap(AuthLayer::new(auth.clone()))
            })
        },
    );
    let inside = Site::bare(
        |builder| builder,
        |auth| {
            serve!(move || {
                let deep = web::scope("/deep").service(inner().wrap(AuthLayer::new(auth.clone())));
                App::new().service(web::scope("/area").service(deep))
            })
        },
    );
    for site in [outside.await, inside.await] {
        let summary = summary(&site.visitor(), "/area/deep/page?a=b").await;
        assert_eq!(summary[0], "303 /login?next=%2Farea%2Fdeep%2Fpage%3Fa%3Db");
    }
}

/// actix-web cannot route a request while a middleware holds a clone of it.
#[tokio::test]
async fn a_middleware_may_keep_what_it_extracted() {
    async fn audit(
        auth: Auth,
        token: Optional<AccessToken>,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        assert_eq!(auth.query("a").is_some(), token.is_some());
        Ok(response)
    }
    let site = Site::bare(
        |builder| builder,
        |auth| serve!(move || App::new().configure(routes).wrap(from_fn(audit)).wrap(AuthLayer::new(auth.clone()))),
    )
    .await;
    let mut alice = site.alice().await;
    assert_eq!(alice.get("/page?a=b").send().await.text(), "alice:");
}

/// `verify_jwt_in_request(optional=True)`, and `OPTIONS` requests where they are exempt.
#[tokio::test]
async fn require_allows_visitors_and_exempt_options() {
    let app = |need: Need| {
        move |app: &mut web::ServiceConfig| {
            app.service(web::resource("/reports").to(async || "in").wrap(Require::new(need)));
        }
    };
    let optional = Site::with(|builder| builder, app(Need::access().optional())).await;
    let exempt = Site::with(AuthenticatorBuilder::exempt_options, app(Need::access())).await;
    assert_eq!(summary(&optional.visitor(), "/reports").await, ["200 in"; 3]);
    let mut forged = optional.visitor();
    forged.set_cookie_raw("__Host-access_token_cookie=a.b.c; Path=/; Secure");
    assert_eq!(summary(&forged, "/reports").await, ["200 in"; 3]);
    assert_eq!(exempt.visitor().request(http::Method::OPTIONS, "/reports").send().await.text(), "in");
    assert_eq!(summary(&exempt.visitor(), "/reports").await[1], "401 missing_token");
}

#[derive(Debug)]
struct Member;

impl FindUser for Member {
    type State = ();

    async fn find_user(_: &str, (): &()) -> Result<Option<Self>, BackendError> {
        Ok(Some(Self))
    }
}

#[tokio::test]
async fn without_the_layer() {
    let address = serve!(|| App::new()
        .app_data(Data::new(()))
        .route("/access", web::get().to(async |_: AccessToken| "in"))
        .route("/fresh", web::get().to(async |_: FreshAccessToken| "in"))
        .route("/refresh", web::get().to(async |_: RefreshToken| "in"))
        .route("/perhaps", web::get().to(async |_: Optional<AccessToken>| "in"))
        .route("/user", web::get().to(async |_: CurrentUser<Member>| "in"))
        .route("/auth", web::get().to(async |_: Auth| SetCookies::default()))
        .service(web::resource("/required").get(async || "in").wrap(Require::new(Need::access()))));
    for path in ["/access", "/fresh", "/refresh", "/perhaps", "/user", "/auth", "/required"] {
        let failed = Client::new(address).get(path).send().await;
        assert_eq!(failed.status(), 500, "{path}: neither allowed nor a panic");
        assert!(failed.text().starts_with("The server is not set up"), "{path} {}", failed.text());
    }
}

#[tokio::test]
async fn an_authenticator_in_the_app_data_suffices_to_verify() {
    let site = Site::bare(
        |builder| builder,
        |auth| {
            serve!(move || {
                let bare = web::scope("/bare").service(web::resource("/page").get(who).post(who));
                App::new()
                    .service(bare.app_data(Data::new(auth.clone())))
                    .service(web::scope("").configure(routes).wrap(AuthLayer::new(auth.clone())))
            })
        },
    )
    .await;
    let mut alice = site.alice().await;
    assert_eq!(alice.get("/bare/page").send().await.text(), "alice");
    assert_eq!(alice.post("/bare/page").csrf().send().await.text(), "alice");
    let token = alice.cookie(CSRF).unwrap().value.clone();
    let unread = alice.post("/bare/page").form(&[("csrf_token", token)]).accept_json().send().await;
    assert_eq!(refused(&unread), (403, "csrf_unread".into()), "a form needs the layer");
    site.expire_access();
    assert_eq!(summary(&alice, "/bare/page").await[1], "401 expired", "a refresh needs the layer");
}

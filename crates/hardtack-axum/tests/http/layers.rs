//! The layers: `Require`, nested routers, and routes without a layer.

use axum::routing::{any, get};
use axum::{Extension, Router};
use hardtack::{AuthenticatorBuilder, Need};
use hardtack_axum::{AccessToken, Auth, AuthLayer, CurrentUser, FreshAccessToken, RefreshToken, Require};
use http::Method;

use crate::log::Log;
use crate::site::{Site, routes, serve, summary};
use hardtack_test_support::Client;

async fn who(token: AccessToken) -> String {
    token.subject().to_owned()
}

#[tokio::test]
async fn require_around_a_router_hides_unknown_paths() {
    let guarded = || Router::new().route("/reports", get(async || "secret"));
    let require = Require::new(Need::access());
    for (app, hidden) in
        [(guarded().layer(require.clone()), "401 missing_token"), (guarded().route_layer(require), "404 ")]
    {
        let site = Site::bare(|builder| builder, |auth| app.layer(AuthLayer::new(auth))).await;
        assert_eq!(summary(&site.visitor(), "/reports").await[1], "401 missing_token");
        assert_eq!(summary(&site.visitor(), "/none").await[1], hidden);
    }
}

#[tokio::test]
async fn a_nested_router_knows_the_full_path() {
    let inner = || Router::new().route("/page", get(who));
    let outside = Site::bare(
        |builder| builder,
        |auth| Router::new().nest("/area", Router::new().nest("/deep", inner())).layer(AuthLayer::new(auth)),
    );
    let inside = Site::bare(
        |builder| builder,
        |auth| Router::new().nest("/area", Router::new().nest("/deep", inner().layer(AuthLayer::new(auth)))),
    );
    let required = Site::bare(
        |builder| builder,
        |auth| {
            let deep = inner().layer(Require::new(Need::access())).layer(AuthLayer::new(auth));
            Router::new().nest("/area", Router::new().nest("/deep", deep))
        },
    );
    for site in [outside.await, inside.await, required.await] {
        let summary = summary(&site.visitor(), "/area/deep/page?a=b").await;
        assert_eq!(summary[0], "303 /login?next=%2Farea%2Fdeep%2Fpage%3Fa%3Db");
    }
}

/// `verify_jwt_in_request(optional=True)`, and `OPTIONS` requests where they are exempt.
#[tokio::test]
async fn require_allows_visitors_and_exempt_options() {
    let app = |need| Router::new().route("/page", any(async || "in")).layer(Require::new(need));
    let optional = Site::bare(|builder| builder, |auth| app(Need::access().optional()).layer(AuthLayer::new(auth)));
    let exempt =
        Site::bare(AuthenticatorBuilder::exempt_options, |auth| app(Need::access()).layer(AuthLayer::new(auth)));
    let (optional, exempt) = (optional.await, exempt.await);
    assert_eq!(summary(&optional.visitor(), "/page").await, ["200 in"; 3]);
    let mut forged = optional.visitor();
    forged.set_cookie_raw("__Host-access_token_cookie=a.b.c; Path=/; Secure");
    assert_eq!(summary(&forged, "/page").await, ["200 in"; 3]);
    assert_eq!(exempt.visitor().request(Method::OPTIONS, "/page").send().await.text(), "in");
    assert_eq!(summary(&exempt.visitor(), "/page").await[1], "401 missing_token");
}

/// `.layer(Require)` guards the fallback, and `.merge()` takes it along, so that unknown paths lead to the log-in page.
/// `.route_layer` does not.
#[tokio::test]
async fn e20_a_merged_router_guards_only_its_routes() {
    let guarded = || Router::new().route("/reports", get(async || "secret"));
    let require = Require::new(Need::access());
    let merged = |app: Router| Router::new().route("/open", get(async || "open")).merge(app);
    let site = Site::bare(|builder| builder, |auth| merged(guarded().route_layer(require)).layer(AuthLayer::new(auth)));
    let site = site.await;
    assert_eq!(summary(&site.visitor(), "/reports").await[1], "401 missing_token");
    assert_eq!(summary(&site.visitor(), "/open").await, ["200 open"; 3]);
    assert_eq!(summary(&site.visitor(), "/none").await, ["404 "; 3]);
}

// Use one thread, so that the test captures the server's log.
#[tokio::test(flavor = "current_thread")]
async fn e06_e20_the_log_names_the_claim_and_the_loop() {
    #[derive(serde::Deserialize)]
    struct Level {
        #[allow(dead_code)]
        level: u8,
    }
    let log = Log::start();
    let app = Router::new()
        .route("/level", get(async |_: AccessToken<Level>| "in"))
        .route("/editors", get(async || "in").layer(Require::new(Need::access()).claim("role", "editor")))
        .route("/forbids", get(async |auth: Auth| auth.forbid("Only its author may edit a post.")))
        .route("/enter", get(async || "in").layer(Require::new(Need::access())));
    let site = Site::with(|builder| builder.urls(hardtack::Urls::default().login("/enter")), app).await;
    let mut alice = site.alice().await;
    log.take();
    for (path, named) in [("/level", "level"), ("/editors", "role"), ("/forbids", "Only its author")] {
        let refused = alice.get(path).send().await;
        assert_eq!((refused.status().as_u16(), refused.set_cookies().len()), (403, 0), "{path}");
        let logged = log.take();
        assert!(logged.contains("INFO") && logged.contains(named), "{path}: {logged}");
        assert_eq!(refused.text().contains(named), path == "/forbids", "{path}: {}", refused.text());
    }
    let refused = site.visitor().get("/enter").accept_html().send().await;
    assert_eq!((refused.status().as_u16(), refused.location()), (401, None));
    let logged = log.take();
    assert!(logged.contains("ERROR") && logged.contains("redirect_loop") && logged.contains("route_layer"), "{logged}");
}

#[derive(Debug)]
struct Member;

impl hardtack::FindUser for Member {
    type State = ();

    async fn find_user(_: &str, (): &()) -> Result<Option<Self>, hardtack::BackendError> {
        Ok(Some(Self))
    }
}

// Use one thread, so that the test captures the server's log.
#[tokio::test(flavor = "current_thread")]
async fn without_the_layer() {
    let log = Log::start();
    let app = Router::new()
        .route("/access", get(async |_: AccessToken| "in"))
        .route("/fresh", get(async |_: FreshAccessToken| "in"))
        .route("/refresh", get(async |_: RefreshToken| "in"))
        .route("/perhaps", get(async |_: Option<AccessToken>| "in"))
        .route("/user", get(async |_: CurrentUser<Member>| "in"))
        .route("/auth", get(async |_: Auth| "in"))
        .route("/required", get(async || "in").layer(Require::new(Need::access())));
    let address = serve(app).await;
    let mut logged = String::new();
    for path in ["/access", "/fresh", "/refresh", "/perhaps", "/user", "/auth", "/required"] {
        let mut client = Client::new(address);
        let failed = client.get(path).send().await;
        assert_eq!(failed.status(), 500, "{path}: neither allowed nor a panic");
        assert!(!failed.text().contains("AuthLayer"), "{path}");
        logged.push_str(&log.take());
    }
    // The process logs at most one such line a second. If another test has caused the latest line, the next one is
    // logged when that second is over.
    while !logged.contains("not_set_up") {
        Client::new(address).get("/access").send().await;
        logged.push_str(&log.take());
    }
    let line = logged.lines().find(|line| line.contains("not_set_up")).unwrap();
    assert!(line.contains("ERROR") && line.contains(".layer(AuthLayer::new(auth))"), "it says what to do: {line}");
}

#[tokio::test]
async fn an_authenticator_in_an_extension_suffices_to_verify() {
    let app = |auth| Router::new().route("/page", get(who).post(who)).layer(Extension(auth));
    let site =
        Site::bare(|builder| builder, |auth| routes().layer(AuthLayer::new(auth.clone())).nest("/bare", app(auth)));
    let site = site.await;
    let mut alice = site.alice().await;
    assert_eq!(alice.get("/bare/page").send().await.text(), "alice");
    assert_eq!(alice.post("/bare/page").csrf().send().await.text(), "alice");
    let token = alice.cookie("__Host-csrf_access_token").unwrap().value.clone();
    let unread = alice.post("/bare/page").form(&[("csrf_token", token)]).accept_json().send().await;
    assert_eq!(crate::site::code(&unread), "csrf_unread", "a form needs the layer");
    site.expire_access();
    assert_eq!(summary(&alice, "/bare/page").await[1], "401 expired", "a refresh needs the layer");
}

// Use one thread, so that the test captures the server's log.
#[tokio::test(flavor = "current_thread")]
async fn s64_no_credential_is_logged() {
    let log = Log::start();
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let secrets =
        |client: &Client| -> Vec<String> { client.cookies().iter().map(|cookie| cookie.value.clone()).collect() };
    let mut canaries = secrets(&alice);
    alice.get("/page").send().await;
    site.expire_access();
    alice.get("/page").send().await;
    canaries.extend(secrets(&alice));
    alice.post("/page").form(&[("csrf_token", "canary")]).send().await;
    alice.clone().get("/page").raw_cookie_header("__Host-access_token_cookie=canary").send().await;
    alice.post("/logout").csrf().send().await;
    canaries.push("canary".to_owned());
    let logged = log.take();
    assert!(logged.contains("login") && logged.contains("logout"), "{logged}");
    for canary in canaries {
        assert!(!logged.contains(&canary), "{canary} in {logged}");
    }
}

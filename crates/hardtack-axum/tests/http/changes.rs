//! Logging in and out: the cookies, next to whatever else a handler answers.

use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use hardtack_axum::{AccessToken, Auth, AuthError, SetCookies};
use http::{StatusCode, header};
use serde_json::json;

use crate::site::{ACCESS, REFRESH, Site, code, told, unsets_tokens};

#[tokio::test]
async fn s01_s02_a_log_in_next_to_json() {
    let site = Site::start().await;
    let mut client = site.visitor();
    let login = client.post("/login").accept_json().json(&json!({})).send().await;
    assert_eq!(login.json(), json!({ "user": "alice" }));
    assert_eq!(login.header("cache-control"), Some("private, no-store"));
    let cookies = login.set_cookies();
    assert_eq!(cookies.len(), 4, "{cookies:?}");
    for cookie in cookies {
        assert!(cookie.name.starts_with("__Host-"), "{}", cookie.raw);
        assert!(cookie.secure && cookie.path == "/" && cookie.domain.is_none(), "{}", cookie.raw);
        assert_eq!(cookie.http_only, !cookie.name.contains("csrf"), "{}", cookie.raw);
        assert_eq!(cookie.same_site.as_deref(), Some("Lax"), "{}", cookie.raw);
    }
}

#[tokio::test]
async fn s62_a_log_in_next_to_a_redirect() {
    let site = Site::start().await;
    for (next, to) in [
        ("/page%3Fa%3Db", "/page?a=b"),
        ("%2F%2Fevil.example", "/"),
        ("https:%2F%2Fevil.example", "/"),
        ("%2Flogout", "/"),
        ("", "/"),
    ] {
        let mut client = site.visitor();
        let request = client.post(&format!("/login?next={next}")).accept_html().json(&json!({}));
        let login = request.send().await;
        assert_eq!((login.status().as_u16(), login.location()), (303, Some(to)), "{next}");
        assert!(client.cookie(ACCESS).is_some() && client.cookie(REFRESH).is_some());
        assert_eq!(told(&client, "/page").await, ["200 alice:"; 3]);
    }
}

#[tokio::test]
async fn s08_a_log_out_next_to_a_redirect_and_next_to_json() {
    let site = Site::start().await;
    for page in [true, false] {
        let mut alice = site.alice().await;
        let request = alice.post("/logout").csrf();
        let request = if page { request.accept_html() } else { request.accept_json() };
        let logout = request.send().await;
        let (status, to) = if page { (303, Some("/public")) } else { (200, None) };
        assert_eq!((logout.status().as_u16(), logout.location()), (status, to));
        assert!(unsets_tokens(&logout));
        assert_eq!(logout.header("cache-control"), Some("private, no-store"));
        assert!(alice.cookies().is_empty(), "the deletions fit what was set: {:?}", alice.cookies());
        assert_eq!(told(&alice, "/public").await, ["200 nobody"; 3]);
        // Once more, with nobody logged in.
        assert_eq!(alice.post("/logout").send().await.status(), 200);
    }
}

#[tokio::test]
async fn cookies_are_part_of_any_response() {
    async fn unset(auth: Auth) -> (StatusCode, SetCookies, Html<&'static str>) {
        (StatusCode::IM_A_TEAPOT, auth.engine().unset_jwt_cookies().into(), Html("gone"))
    }
    async fn alone(auth: Auth) -> SetCookies {
        auth.engine().unset_access_cookies().into()
    }
    let more = Router::new().route("/unset", get(unset)).route("/alone", get(alone));
    let site = Site::with(|builder| builder, more).await;
    let mut alice = site.alice().await;
    let own = alice.get("/unset").send().await;
    assert_eq!((own.status().as_u16(), own.text()), (418, "gone"));
    assert_eq!(own.set_cookies().len(), 4);
    let mut alice = site.alice().await;
    assert_eq!(alice.get("/alone").send().await.set_cookies().len(), 2);
    assert!(alice.cookie(ACCESS).is_none() && alice.cookie(REFRESH).is_some());
}

#[tokio::test]
async fn s63_what_no_cache_may_keep() {
    async fn cached(_: AccessToken) -> impl IntoResponse {
        ([(header::CACHE_CONTROL, "public, max-age=3600")], "mine")
    }
    async fn asset() -> impl IntoResponse {
        ([(header::CACHE_CONTROL, "public, max-age=3600")], "everybody's")
    }
    let more = Router::new().route("/cached", get(cached)).route("/asset", get(asset));
    let site = Site::with(|builder| builder, more).await;
    let mut alice = site.alice().await;
    for path in ["/page", "/public", "/fresh", "/refresh-only", "/cached"] {
        let answer = alice.get(path).send().await;
        assert_eq!(answer.headers_all("cache-control"), ["private, no-store"], "{path}");
    }
    // Nobody's token was looked at here.
    assert_eq!(alice.get("/asset").send().await.header("cache-control"), Some("public, max-age=3600"));
    let mut visitor = site.visitor();
    assert_eq!(visitor.get("/public").send().await.header("cache-control"), None);
    for accept in ["text/html", "application/json"] {
        let refused = visitor.get("/page").header("accept", accept).send().await;
        assert_eq!(refused.headers_all("cache-control"), ["private, no-store"]);
    }
    site.expire_access();
    let refreshed = alice.get("/cached").send().await;
    assert_eq!(refreshed.headers_all("cache-control"), ["private, no-store"]);
    let form = site.visitor().get("/login").send().await;
    assert_eq!(form.headers_all("cache-control"), ["private, no-store"], "it carries this browser's token");
}

#[tokio::test]
async fn a_log_out_during_a_refresh_stays_one() {
    async fn leave(token: AccessToken, auth: Auth) -> Result<impl IntoResponse, AuthError> {
        Ok((auth.log_out().await?, Json(json!({ "left": token.subject() }))))
    }
    let site = Site::with(|builder| builder, Router::new().route("/leave", post(leave))).await;
    let mut alice = site.alice().await;
    site.expire_access();
    let before = alice.clone();
    let left = alice.post("/leave").csrf().send().await;
    assert_eq!(left.json(), json!({ "left": "alice" }));
    assert!(unsets_tokens(&left));
    assert_eq!(left.set_cookies().len(), 4, "no cookie of the refresh: {:?}", left.set_cookies());
    assert!(alice.cookies().is_empty());
    let dead = before.clone().get("/page").accept_json().send().await;
    assert_eq!((dead.status().as_u16(), code(&dead).as_str()), (401, "revoked"));
}

#[tokio::test]
async fn s35_a_new_password_ends_all_other_sessions() {
    async fn renew(auth: Auth) -> Result<impl IntoResponse, AuthError> {
        Ok((auth.renew().await?, Redirect::to("/page")))
    }
    let site = Site::with(|builder| builder, Router::new().route("/renew", post(renew))).await;
    let mut here = site.alice().await;
    let elsewhere = site.alice().await;
    let copy = here.clone();
    assert_eq!(here.post("/renew").csrf().send().await.status(), 303);
    assert_eq!(told(&here, "/fresh").await, ["200 alice"; 3]);
    for dead in [elsewhere, copy] {
        assert_eq!(told(&dead, "/page").await[1], "401 revoked");
        assert_eq!(code(&dead.clone().post("/token/refresh").csrf().send().await), "revoked");
    }
}

#[tokio::test]
async fn s45_a_password_typed_again_by_somebody_else() {
    async fn again(auth: Auth) -> Result<SetCookies, AuthError> {
        auth.reauthenticate(&auth.query("as").unwrap_or_default()).await
    }
    let site = Site::with(|builder| builder, Router::new().route("/again", post(again))).await;
    let mut alice = site.alice().await;
    site.expire_access();
    assert_eq!(told(&alice.clone(), "/fresh").await[1], "401 insufficient_user_authentication");
    let refused = alice.post("/again?as=bob").csrf().accept_json().send().await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (401, "other_user"));
    assert_eq!(told(&alice, "/fresh").await[1], "401 insufficient_user_authentication");
    assert_eq!(alice.post("/again?as=alice").csrf().send().await.status(), 200);
    assert_eq!(told(&alice, "/fresh").await, ["200 alice"; 3]);
    assert_eq!(site.visitor().post("/again?as=alice").send().await.status(), 401);
}

#[tokio::test]
async fn what_the_handler_reads_of_its_request() {
    async fn show(auth: Auth) -> String {
        let agent = auth.headers().get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        format!("{:?} {:?} {agent} {}", auth.query("a"), auth.wants(), auth.next_or_home())
    }
    let site = Site::with(|builder| builder, Router::new().route("/show", get(show))).await;
    let mut client = site.visitor();
    let request = client.get("/show?a=%20b&next=/page").accept_html().header("user-agent", "Lynx");
    assert_eq!(request.send().await.text(), "Some(\" b\") Page Lynx /page");
}

#[tokio::test]
async fn a_cookie_too_large_is_an_error_and_no_half_log_in() {
    let site = Site::start().await;
    let mut client = site.visitor();
    let role = "x".repeat(4000);
    let refused = client.post(&format!("/login?role={role}")).json(&json!({})).send().await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (500, "cannot_issue"));
    assert!(!refused.text().contains("4096") && client.cookies().is_empty(), "{}", refused.text());
    assert!(site.auth.sessions("alice").await.unwrap().is_empty());
}

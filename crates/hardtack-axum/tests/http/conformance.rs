//! The conformance suite, with the application that it requires written for axum.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, BackendError, Need};
use hardtack_axum::{
    AccessToken, Auth, AuthError, AuthLayer, ClientAddress, CurrentUser, FreshAccessToken, HasRole, Proven,
    RefreshToken, Require, SetCookies, routes,
};
use hardtack_conformance::application::{
    Calls, Editor, Login, Role, UNSURE_ERROR, User, check_password, ready_routes_wanted, wants_name,
};
use hardtack_conformance::{Adapter, Serving};
use hardtack_test_support::server;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn suite() {
    hardtack_conformance::run(&Axum).await;
}

struct Axum;

impl Adapter for Axum {
    async fn serve(&self, authenticator: Option<Authenticator>) -> Serving {
        let app = match authenticator {
            Some(authenticator) if ready_routes_wanted(&authenticator) => {
                let ready = routes::password_log_in(&authenticator, check_password);
                application().merge(ready).layer(AuthLayer::new(authenticator))
            }
            Some(authenticator) => application().layer(AuthLayer::new(authenticator)),
            None => application(),
        };
        let (listener, address) = server::bind().await;
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        Serving::task(address, tokio::spawn(axum::serve(listener, app).into_future()))
    }
}

fn application() -> Router {
    let guarded = Router::new()
        .route("/guarded/page", get(guarded).post(guarded))
        .route("/guarded/token", get(whose).post(whose))
        .route_layer(Require::new(Need::access()));
    let guarded_fresh =
        Router::new().route("/guarded-fresh/page", get(nothing)).route_layer(Require::new(Need::access().fresh()));
    let guarded_proven = Router::new()
        .route("/guarded-proven/page", get(nothing))
        .route_layer(Require::new(Need::access().proven(Duration::from_secs(300))));
    let editors = Router::new()
        .route("/editors/page", get(nothing).post(nothing))
        .route_layer(Require::new(Need::access()).claim("role", "editor"));
    Router::new()
        .route("/anyone", get(anyone))
        .route("/protected", get(protected).options(protected).post(protected).put(protected).delete(protected))
        .route("/fresh", get(fresh).post(fresh))
        .route("/proven", get(proven).post(proven))
        .route("/refresh-token", get(refresh_token).post(refresh_token))
        .route("/user", get(user))
        .route("/user/optional", get(optional_user))
        .route("/claims", get(claims))
        .route("/editor", get(editor).post(editor))
        .route("/form", get(form))
        .route("/login", post(log_in))
        .route("/logout", get(log_out).post(log_out))
        .route("/token/refresh", get(refresh).post(refresh))
        .route("/token/bind", post(bind_device))
        .route("/token/bound", post(refresh_bound))
        .route("/reauthenticate", post(reauthenticate))
        .route("/renew", post(renew))
        .route("/echo", post(echo))
        .route("/upload", post(upload))
        .route("/redirects", get(redirects))
        .route("/unsets", get(unset).post(unset_by_log_out))
        .route("/intercepted", get(whose).layer(map_response(intercept)))
        .route("/refuses", get(refuses))
        .route("/forbids", get(forbids))
        .route("/unsure", get(unsure))
        .route("/same-origin", get(same_origin))
        .route("/signup", post(sign_up))
        .route("/about", get(about))
        .route("/client", get(client))
        .nest("/nested", Router::new().route("/inner", get(whose).post(whose)))
        .merge(guarded)
        .merge(guarded_fresh)
        .merge(guarded_proven)
        .merge(editors)
        .layer(DefaultBodyLimit::max(4 << 20))
        .with_state(Calls::default())
}

async fn anyone(token: Option<AccessToken>) -> Json<Value> {
    Json(json!({ "sub": token.as_ref().map(|token| token.subject()) }))
}

async fn protected(token: AccessToken, auth: Auth, State(calls): State<Calls>) -> Json<Value> {
    let fresh = token.is_fresh(auth.authenticator().now());
    Json(json!({ "sub": token.subject(), "fresh": fresh, "calls": calls.count() }))
}

async fn fresh(token: FreshAccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn proven(_: Proven<300>, State(calls): State<Calls>, body: Bytes) -> impl IntoResponse {
    ([("x-calls", calls.count().to_string())], body)
}

async fn refresh_token(token: RefreshToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn user(user: CurrentUser<User>) -> Json<Value> {
    Json(json!({ "sub": user.token().subject(), "name": user.name }))
}

async fn optional_user(user: Option<CurrentUser<User>>) -> Json<Value> {
    Json(json!({ "name": user.map(|user| user.into_user().name) }))
}

async fn claims(token: AccessToken<Role>) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "role": token.extra().role }))
}

async fn editor(editor: HasRole<Editor>) -> Json<Value> {
    Json(json!({ "sub": editor.subject() }))
}

async fn form(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    let (token, cookies) = auth.pre_session()?;
    Ok((cookies, Json(json!({ "csrf_token": token }))))
}

async fn log_in(auth: Auth, headers: HeaderMap, body: Bytes) -> Result<Response, AuthError> {
    let login = read(&headers, &body);
    let cookies = auth.log_in(login.to_log_in()).await?;
    Ok(match auth.wants() {
        Wants::Page => (cookies, Redirect::to(&auth.next_or_home())).into_response(),
        _ => (cookies, Json(json!({ "sub": login.sub }))).into_response(),
    })
}

fn read(headers: &HeaderMap, body: &[u8]) -> Login {
    let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Login::parse(content_type.unwrap_or_default(), body)
}

async fn log_out(auth: Auth) -> Result<Response, AuthError> {
    let cookies = auth.log_out().await?;
    Ok(match auth.wants() {
        Wants::Page => (cookies, Redirect::to("/anyone")).into_response(),
        _ => (cookies, Json(json!({ "sub": null }))).into_response(),
    })
}

async fn refresh(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_and_return().await
}

async fn bind_device(auth: Auth) -> Result<Response, AuthError> {
    auth.bind_device().await
}

async fn refresh_bound(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_bound().await
}

async fn reauthenticate(auth: Auth, headers: HeaderMap, body: Bytes) -> Result<impl IntoResponse, AuthError> {
    let login = read(&headers, &body);
    Ok((auth.reauthenticate(&login.sub).await?, Json(json!({ "sub": login.sub }))))
}

async fn renew(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    Ok((auth.renew(EndedSessions::none()).await?, nothing().await))
}

async fn echo(_: AccessToken, State(calls): State<Calls>, body: Bytes) -> impl IntoResponse {
    ([("x-calls", calls.count().to_string())], body)
}

/// Counts the bytes of the body as they arrive, without storing them.
async fn upload(_: AccessToken, mut body: Body) -> Response {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    Json(json!({ "bytes": bytes })).into_response()
}

async fn redirects(_: AccessToken) -> impl IntoResponse {
    let headers = [("set-cookie", "theme=dark; Path=/"), ("cache-control", "public, max-age=60")];
    (headers, Redirect::to("/anyone"))
}

async fn unset(_: AccessToken, auth: Auth) -> (SetCookies, Json<Value>) {
    (auth.authenticator().unset_jwt_cookies().into(), nothing().await)
}

async fn unset_by_log_out(_: AccessToken, auth: Auth) -> Result<impl IntoResponse, AuthError> {
    Ok((auth.log_out().await?, nothing().await))
}

async fn intercept(_: Response) -> StatusCode {
    StatusCode::CONFLICT
}

async fn refuses(_: AccessToken, auth: Auth) -> AuthError {
    auth.refuse(Reason::ClaimsRefused)
}

async fn forbids(_: AccessToken, auth: Auth) -> AuthError {
    auth.forbid("Only its author may edit a post.")
}

async fn unsure(_: AccessToken, auth: Auth) -> AuthError {
    auth.refuse(Reason::OutcomeUnknown(BackendError::new(UNSURE_ERROR)))
}

async fn same_origin(auth: Auth) -> Result<Json<Value>, AuthError> {
    auth.require_same_origin()?;
    Ok(nothing().await)
}

async fn sign_up(auth: Auth) -> Result<Json<Value>, AuthError> {
    auth.require_pre_session()?;
    Ok(nothing().await)
}

async fn about(auth: Auth) -> Json<Value> {
    let agent = auth.headers().get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
    Json(json!({
        "next": auth.next_or_home(),
        "wants": wants_name(auth.wants()),
        "q": auth.query("q"),
        "agent": agent,
        "refresh_csrf": auth.refresh_csrf_token(),
    }))
}

async fn client(client: ClientAddress) -> Json<Value> {
    Json(json!({ "address": client.to_string(), "network": client.network() }))
}

async fn guarded(State(calls): State<Calls>) -> Json<Value> {
    Json(json!({ "calls": calls.count() }))
}

async fn whose(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn nothing() -> Json<Value> {
    Json(json!({}))
}

//! The conformance suite, with the application that it requires written for actix-web.

use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorConflict, PayloadError};
use actix_web::http::{Method, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Json, Payload, PayloadConfig, Redirect, ServiceConfig};
use actix_web::{App, Either, Error, HttpRequest, HttpResponse, HttpServer, Responder};
use futures_core::Stream;
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, BackendError, Need};
use hardtack_actix::{
    AccessToken, Auth, AuthError, AuthLayer, ClientAddress, CurrentUser, FreshAccessToken, HasRole, Optional, Proven,
    RefreshToken, Require, SetCookies, routes,
};
use hardtack_conformance::application::{
    Calls, Editor, Login, Role, UNSURE_ERROR, User, check_password, ready_routes_wanted, wants_name,
};
use hardtack_conformance::{Adapter, Serving};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn suite() {
    hardtack_conformance::run(&Actix).await;
}

struct Actix;

/// Stops the server without waiting for its connections.
struct Stop(ServerHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

/// This is a macro, because the types of an `App` with and without the layer differ and cannot be named.
macro_rules! serve {
    ($listener:ident, $app:expr) => {
        HttpServer::new($app).workers(2).disable_signals().listen_auto_h2c($listener).unwrap().run()
    };
}

impl Adapter for Actix {
    async fn serve(&self, authenticator: Option<Authenticator>) -> Serving {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Data::new(Calls::default());
        let app = move || App::new().app_data(calls.clone()).configure(application);
        let server = match authenticator {
            Some(authenticator) if ready_routes_wanted(&authenticator) => {
                let ready = routes::password_log_in(&authenticator, check_password);
                let app = move || app().service(ready.clone()).wrap(AuthLayer::new(authenticator.clone()));
                serve!(listener, app)
            }
            Some(authenticator) => serve!(listener, move || app().wrap(AuthLayer::new(authenticator.clone()))),
            None => serve!(listener, app),
        };
        let stop = Stop(server.handle());
        tokio::spawn(server);
        Serving::new(address, stop)
    }
}

fn application(app: &mut ServiceConfig) {
    let options = web::method(Method::OPTIONS);
    let protected_resource = web::resource("/protected").get(protected).head(protected).route(options.to(protected));
    app.app_data(PayloadConfig::new(4 << 20))
        .service(web::resource("/anyone").get(anyone).head(anyone))
        .service(protected_resource.post(protected).put(protected).delete(protected))
        .service(web::resource("/fresh").get(fresh).post(fresh))
        .service(web::resource("/proven").get(proven).post(proven))
        .service(web::resource("/refresh-token").get(refresh_token).post(refresh_token))
        .service(web::resource("/user").get(user))
        .service(web::resource("/user/optional").get(optional_user))
        .service(web::resource("/claims").get(claims))
        .service(web::resource("/editor").get(editor).post(editor))
        .service(web::resource("/form").get(form))
        .service(web::resource("/login").post(log_in))
        .service(web::resource("/logout").get(log_out).post(log_out))
        .service(web::resource("/token/refresh").get(refresh).head(refresh).post(refresh))
        .service(web::resource("/token/bind").post(bind_device))
        .service(web::resource("/token/bound").post(refresh_bound))
        .service(web::resource("/reauthenticate").post(reauthenticate))
        .service(web::resource("/renew").post(renew))
        .service(web::resource("/echo").post(echo))
        .service(web::resource("/upload").post(upload))
        .service(web::resource("/redirects").get(redirects))
        .service(web::resource("/unsets").get(unset).post(unset_by_log_out))
        .service(web::resource("/intercepted").get(whose).wrap(from_fn(intercept)))
        .service(web::resource("/refuses").get(refuses))
        .service(web::resource("/forbids").get(forbids))
        .service(web::resource("/unsure").get(unsure))
        .service(web::resource("/same-origin").get(same_origin))
        .service(web::resource("/signup").post(sign_up))
        .service(web::resource("/about").get(about))
        .service(web::resource("/client").get(client))
        .service(web::scope("/nested").service(web::resource("/inner").get(whose).post(whose)))
        .service(
            web::scope("/guarded")
                .service(web::resource("/page").get(guarded).post(guarded))
                .service(web::resource("/token").get(whose).post(whose))
                .wrap(Require::new(Need::access())),
        )
        .service(
            web::resource("/guarded-proven/page")
                .get(nothing)
                .wrap(Require::new(Need::access().proven(Duration::from_secs(300)))),
        )
        .service(web::resource("/guarded-fresh/page").get(nothing).wrap(Require::new(Need::access().fresh())))
        .service(
            web::resource("/editors/page")
                .get(nothing)
                .post(nothing)
                .wrap(Require::new(Need::access()).claim("role", "editor")),
        );
}

async fn anyone(Optional(token): Optional<AccessToken>) -> Json<Value> {
    Json(json!({ "sub": token.as_ref().map(|token| token.subject()) }))
}

async fn protected(token: AccessToken, auth: Auth, calls: Data<Calls>) -> Json<Value> {
    let fresh = token.is_fresh(auth.authenticator().now());
    Json(json!({ "sub": token.subject(), "fresh": fresh, "calls": calls.count() }))
}

async fn fresh(token: FreshAccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn proven(_: Proven<300>, calls: Data<Calls>, body: Bytes) -> impl Responder {
    HttpResponse::Ok().insert_header(("x-calls", calls.count())).body(body)
}

async fn refresh_token(token: RefreshToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn user(user: CurrentUser<User>) -> Json<Value> {
    Json(json!({ "sub": user.token().subject(), "name": user.name }))
}

async fn optional_user(Optional(user): Optional<CurrentUser<User>>) -> Json<Value> {
    Json(json!({ "name": user.map(|user| user.into_user().name) }))
}

async fn claims(token: AccessToken<Role>) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "role": token.extra().role }))
}

async fn editor(editor: HasRole<Editor>) -> Json<Value> {
    Json(json!({ "sub": editor.subject() }))
}

async fn form(auth: Auth) -> Result<impl Responder, AuthError> {
    let (token, cookies) = auth.pre_session()?;
    Ok(cookies.onto(Json(json!({ "csrf_token": token }))))
}

async fn log_in(auth: Auth, request: HttpRequest, body: Bytes) -> Result<impl Responder, AuthError> {
    let login = read(&request, &body);
    let cookies = auth.log_in(login.to_log_in()).await?;
    Ok(cookies.onto(match auth.wants() {
        Wants::Page => Either::Left(Redirect::to(auth.next_or_home()).see_other()),
        _ => Either::Right(Json(json!({ "sub": login.sub }))),
    }))
}

fn read(request: &HttpRequest, body: &[u8]) -> Login {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Login::parse(content_type.unwrap_or_default(), body)
}

async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
    let cookies = auth.log_out().await?;
    Ok(cookies.onto(match auth.wants() {
        Wants::Page => Either::Left(Redirect::to("/anyone").see_other()),
        _ => Either::Right(Json(json!({ "sub": null }))),
    }))
}

async fn refresh(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.refresh_and_return().await
}

async fn bind_device(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.bind_device().await
}

async fn refresh_bound(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.refresh_bound().await
}

async fn reauthenticate(auth: Auth, request: HttpRequest, body: Bytes) -> Result<impl Responder, AuthError> {
    let login = read(&request, &body);
    Ok(auth.reauthenticate(&login.sub).await?.onto(Json(json!({ "sub": login.sub }))))
}

async fn renew(auth: Auth) -> Result<impl Responder, AuthError> {
    Ok(auth.renew(EndedSessions::none()).await?.onto(nothing().await))
}

async fn echo(_: AccessToken, calls: Data<Calls>, body: Bytes) -> impl Responder {
    HttpResponse::Ok().insert_header(("x-calls", calls.count())).body(body)
}

/// Counts the bytes of the body as they arrive, without storing them.
async fn upload(_: AccessToken, mut body: Payload) -> Result<Json<Value>, PayloadError> {
    let mut bytes = 0;
    while let Some(chunk) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
        bytes += chunk?.len();
    }
    Ok(Json(json!({ "bytes": bytes })))
}

async fn redirects(_: AccessToken) -> impl Responder {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/anyone"))
        .insert_header((header::SET_COOKIE, "theme=dark; Path=/"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .finish()
}

async fn unset(_: AccessToken, auth: Auth) -> impl Responder {
    SetCookies::from(auth.authenticator().unset_jwt_cookies()).onto(nothing().await)
}

async fn unset_by_log_out(_: AccessToken, auth: Auth) -> Result<impl Responder, AuthError> {
    Ok(auth.log_out().await?.onto(nothing().await))
}

async fn intercept(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse, Error> {
    next.call(request).await?;
    Err(ErrorConflict("intercepted"))
}

async fn refuses(_: AccessToken, auth: Auth) -> Result<HttpResponse, AuthError> {
    Err(auth.refuse(Reason::ClaimsRefused))
}

async fn forbids(_: AccessToken, auth: Auth) -> Result<HttpResponse, AuthError> {
    Err(auth.forbid("Only its author may edit a post."))
}

async fn unsure(_: AccessToken, auth: Auth) -> Result<HttpResponse, AuthError> {
    Err(auth.refuse(Reason::OutcomeUnknown(BackendError::new(UNSURE_ERROR))))
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
    let agent = auth.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
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

async fn guarded(calls: Data<Calls>) -> Json<Value> {
    Json(json!({ "calls": calls.count() }))
}

async fn whose(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject() }))
}

async fn nothing() -> Json<Value> {
    Json(json!({}))
}

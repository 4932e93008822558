//! A page with JavaScript and a JSON API. The page logs in with JSON, sends `X-CSRF-TOKEN` with every request that
//! changes something, and shows the API's errors.
//!
//! Run it with `cargo run -p hardtack-axum --example ajax` and open <http://127.0.0.1:8080>. Log in as `alice` with the
//! password `correct horse`, or as `bob` with `battery staple`. To listen on another address, set the environment
//! variable `LISTEN`.

pub(crate) mod people;

use axum::extract::{Json, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing::get, routing::post};
use hardtack_axum::{Algorithm, SigningKey, prelude::*};
use people::{People, Person};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn app(auth: Authenticator, people: People) -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("ajax.html"))))
        .route("/api/login", post(log_in))
        .route("/api/logout", post(log_out))
        .route("/api/account", get(account).post(rename))
        .layer(AuthLayer::new(auth))
        .with_state(people)
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

/// `require_pre_session` accepts JSON without a pre-session token, because pages of other sites cannot send JSON
/// without a CORS preflight.
async fn log_in(
    auth: Auth,
    State(people): State<People>,
    Json(given): Json<Credentials>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    Ok(match people.check(&given.username, &given.password).await {
        Some(person) => (auth.log_in(&person.name).await?, Json(json!({ "name": person.name }))).into_response(),
        None => problem(StatusCode::UNAUTHORIZED, "wrong_credentials", "Name and password do not match."),
    })
}

async fn log_out(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    Ok((auth.log_out().await?, Json(json!({ "name": null }))))
}

async fn account(person: CurrentUser<Person>) -> Json<Value> {
    Json(json!({ "name": person.name, "nickname": person.nickname }))
}

#[derive(Deserialize)]
struct Settings {
    nickname: String,
}

async fn rename(token: AccessToken, State(people): State<People>, Json(new): Json<Settings>) -> Response {
    if new.nickname.trim().is_empty() {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "empty_nickname",
            "The nickname is empty; enter at least one character.",
        );
    }
    people.rename(token.subject(), new.nickname.clone()).await;
    Json(json!({ "nickname": new.nickname })).into_response()
}

/// An error of the application, in the same format as Hardtack's errors (RFC 9457).
fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "status": status.as_u16(), "code": code, "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
        .base_url(format!("http://{listen}"))
        .sessions(MemorySessions::new())
        .build()?;
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("Listening on http://{listen}");
    Ok(hardtack_axum::serve(listener, app(auth, People::new()?)).await?)
}

//! A server that responds like a Flask application with Flask-JWT-Extended. `JWT_*` environment variables configure it.
//!
//! Run it with `JWT_SECRET_KEY=… LISTEN=127.0.0.1:8080 cargo run -p hardtack-axum --example flask_compat`.
//!
//! Each protected route responds with the token's identity and location. Three routes are not protected: `POST /tokens`
//! stands in for a log-in, `POST /unset` for a log-out, and `POST /revoke` for an administrator who revokes a token.

mod tokens;

use std::collections::HashSet;
use std::env;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, http::StatusCode};
use hardtack_axum::hardtack::{authenticator::Blocklist, flask_compat::JwtOptions};
use hardtack_axum::{BackendError, TokenLocation, prelude::*};
use serde_json::{Value, json};

/// The ids of revoked tokens.
#[derive(Clone, Default)]
struct Revoked(Arc<Mutex<HashSet<String>>>);

impl Revoked {
    fn insert(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }
}

impl Blocklist for Revoked {
    async fn is_blocked(&self, token: &VerifiedToken) -> Result<bool, BackendError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&token.claims().token_id))
    }
}

/// A route that needs a token for GET, POST and OPTIONS.
fn protected(need: Need) -> MethodRouter<Revoked> {
    let handler = move |auth: Auth| async move { whose(&auth, need).await };
    get(handler).post(handler).options(handler)
}

async fn whose(auth: &Auth, need: Need) -> Result<Response, AuthError> {
    let token = auth.verify(need).await?;
    let identity = identity_claim();
    let sub = token.as_ref().map_or(Value::Null, |token| token.claim(&identity));
    let location = token.and_then(|token| token.location()).map(TokenLocation::as_str);
    Ok(respond(StatusCode::OK, &json!({ "sub": sub, "location": location })))
}

fn identity_claim() -> String {
    env::var("JWT_IDENTITY_CLAIM").unwrap_or_else(|_| "sub".to_owned())
}

/// Responds with JSON as Flask writes it: compact, with sorted keys and a final line feed.
fn respond(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

async fn unset(auth: Auth) -> Response {
    let which = auth.query("which").unwrap_or_else(|| "all".to_owned());
    let cookies = match which.as_str() {
        "access" => auth.authenticator().unset_access_cookies(),
        "refresh" => auth.authenticator().unset_refresh_cookies(),
        "all" => auth.authenticator().unset_jwt_cookies(),
        _ => return respond(StatusCode::BAD_REQUEST, &json!({ "msg": "which is access, refresh or all" })),
    };
    (SetCookies::from(cookies), respond(StatusCode::OK, &json!({ "unset": which }))).into_response()
}

async fn revoke(State(revoked): State<Revoked>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match body.get("jti").and_then(Value::as_str) {
        Some(id) => {
            revoked.insert(id);
            respond(StatusCode::OK, &json!({ "revoked": id }))
        }
        None => respond(StatusCode::BAD_REQUEST, &json!({ "msg": "jti is missing" })),
    }
}

fn app(auth: Authenticator, revoked: Revoked) -> Router {
    let in_only = |location: TokenLocation| protected(Need::access().locations(location));
    Router::new()
        .route("/access", protected(Need::access()))
        .route("/fresh", protected(Need::access().fresh()))
        .route("/optional", protected(Need::access().optional()))
        .route("/refresh", protected(Need::refresh()))
        .route("/any_type", protected(Need::access().any_type()))
        .route("/no_revocation_check", protected(Need::access().skip_revocation_check()))
        .route("/headers_only", in_only(TokenLocation::Headers))
        .route("/cookies_only", in_only(TokenLocation::Cookies))
        .route("/query_only", in_only(TokenLocation::QueryString))
        .route("/json_only", in_only(TokenLocation::Json))
        .route("/tokens", post(tokens::create))
        .route("/unset", post(unset))
        .route("/revoke", post(revoke))
        .layer(AuthLayer::new(auth))
        .with_state(revoked)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let (options, revoked) = (JwtOptions::from_env()?, Revoked::default());
    let auth = Authenticator::builder(options.keys()?)
        .flask_compatible()
        .jwt_options(&options)?
        .blocklist(revoked.clone())
        .build()?;
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    let app = app(auth, revoked).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

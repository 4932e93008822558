//! `POST /tokens` creates a token, as `create_access_token` and `create_refresh_token` of Flask-JWT-Extended do. The
//! route takes all arguments of these functions.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hardtack_axum::hardtack::{self, authenticator::TokenBuilder, config::Lifetime, token::IssueError};
use hardtack_axum::{Auth, AuthError, Authenticator, Reason, SetCookies};
use serde_json::{Map, Value, json};

use super::respond;

#[derive(serde::Deserialize)]
struct Wanted {
    #[serde(default = "access")]
    kind: String,
    identity: Value,
    /// `true`, `false`, or a number of seconds.
    #[serde(default)]
    fresh: Value,
    /// The lifetime in seconds, or `false` for a token that never expires. A negative number creates an expired token.
    #[serde(default)]
    expires_seconds: Value,
    #[serde(default)]
    additional_claims: Option<Map<String, Value>>,
    #[serde(default)]
    additional_headers: Option<Map<String, Value>>,
}

fn access() -> String {
    "access".to_owned()
}

pub(crate) async fn create(auth: Auth, body: Bytes) -> Result<Response, AuthError> {
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(respond(StatusCode::BAD_REQUEST, &json!({ "msg": error.to_string() }))),
    };
    match make(auth.authenticator(), wanted) {
        Ok((token, cookies)) => {
            Ok((SetCookies::from(cookies), respond(StatusCode::OK, &json!({ "token": token }))).into_response())
        }
        Err(IssueError::Token(error)) => Err(auth.refuse(error)),
        Err(error) => Err(auth.refuse(Reason::Issue(error))),
    }
}

fn make(authenticator: &Authenticator, wanted: Wanted) -> Result<(String, hardtack::SetCookies), IssueError> {
    let refresh = wanted.kind == "refresh";
    let builder = if refresh { authenticator.refresh_token("") } else { authenticator.access_token("") };
    let mut builder = lasting(builder.identity(wanted.identity), authenticator, &wanted.expires_seconds);
    builder = match wanted.fresh {
        // A refresh token is never fresh.
        _ if refresh => builder,
        Value::Bool(true) => builder.fresh(),
        Value::Number(seconds) => {
            builder.claim("fresh", authenticator.now().unix_seconds() + seconds.as_f64().unwrap_or_default() as i64)
        }
        _ => builder,
    };
    for (name, value) in wanted.additional_claims.unwrap_or_default() {
        builder = builder.claim(name, value);
    }
    for (name, value) in wanted.additional_headers.unwrap_or_default() {
        builder = builder.header(name, value);
    }
    let token = builder.issue()?;
    let cookies =
        if refresh { authenticator.set_refresh_cookies(&token)? } else { authenticator.set_access_cookies(&token)? };
    Ok((token.as_str().to_owned(), cookies))
}

fn lasting<'a>(builder: TokenBuilder<'a>, authenticator: &Authenticator, expires_seconds: &Value) -> TokenBuilder<'a> {
    match expires_seconds {
        Value::Bool(false) => builder.lifetime(Lifetime::InsecureForever),
        Value::Number(seconds) => match seconds.as_f64().unwrap_or_default() {
            // Flask-JWT-Extended treats a zero duration as no expiry.
            0.0 => builder.lifetime(Lifetime::InsecureForever),
            past @ ..0.0 => builder.claim("exp", authenticator.now().unix_seconds() + past.floor() as i64),
            future => builder.lifetime(Duration::try_from_secs_f64(future).unwrap_or(Duration::MAX)),
        },
        _ => builder,
    }
}

//! One body, sent as a form or as JSON.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use axum::{Form, Json};
use hardtack::Wants;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::routes::answer;

/// What was sent, by `Content-Type`: `application/x-www-form-urlencoded` or `application/json`.
pub(crate) struct Input<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let wants = answer::wants_of(request.headers());
        match media_type(request.headers()).as_str() {
            "application/json" => match Json::from_request(request, state).await {
                Ok(Json(value)) => Ok(Self(value)),
                Err(rejection) => Err(refuse(wants, rejection.status(), &rejection.body_text())),
            },
            "application/x-www-form-urlencoded" => match Form::from_request(request, state).await {
                Ok(Form(value)) => Ok(Self(value)),
                Err(rejection) => Err(refuse(wants, rejection.status(), &rejection.body_text())),
            },
            _ => Err(refuse(
                wants,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send application/json or application/x-www-form-urlencoded.",
            )),
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn refuse(wants: Wants, status: StatusCode, detail: &str) -> Response {
    let code = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        _ => "malformed",
    };
    answer::problem(wants, status, code, detail, &[])
}

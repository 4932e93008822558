//! One body, sent as a form or as JSON.

use axum::Form;
use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::routes::answer;

const FORM: &str = "application/x-www-form-urlencoded";

/// What was sent, by `Content-Type`: `application/x-www-form-urlencoded` or `application/json`.
pub(crate) struct Input<T>(pub(crate) T);

/// Why a body is not taken. Says where it is wrong and never what stands there: it may be a password.
struct Unreadable {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Unreadable {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// The body was not even received.
    fn unread(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "too_large", "The body is too long: this site takes at most 16 KiB.")
            }
            _ => Self::new(status, "malformed", "The body did not arrive completely. Send it again."),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let wants = answer::wants_of(request.headers());
        let read = match media_type(request.headers()).as_str() {
            "application/json" => json(request, state).await,
            FORM => form(request, state).await,
            _ => Err(Unreadable::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send application/json or application/x-www-form-urlencoded, and say which in Content-Type.",
            )),
        };
        read.map(Self).map_err(|why| answer::problem(wants, why.status, why.code, &why.detail, &[]))
    }
}

async fn json<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S) -> Result<T, Unreadable> {
    let body = Bytes::from_request(request, state).await.map_err(|error| Unreadable::unread(error.status()))?;
    let not_fields = |at: &str| {
        let detail = format!("Send one JSON object, each field once and of its own type; something else is at {at}.");
        Unreadable::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail)
    };
    let value = serde_json::from_slice(&body).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        if error.is_data() {
            return not_fields(&at);
        }
        Unreadable::new(StatusCode::BAD_REQUEST, "malformed", format!("The body is not JSON; it goes wrong at {at}."))
    })?;
    // Serde reads an array as the fields in their order.
    if body.trim_ascii_start().starts_with(b"[") { Err(not_fields("line 1, column 1")) } else { Ok(value) }
}

async fn form<S: Send + Sync, T: DeserializeOwned>(mut request: Request, state: &S) -> Result<T, Unreadable> {
    // `Form` knows the media type in lower case only.
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    match Form::from_request(request, state).await {
        Ok(Form(value)) => Ok(value),
        Err(FormRejection::BytesRejection(error)) => Err(Unreadable::unread(error.status())),
        Err(_) => {
            let detail = "The form could not be read: send each field once.";
            Err(Unreadable::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail))
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

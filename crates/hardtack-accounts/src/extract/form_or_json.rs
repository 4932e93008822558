//! A request body, sent as a form or as JSON.

use axum::Form;
use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::respond;

const FORM: &str = "application/x-www-form-urlencoded";

/// The deserialized body of a request whose `Content-Type` is `application/x-www-form-urlencoded` or
/// `application/json`.
pub(crate) struct FormOrJson<T>(pub(crate) T);

/// Why a body is refused. `detail` may name the position of the error, but never repeats the input, because the input
/// may contain a password.
struct BodyError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl BodyError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// Returns the error for a body that could not be received.
    fn not_received(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "too_large", "The body is too long. This site accepts at most 16 KiB.")
            }
            _ => Self::new(status, "malformed", "The request body arrived incomplete. Send it again."),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormOrJson<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let wants = hardtack_axum::wants(request.headers());
        let read = match media_type(request.headers()).as_str() {
            "application/json" => json(request, state).await,
            FORM => form(request, state).await,
            _ => Err(BodyError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body's Content-Type is not supported. Send application/json or application/x-www-form-urlencoded.",
            )),
        };
        read.map(Self).map_err(|error| respond::problem(wants, error.status, error.code, &error.detail, &[]))
    }
}

async fn json<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S) -> Result<T, BodyError> {
    let body = Bytes::from_request(request, state).await.map_err(|error| BodyError::not_received(error.status()))?;
    let wrong_shape = |at: &str| {
        let detail = format!(
            "The JSON is wrong at {at}. Send one object in which each field appears once and has the right type."
        );
        BodyError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail)
    };
    let value = serde_json::from_slice(&body).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        if error.is_data() {
            return wrong_shape(&at);
        }
        BodyError::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            format!("The body is not valid JSON. The error is at {at}."),
        )
    })?;
    // Refuse an array, because serde would also deserialize a struct from an array of its fields.
    if body.trim_ascii_start().starts_with(b"[") { Err(wrong_shape("line 1, column 1")) } else { Ok(value) }
}

async fn form<S: Send + Sync, T: DeserializeOwned>(mut request: Request, state: &S) -> Result<T, BodyError> {
    // axum's `Form` accepts the media type in lower case only.
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    match Form::from_request(request, state).await {
        Ok(Form(value)) => Ok(value),
        Err(FormRejection::BytesRejection(error)) => Err(BodyError::not_received(error.status())),
        Err(_) => {
            let detail = "The form is not valid. Send each field once.";
            Err(BodyError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail))
        }
    }
}

/// Returns the media type in lower case, without parameters. Returns an empty string if the header is missing or is not
/// text.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

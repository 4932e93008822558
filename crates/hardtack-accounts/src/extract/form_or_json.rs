//! A request body, sent as a form or as JSON.

use axum::Form;
use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use hardtack::error::{JsonFlaw, JsonMembers};
use hardtack::request::Wants;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use super::json_members::{JsonBody, JsonType, MemberProblem, check};
use crate::pages::FieldError;
use crate::respond;
use crate::site::Site;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The deserialized body of a request whose `Content-Type` is `application/x-www-form-urlencoded` or
/// `application/json`.
pub(crate) struct FormOrJson<T>(pub(crate) T);

/// Why a body is refused. `detail` can contain the position of the error, and `members` contains names of members of
/// the JSON object. Neither contains a value from the body, because the value might be a password.
struct BodyError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Vec<MemberProblem>,
}

impl BodyError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), members: Vec::new() }
    }

    /// Returns the error for a JSON object with wrong members.
    fn wrong_members(members: Vec<MemberProblem>) -> Self {
        let sentences = members.iter().map(|MemberProblem { name, text }| format!("`{name}`: {text}"));
        let detail = sentences.collect::<Vec<_>>().join(" ");
        Self { members, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail) }
    }

    fn into_response(self, wants: Wants) -> Response {
        let errors: Vec<FieldError<'_>> =
            self.members.iter().map(|member| FieldError { field: &member.name, text: &member.text }).collect();
        respond::problem(wants, self.status, self.code, &self.detail, &errors)
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

impl<T: DeserializeOwned + JsonBody> FromRequest<Site> for FormOrJson<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let wants = hardtack_axum::wants(request.headers());
        let read = match media_type(request.headers()).as_str() {
            JSON => json(request, site).await,
            FORM => form(request).await,
            _ => Err(BodyError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body's Content-Type is not supported. Send application/json or application/x-www-form-urlencoded.",
            )),
        };
        read.map(Self).map_err(|error| error.into_response(wants))
    }
}

/// The body of a request that needs no input, such as one that a button sends.
pub(crate) struct NoInput;

impl JsonBody for NoInput {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[];
}

impl FromRequest<Site> for NoInput {
    type Rejection = Response;

    /// Refuses a JSON object with members, because a client that sends members expects them to have an effect. Ignores
    /// a form, because every form has the CSRF field.
    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let wants = hardtack_axum::wants(request.headers());
        if media_type(request.headers()) != JSON {
            return Ok(Self);
        }
        let read = async {
            let body = receive(request).await?;
            if !body.is_empty() {
                check::<Self>(members(&body)?, &tokens(site)).map_err(BodyError::wrong_members)?;
            }
            Ok(Self)
        };
        read.await.map_err(|error: BodyError| error.into_response(wants))
    }
}

async fn receive(request: Request) -> Result<Bytes, BodyError> {
    Bytes::from_request(request, &()).await.map_err(|error| BodyError::not_received(error.status()))
}

async fn json<T: DeserializeOwned + JsonBody>(request: Request, site: &Site) -> Result<T, BodyError> {
    let members = members(&receive(request).await?)?;
    let object = check::<T>(members, &tokens(site)).map_err(BodyError::wrong_members)?;
    serde_json::from_value(object).map_err(|_| not_an_object())
}

/// Returns the names of the members that the authenticator reads as tokens.
fn tokens(site: &Site) -> Vec<&str> {
    site.auth.json_token_members().into_iter().flatten().collect()
}

/// Parses a JSON object.
fn members(body: &[u8]) -> Result<JsonMembers, BodyError> {
    serde_json::from_slice(body).map_err(|error| match JsonFlaw::of(body, &error) {
        JsonFlaw::WrongMember(_) => not_an_object(),
        flaw @ JsonFlaw::Syntax { .. } => BodyError::new(StatusCode::BAD_REQUEST, "malformed", flaw.to_string()),
        // The syntax is valid.
        flaw => BodyError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", flaw.to_string()),
    })
}

/// Returns the response to a JSON object that lacks a member. Call this function if only the handler knows that the
/// member is required.
pub(crate) fn missing_member(wants: Wants, name: &str) -> Response {
    BodyError::wrong_members(vec![MemberProblem::missing(name)]).into_response(wants)
}

fn not_an_object() -> BodyError {
    let detail = "Send one JSON object, such as {\"name\": \"value\"}.";
    BodyError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail)
}

async fn form<T: DeserializeOwned>(mut request: Request) -> Result<T, BodyError> {
    // axum's `Form` accepts the media type only in lowercase.
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    match Form::from_request(request, &()).await {
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

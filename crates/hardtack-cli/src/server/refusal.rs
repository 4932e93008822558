//! Responses that the server itself sends instead of passing the request to a route.

use axum::http::{HeaderValue, Request, Version, header};
use axum::response::Response;
use hardtack::Reply;
use hardtack::request::Wants;
use hardtack_axum::{reply_response, wants};

/// Why the server does not pass a request to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadHost,
    MisdirectedRequest,
    BodyTooSlow,
    TooManyFields,
    TooManyConnections,
}

/// The value of `Retry-After`, in seconds, when the server has too many connections.
const RETRY_AFTER: &str = "5";

impl Refusal {
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::BadHost => 400,
            Self::MisdirectedRequest => 421,
            Self::BodyTooSlow => 408,
            Self::TooManyFields => 431,
            Self::TooManyConnections => 503,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::BadHost => "Bad Request",
            Self::MisdirectedRequest => "Misdirected Request",
            Self::BodyTooSlow => "Request Timeout",
            Self::TooManyFields => "Request Header Fields Too Large",
            Self::TooManyConnections => "Service Unavailable",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::BadHost => "bad_host",
            Self::MisdirectedRequest => "misdirected_request",
            Self::BodyTooSlow => "body_too_slow",
            Self::TooManyFields => "too_many_fields",
            Self::TooManyConnections => "too_many_connections",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::BadHost => "The request must have one Host field with a host name and, if needed, a port.",
            Self::MisdirectedRequest => "This server does not serve the requested host.",
            Self::BodyTooSlow => "The request's body did not arrive in time. Send the request again.",
            Self::TooManyFields => "The request has too many header fields.",
            Self::TooManyConnections => "The server has too many connections. Try again in a few seconds.",
        }
    }

    /// Returns the response to a request.
    pub(super) fn response<B>(self, request: &Request<B>) -> Response {
        self.response_to(wants(request.headers()), request.version())
    }

    /// Returns the refusal in the form that the client wants: plain text for a browser, and problem details (JSON)
    /// otherwise.
    pub(super) fn response_to(self, wants: Wants, version: Version) -> Response {
        let reply = match wants {
            Wants::Page => Reply::text(self.status(), self.detail()),
            _ => {
                let body = serde_json::json!({
                    "type": "about:blank",
                    "title": self.title(),
                    "status": self.status(),
                    "detail": self.detail(),
                    "code": self.code(),
                    "msg": self.detail(),
                });
                let mut reply = Reply::new(self.status()).header("content-type", "application/problem+json");
                reply.body = body.to_string();
                reply
            }
        };
        let reply = reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
        let mut response = reply_response(match self {
            Self::TooManyConnections => reply.header("retry-after", RETRY_AFTER),
            Self::BadHost | Self::MisdirectedRequest | Self::BodyTooSlow | Self::TooManyFields => reply,
        });
        let closes = matches!(self, Self::BodyTooSlow | Self::TooManyConnections);
        // HTTP/2 has no `Connection` field (RFC 9113 section 8.2.2).
        if closes && version < Version::HTTP_2 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

//! A response as plain data.

use super::Reason;
use crate::cookie::SetCookies;

/// The `Cache-Control` value for a response that is meant for only one user (ASVS 5.0 V14.3.2).
pub const NO_STORE: &str = "private, no-store";

/// A response as plain data, which an adapter translates into its framework's response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header fields, except `Set-Cookie`.
    pub headers: Vec<(&'static str, String)>,
    /// The body. Its `Content-Type` is among the header fields.
    pub body: String,
    /// The `Set-Cookie` fields.
    pub cookies: SetCookies,
}

impl Reply {
    /// Creates a reply that has only a status.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), cookies: SetCookies::default() }
    }

    /// Creates a redirect. With status 303, the browser sends a GET to the new location. With status 307, the browser
    /// sends the same method and body there (RFC 9110 section 15.4).
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::new(status).header("location", location)
    }

    /// Creates an HTML page.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "text/html; charset=utf-8")
    }

    /// Creates a plain-text response.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "text/plain; charset=utf-8")
    }

    /// Creates a JSON response.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { body: body.to_string(), ..Self::new(status) }.header("content-type", "application/json")
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the `Retry-After` header if a client that was refused for `reason` should try again.
    pub(super) fn retry_after(self, reason: &Reason) -> Self {
        match reason.retry_after() {
            Some(seconds) => self.header("retry-after", seconds.to_string()),
            None => self,
        }
    }
}

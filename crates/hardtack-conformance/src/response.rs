//! The responses of [`Client`](crate::Client).

use bytes::Bytes;
use hardtack::testing::StoredCookie;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) text: String,
    pub(crate) hops: Vec<Response>,
}

impl Response {
    /// Returns the response's status code, which can be compared with a `u16`.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the method of the request that led to this response. If redirects were followed, returns the method of
    /// the last request.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path and query of the request that led to this response. If redirects were followed, returns those
    /// of the last request.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the redirects that [`Request::follow`](crate::Request::follow) followed, in order.
    pub fn hops(&self) -> &[Response] {
        &self.hops
    }

    /// Returns the first value of a header, if this value is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns all values of a header, in order. Bytes that are not UTF-8 are replaced.
    pub fn headers_all(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect()
    }

    /// Returns all headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body as bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// Panics if the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {}: the body is not JSON ({error}): {}", self.method, self.path, self.text)
        })
    }

    /// Returns the cookies that the response sets or deletes, in order.
    pub fn set_cookies(&self) -> Vec<StoredCookie> {
        self.raw_set_cookies().iter().filter_map(|raw| StoredCookie::parse(raw, &self.path)).collect()
    }

    /// Returns the last `Set-Cookie` with this name.
    pub fn set_cookie(&self, name: &str) -> Option<StoredCookie> {
        self.set_cookies().into_iter().rev().find(|cookie| cookie.name == name)
    }

    /// Returns the value of `Location`.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// Returns the raw values of all `Set-Cookie` fields, in order.
    pub(crate) fn raw_set_cookies(&self) -> Vec<String> {
        self.headers_all(SET_COOKIE.as_str())
    }
}

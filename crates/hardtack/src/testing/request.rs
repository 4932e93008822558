//! A test request that does not depend on any framework.

use std::borrow::Borrow;
use std::net::IpAddr;

use serde::Serialize;

use crate::request::{Headers, Incoming, RequestHead};

/// A request for tests. By default, it is sent to the host `site.example`. Call [`host`](Self::host) to change this.
/// The request has a client address only if the test sets one with `from`.
///
/// ```
/// use hardtack::testing::TestRequest;
///
/// let request = TestRequest::new("POST", "/account?x=1").field("cookie", "theme=dark");
/// assert_eq!(request.head().host(), Some("site.example"));
/// assert_eq!(request.head().path(), "/account");
/// ```
#[derive(Clone, Debug)]
pub struct TestRequest {
    method: String,
    target: String,
    host: String,
    peer: Option<IpAddr>,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The parts of a [`TestRequest`]. An adapter converts them into its framework's own request type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestRequestParts {
    /// The method, such as `GET`.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// The header fields, including `Host`. The names are in lower case.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl TestRequest {
    /// Creates a request with this method, path and query.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            host: "site.example".to_owned(),
            peer: None,
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets the host that the request is sent to. If the port is not the scheme's default port, add it, as in
    /// `site.example:8080`.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Adds a header field. Write the name in lower case.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// Adds several header fields.
    #[must_use]
    pub fn fields(self, fields: impl IntoIterator<Item = (impl Into<String>, impl AsRef<[u8]>)>) -> Self {
        fields.into_iter().fold(self, |request, (name, value)| request.field(name, value))
    }

    /// Sets a header field. Replaces all values that the field already has.
    #[must_use]
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without_header(name).field(name.to_ascii_lowercase(), value)
    }

    /// Removes all values of a header field.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// Sets a URL-encoded body, as a browser does when it submits a form.
    #[must_use]
    pub fn form<I, K, V>(self, fields: I) -> Self
    where
        I: IntoIterator<Item: Borrow<(K, V)>>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sets a JSON body.
    ///
    /// # Panics
    /// Panics if the value cannot be serialized, for example because a map has a key that cannot be written as a
    /// string.
    #[must_use]
    #[allow(clippy::panic, reason = "a panic with a message is how a test fails")]
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_else(|error| panic!("the body cannot be JSON: {error}"));
        self.header("content-type", "application/json").body(body)
    }

    /// Sets the body to these bytes. To set its content type, call [`header`](Self::header).
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the parts of the request. Adds a `Host` field with the request's host unless the test has added one.
    pub fn into_parts(self) -> TestRequestParts {
        let Self { method, target, host, mut fields, body, .. } = self;
        if !fields.iter().any(|(name, _)| name == "host") {
            fields.insert(0, ("host".to_owned(), host.into_bytes()));
        }
        TestRequestParts { method, target, fields, body }
    }

    /// Sets the client's address.
    #[must_use]
    pub fn from(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Returns the request's head in the form in which the authenticator reads it.
    pub fn head(&self) -> RequestHead<'_> {
        RequestHead::of(self)
    }
}

impl Headers for TestRequest {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.fields.iter().filter(|(own, _)| own == name).nth(index).map(|(_, value)| value.as_slice())
    }
}

impl Incoming for TestRequest {
    fn method(&self) -> &str {
        &self.method
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn authority(&self) -> Option<&str> {
        Some(&self.host)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }
}

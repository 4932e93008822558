//! A request without a framework.

use std::net::IpAddr;

use crate::request::{Headers, Incoming, RequestHead};

/// A request for tests. It is sent to the host `site.example`. The client's address is not known unless the test sets
/// it.
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
    peer: Option<IpAddr>,
    fields: Vec<(String, Vec<u8>)>,
}

impl TestRequest {
    /// Creates a request with this method, path and query.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self { method: method.into(), target: target.into(), peer: None, fields: Vec::new() }
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

    /// Sets the client's address.
    #[must_use]
    pub fn from(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Returns the head, as the authenticator reads it.
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
        Some("site.example")
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }
}

//! The head of a request, borrowed from whichever framework received it.

use std::net::IpAddr;

/// A framework's header map, read by name.
pub trait Headers {
    /// The value of the `index`-th field called `name` (lower case), counting from zero.
    fn value(&self, name: &str, index: usize) -> Option<&[u8]>;

    /// The first two of them, which tell one field from several. An adapter whose map finds both in one
    /// look-up says so here.
    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        let first = self.value(name, 0);
        [first, first.and_then(|_| self.value(name, 1))]
    }
}

/// A framework's request. Each of these is looked up when it is asked for, and for most requests few are.
pub trait Incoming: Headers + Sync {
    /// The method as sent: `GET`, `POST`, …
    fn method(&self) -> &str;

    /// Whether the method promises to change nothing (RFC 9110 §9.2.1): GET, HEAD, OPTIONS and TRACE do. What a
    /// method-override field says is nothing to go by. A framework that knows without comparing texts says so here.
    fn is_safe(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Path and query as sent (RFC 9112 origin-form), before any router shortened it.
    fn target(&self) -> &str;

    /// The HTTP/2 `:authority`, or that of an absolute target (RFC 9112 §3.2.2).
    fn authority(&self) -> Option<&str>;

    /// The address of the connection's other end, where the server tells it.
    fn peer(&self) -> Option<IpAddr>;
}

/// Method, target and header fields of one request. Borrows everything, copies nothing.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    incoming: &'a dyn Incoming,
}

impl<'a> RequestHead<'a> {
    /// The head of a framework's request.
    #[inline]
    pub fn of(incoming: &'a dyn Incoming) -> Self {
        Self { incoming }
    }

    /// The method as sent.
    pub fn method(&self) -> &'a str {
        self.incoming.method()
    }

    /// Path and query as sent.
    pub fn target(&self) -> &'a str {
        self.incoming.target()
    }

    /// The `Host` field, or the HTTP/2 `:authority` where there is none.
    pub fn host(&self) -> Option<&'a str> {
        self.header_text("host").or_else(|| self.incoming.authority())
    }

    /// The address of the connection's other end, where the server tells it.
    pub fn peer(&self) -> Option<IpAddr> {
        self.incoming.peer()
    }

    /// The header fields.
    #[inline]
    pub fn headers(&self) -> &'a dyn Headers {
        self.incoming
    }

    /// The only field called `name`; none where it is absent.
    #[inline]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        // The way on which others have come: its code is at hand.
        let [first, _] = self.incoming.first_two(name);
        first
    }

    /// The field called `name`, if it is readable text.
    pub fn header_text(&self, name: &str) -> Option<&'a str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All fields called `name`, in order.
    pub fn header_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let headers = self.incoming;
        let two = headers.first_two(name);
        let more = if two[1].is_some() { 2..usize::MAX } else { 0..0 };
        two.into_iter().flatten().chain(more.map_while(move |index| headers.value(name, index)))
    }

    /// Whether the method promises to change nothing (RFC 9110 §9.2.1). Method-override fields are
    /// not looked at.
    #[inline]
    pub fn is_safe(&self) -> bool {
        self.incoming.is_safe()
    }

    /// Whether this asks to become a WebSocket: a GET whose cookies act for the user all the same.
    pub fn is_websocket_handshake(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
    }

    /// The target without its query.
    pub fn path(&self) -> &'a str {
        self.target().split(['?', '#']).next().unwrap_or_default()
    }

    /// The first value of a query parameter, percent-decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target().split_once('?')?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestRequest;

    #[test]
    fn the_query_is_decoded_and_the_path_is_not() {
        let request = TestRequest::new("GET", "/a%20b?next=%2Fc&x=1");
        assert_eq!(request.head().path(), "/a%20b");
        assert_eq!(request.head().query("next").as_deref(), Some("/c"));
        assert_eq!(request.head().query("absent"), None);
    }

    #[test]
    fn s50_a_method_override_field_changes_nothing() {
        let request = TestRequest::new("GET", "/").field("x-http-method-override", "POST");
        assert!(request.head().is_safe());
    }
}

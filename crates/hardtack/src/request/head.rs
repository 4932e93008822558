//! The head of a request, borrowed from the framework that received it.

use std::net::IpAddr;

use super::Authority;

/// The header fields of a framework's request.
pub trait Headers {
    /// Returns the value of the field with this name. If several fields have this name, `index` selects one of them,
    /// counted from zero. `name` is in lower case.
    fn value(&self, name: &str, index: usize) -> Option<&[u8]>;

    /// Returns the values of the first two fields with this name, so that the caller can tell whether the request has
    /// several such fields. `name` is in lower case.
    ///
    /// The default implementation calls [`value`](Self::value) twice. Override this method if the framework can find
    /// both values in one look-up.
    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        let first = self.value(name, 0);
        [first, first.and_then(|_| self.value(name, 1))]
    }
}

/// A web framework's request. Each adapter implements this trait for its framework's request type. Hardtack calls a
/// method only when it needs the result. Most methods are rarely called.
pub trait Incoming: Headers + Sync {
    /// Returns the method as the client sent it, such as `GET` or `POST`.
    fn method(&self) -> &str;

    /// Returns whether the method is safe, that is, GET, HEAD, OPTIONS or TRACE (RFC 9110 section 9.2.1). Ignores
    /// method-override headers. The default implementation compares strings. Override this method if the framework has
    /// a cheaper check.
    fn is_safe(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Returns the path and query of the request target as the client sent them (RFC 9112 section 3.2.1). If a nested
    /// router strips a prefix from the path, the result must still include the prefix.
    fn target(&self) -> &str;

    /// Returns the `:authority` of an HTTP/2 request, or the authority of an absolute request target (RFC 9112 section
    /// 3.2.2), if there is one.
    fn authority(&self) -> Option<&str>;

    /// Returns the socket's peer address, if the server knows it.
    fn peer(&self) -> Option<IpAddr>;
}

/// The method, target and header fields of a request. This type borrows everything and copies nothing.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    incoming: &'a dyn Incoming,
}

impl<'a> RequestHead<'a> {
    /// Borrows the head of a framework's request.
    #[inline]
    pub fn of(incoming: &'a dyn Incoming) -> Self {
        Self { incoming }
    }

    /// Returns the method as the client sent it.
    pub fn method(&self) -> &'a str {
        self.incoming.method()
    }

    /// Returns the path and query as the client sent them.
    pub fn target(&self) -> &'a str {
        self.incoming.target()
    }

    /// Returns the request's host and port. The HTTP/2 `:authority`, or the authority of an absolute request target,
    /// takes precedence over the `Host` field (RFC 9112 section 3.2.2, RFC 9113 section 8.3.1).
    pub fn host(&self) -> Option<&'a str> {
        self.incoming.authority().or_else(|| self.header_text("host"))
    }

    /// Returns whether the request specifies its host as HTTP requires (RFC 9112 section 3.2). The request must have a
    /// `Host` field or an HTTP/2 `:authority`, but not two `Host` fields. Each of these values must be a valid
    /// [`Authority`]. A request that did not arrive over a connection, as in a router's test, need not specify a host.
    pub fn has_sound_host(&self) -> bool {
        let sound = |text: &str| Authority::parse(text).is_some();
        let authority = self.incoming.authority();
        match self.headers().first_two("host") {
            [Some(_), Some(_)] => false,
            [Some(host), None] => {
                let host_is_sound = is_plain_name(host) || std::str::from_utf8(host).is_ok_and(sound);
                host_is_sound && authority.is_none_or(sound)
            }
            [None, _] => authority.map_or(self.peer().is_none(), sound),
        }
    }

    /// Returns the socket's peer address, if the server knows it.
    pub fn peer(&self) -> Option<IpAddr> {
        self.incoming.peer()
    }

    /// Returns the header fields.
    #[inline]
    pub fn headers(&self) -> &'a dyn Headers {
        self.incoming
    }

    /// Returns the value of the first field with this name. `name` is in lower case.
    #[inline]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        // Call `first_two` instead of `value`: other headers are read with `first_two`, so its code is already in the
        // instruction cache.
        let [first, _] = self.incoming.first_two(name);
        first
    }

    /// Returns the value of the first field with this name, if the value is UTF-8. `name` is in lower case.
    pub fn header_text(&self, name: &str) -> Option<&'a str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Returns the values of all fields with this name, in order. `name` is in lower case.
    pub fn header_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let headers = self.incoming;
        let two = headers.first_two(name);
        let more = if two[1].is_some() { 2..usize::MAX } else { 0..0 };
        two.into_iter().flatten().chain(more.map_while(move |index| headers.value(name, index)))
    }

    /// Returns whether the method is safe (RFC 9110 section 9.2.1). Ignores method-override headers.
    #[inline]
    pub fn is_safe(&self) -> bool {
        self.incoming.is_safe()
    }

    /// Returns whether the request is a WebSocket handshake, that is, whether an `Upgrade` field contains `websocket`.
    /// The method of a handshake is GET, which counts as safe. However, the browser sends the user's cookies with the
    /// handshake, so the page that opens the WebSocket can act as that user.
    pub fn is_websocket_handshake(&self) -> bool {
        self.header("upgrade").is_some() && self.upgrades_to(b"websocket")
    }

    /// Returns whether one of the protocols in the `Upgrade` fields has this name (RFC 9110 section 7.8).
    #[cold]
    fn upgrades_to(&self, name: &[u8]) -> bool {
        let protocols = self.header_all("upgrade").flat_map(|value| value.split(|byte| *byte == b','));
        let names = protocols.filter_map(|protocol| protocol.split(|byte| *byte == b'/').next());
        names.map(<[u8]>::trim_ascii).any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Returns the target without its query.
    pub fn path(&self) -> &'a str {
        self.target().split(['?', '#']).next().unwrap_or_default()
    }

    /// Returns the first value of the query parameter `name`, percent-decoded, or `None` if there is no such parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_all(name).next()
    }

    /// Returns the decoded values of all query parameters with this name, in order.
    pub(crate) fn query_all<'n>(&self, name: &'n str) -> impl Iterator<Item = String> + use<'a, 'n> {
        let query = self.target().split_once('?').map(|(_, query)| query).unwrap_or_default();
        let parameters = form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name);
        parameters.map(|(_, value)| value.into_owned())
    }
}

/// Returns whether a `Host` value consists only of lower-case letters, digits, dots and hyphens, as in most requests.
/// Such a value is valid and need not be parsed.
#[inline]
fn is_plain_name(host: &[u8]) -> bool {
    !host.is_empty() && host.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use crate::testing::TestRequest;

    #[test]
    fn e14_a_handshake_is_found_in_a_list_of_protocols() {
        let upgrades = |values: &[&str]| {
            let request = TestRequest::new("GET", "/").fields(values.iter().map(|value| ("upgrade", value)));
            request.head().is_websocket_handshake()
        };
        for list in [&["websocket"][..], &["WebSocket, h2c"], &["h2c ,websocket/13"], &["h2c", "websocket"]] {
            assert!(upgrades(list), "{list:?}");
        }
        for list in [&[][..], &["h2c"], &["websockets"], &[""], &["h2c, TLS/1.0"]] {
            assert!(!upgrades(list), "{list:?}");
        }
    }

    #[test]
    fn s81_a_host_is_named_once_and_has_the_form_of_one() {
        let sound = |hosts: &[&str]| {
            let request = TestRequest::new("POST", "/").fields(hosts.iter().map(|host| ("host", host)));
            request.head().has_sound_host()
        };
        assert!(sound(&["site.example"]) && sound(&["site.example:8443"]) && sound(&["[::1]:80"]) && sound(&[]));
        for bad in
            [&["site.example", "site.example"][..], &["a b"], &["/@c"], &["a b/@c"], &["user@site.example"], &[""]]
        {
            assert!(!sound(bad), "{bad:?}");
        }
    }

    #[test]
    fn e14_the_authority_wins_over_the_host_field() {
        let request = TestRequest::new("GET", "/").field("host", "evil.example");
        assert_eq!(request.head().host(), Some("site.example"));
    }

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

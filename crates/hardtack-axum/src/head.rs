//! axum's request, as the core reads it.

use std::borrow::Borrow;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, OriginalUri, Request};
use hardtack::adapter::{Exchange, RequestState};
use hardtack::request::Wants;
use hardtack::request::{Headers, Incoming, RequestHead};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// The head of a request: borrowed from it, or a copy that a handler keeps.
#[derive(Clone)]
pub(crate) struct Head<P>(P);

impl<'a> Head<&'a Parts> {
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self(parts)
    }

    /// A copy of what the core reads; of the extensions, nothing else comes along.
    pub(crate) fn to_owned(&self) -> Head<Parts> {
        let (mut kept, ()) = Request::new(()).into_parts();
        kept.method = self.0.method.clone();
        kept.uri = self.uri().clone();
        kept.headers = self.0.headers.clone();
        if let Some(connection) = self.0.extensions.get::<ConnectInfo<SocketAddr>>() {
            kept.extensions.insert(*connection);
        }
        Head(kept)
    }
}

impl<P: Borrow<Parts> + Sync> Head<P> {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.borrow().headers
    }

    pub(crate) fn request_head(&self) -> RequestHead<'_> {
        RequestHead::of(self)
    }

    /// A nested router shortens the URI and keeps the one that the client sent.
    fn uri(&self) -> &Uri {
        let parts = self.0.borrow();
        parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0)
    }

    pub(crate) fn exchange<'a>(&'a self, memo: &'a RequestState) -> Exchange<'a> {
        Exchange::new(self.request_head(), memo)
    }
}

impl<P: Borrow<Parts>> Headers for Head<P> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        value(&self.0.borrow().headers, name, index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        first_two(&self.0.borrow().headers, name)
    }
}

impl<P: Borrow<Parts> + Sync> Incoming for Head<P> {
    fn method(&self) -> &str {
        self.0.borrow().method.as_str()
    }

    fn is_safe(&self) -> bool {
        self.0.borrow().method.is_safe()
    }

    fn target(&self) -> &str {
        self.uri().path_and_query().map_or("/", PathAndQuery::as_str)
    }

    fn authority(&self) -> Option<&str> {
        self.uri().authority().map(Authority::as_str)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.borrow().extensions.get::<ConnectInfo<SocketAddr>>().map(|connection| connection.0.ip())
    }
}

/// The header map of `http` 1, as the core reads it: what an adapter for another framework on `http` needs.
///
/// ```
/// use hardtack_axum::{HeaderFields, hardtack::request::Headers};
/// use http::{HeaderMap, HeaderValue, header};
///
/// let mut headers = HeaderMap::new();
/// headers.append(header::COOKIE, HeaderValue::from_static("theme=dark"));
/// assert_eq!(HeaderFields(&headers).first_two("cookie"), [Some(&b"theme=dark"[..]), None]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderFields<'a>(pub &'a HeaderMap);

impl Headers for HeaderFields<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        value(self.0, name, index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        first_two(self.0, name)
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str, index: usize) -> Option<&'a [u8]> {
    if index == 0 { first(headers, name) } else { all(headers, name).nth(index) }
}

#[inline]
fn first_two<'a>(headers: &'a HeaderMap, name: &str) -> [Option<&'a [u8]>; 2] {
    if headers.len() == headers.keys_len() {
        // No name is there twice.
        return [first(headers, name), None];
    }
    let mut values = all(headers, name);
    [values.next(), values.next()]
}

/// The names that nearly every request is asked for, which then need no parsing.
#[inline]
fn known(name: &str) -> Option<&'static HeaderName> {
    static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    static CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
    match name {
        "cookie" => Some(&header::COOKIE),
        "origin" => Some(&header::ORIGIN),
        "sec-fetch-site" => Some(&SEC_FETCH_SITE),
        "x-csrf-token" => Some(&CSRF),
        "upgrade" => Some(&header::UPGRADE),
        _ => None,
    }
}

#[inline]
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let value = match (name, known(name)) {
        // To hash a name that has no number takes longer than to pass by the fields before it: most have one.
        ("sec-fetch-site" | "x-csrf-token", Some(name)) => {
            headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
        }
        (_, Some(name)) => headers.get(name),
        (name, None) => headers.get(name),
    };
    value.map(HeaderValue::as_bytes)
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = match known(name) {
        Some(name) => headers.get_all(name),
        None => headers.get_all(name),
    };
    values.iter().map(HeaderValue::as_bytes)
}

/// The form in which a client wants its answer, read from its header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    Wants::of(&HeaderFields(headers))
}

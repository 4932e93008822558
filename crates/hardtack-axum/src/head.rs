//! axum's request, as the core reads it.

use std::borrow::Borrow;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, OriginalUri, Request};
use hardtack::request::{Headers, RequestHead};
use hardtack::{Exchange, Memo, Wants};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, header};

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
        kept.uri = self.0.extensions.get::<OriginalUri>().map_or(&self.0.uri, |original| &original.0).clone();
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
        let Parts { method, uri, headers, extensions, .. } = self.0.borrow();
        // A nested router shortens the URI and keeps the one that the client sent.
        let uri = extensions.get::<OriginalUri>().map_or(uri, |original| &original.0);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        RequestHead {
            method: method.as_str(),
            target: uri.path_and_query().map_or("/", PathAndQuery::as_str),
            host: host.or_else(|| uri.authority().map(Authority::as_str)),
            peer: extensions.get::<ConnectInfo<SocketAddr>>().map(|connection| connection.0.ip()),
            headers: self,
        }
    }

    pub(crate) fn exchange<'a>(&'a self, memo: &'a Memo) -> Exchange<'a> {
        Exchange::new(self.request_head(), memo)
    }
}

impl<P: Borrow<Parts>> Headers for Head<P> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        all(&self.0.borrow().headers, name).nth(index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        let mut values = all(&self.0.borrow().headers, name);
        [values.next(), values.next()]
    }
}

/// Header fields on their own.
struct Fields<'a>(&'a HeaderMap);

impl Headers for Fields<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        all(self.0, name).nth(index)
    }
}

/// The names that nearly every request is asked for, which then need no parsing.
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

fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = match known(name) {
        Some(name) => headers.get_all(name),
        None => headers.get_all(name),
    };
    values.iter().map(HeaderValue::as_bytes)
}

/// The form in which a client wants its answer, read from its header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    Wants::of(&Fields(headers))
}

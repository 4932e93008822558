//! actix-web's request, as the core reads it.

use std::borrow::Borrow;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::dev;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::{Authority, PathAndQuery};
use hardtack::adapter::{Exchange, RequestState};
use hardtack::request::Wants;
use hardtack::request::{Headers, Incoming, RequestHead};

/// The head of a request: borrowed from it, or a copy that a handler keeps.
#[derive(Clone)]
pub(crate) struct Head<R>(R);

impl<'a> Head<&'a dev::RequestHead> {
    pub(crate) fn of(request: &'a HttpRequest) -> Self {
        Self(request.head())
    }

    pub(crate) fn to_owned(&self) -> Head<dev::RequestHead> {
        Head(self.0.clone())
    }
}

impl<R: Borrow<dev::RequestHead> + Sync> Head<R> {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.borrow().headers
    }

    pub(crate) fn request_head(&self) -> RequestHead<'_> {
        RequestHead::of(self)
    }

    pub(crate) fn exchange<'a>(&'a self, memo: &'a RequestState) -> Exchange<'a> {
        Exchange::new(self.request_head(), memo)
    }
}

impl<R: Borrow<dev::RequestHead>> Headers for Head<R> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        all(&self.0.borrow().headers, name).nth(index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        let mut values = all(&self.0.borrow().headers, name);
        [values.next(), values.next()]
    }
}

impl<R: Borrow<dev::RequestHead> + Sync> Incoming for Head<R> {
    fn method(&self) -> &str {
        self.0.borrow().method.as_str()
    }

    fn is_safe(&self) -> bool {
        self.0.borrow().method.is_safe()
    }

    fn target(&self) -> &str {
        // A scope leaves the URI as the client sent it.
        self.0.borrow().uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    fn authority(&self) -> Option<&str> {
        self.0.borrow().uri.authority().map(Authority::as_str)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.borrow().peer_addr.map(|peer| peer.ip())
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
fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = match known(name) {
        Some(name) => headers.get_all(name),
        None => headers.get_all(name),
    };
    values.map(HeaderValue::as_bytes)
}

/// The form in which a client wants its answer, read from its header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    Wants::of(&Fields(headers))
}

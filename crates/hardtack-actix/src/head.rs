//! actix-web's request, as the core reads it.

use actix_web::dev;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::uri::{Authority, PathAndQuery};
use hardtack::Wants;
use hardtack::request::{Headers, RequestHead};

/// The header map, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a HeaderMap);

impl Headers for Fields<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.0.get_all(name).nth(index).map(HeaderValue::as_bytes)
    }
}

/// The head of a request, borrowed. A scope leaves the URI as the client sent it.
pub(crate) fn head<'a>(request: &'a dev::RequestHead, fields: &'a Fields<'a>) -> RequestHead<'a> {
    let host = fields.0.get(header::HOST).and_then(|host| host.to_str().ok());
    RequestHead {
        method: request.method.as_str(),
        target: request.uri.path_and_query().map_or("/", PathAndQuery::as_str),
        host: host.or_else(|| request.uri.authority().map(Authority::as_str)),
        peer: request.peer_addr.map(|peer| peer.ip()),
        headers: fields,
    }
}

/// The form in which a client wants its answer, read from its header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    let fields = Fields(headers);
    Wants::of(&RequestHead { method: "GET", target: "/", host: None, peer: None, headers: &fields })
}

//! axum's request, as the core reads it.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, OriginalUri};
use hardtack::Wants;
use hardtack::request::{Headers, RequestHead};
use http::{Extensions, HeaderMap, Method, Uri, header};

/// The header map, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a HeaderMap);

impl Headers for Fields<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        if index == 0 {
            return self.0.get(name).map(http::HeaderValue::as_bytes);
        }
        self.0.get_all(name).iter().nth(index).map(http::HeaderValue::as_bytes)
    }
}

/// The head of a request, its parts borrowed one by one.
pub(crate) fn head<'a>(
    method: &'a Method,
    uri: &'a Uri,
    fields: &'a Fields<'a>,
    extensions: &'a Extensions,
) -> RequestHead<'a> {
    // A nested router shortens the URI and keeps the one that the client sent.
    let uri = extensions.get::<OriginalUri>().map_or(uri, |original| &original.0);
    let host = fields.0.get(header::HOST).and_then(|host| host.to_str().ok());
    RequestHead {
        method: method.as_str(),
        target: uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
        host: host.or_else(|| uri.authority().map(http::uri::Authority::as_str)),
        peer: extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
        headers: fields,
    }
}

/// The form in which a client wants its answer, read from its header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    let fields = Fields(headers);
    Wants::of(&RequestHead { method: "GET", target: "/", host: None, peer: None, headers: &fields })
}

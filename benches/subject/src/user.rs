//! Verifies a request from its header map.

use std::net::IpAddr;

use hardtack::adapter::{Exchange, Headers, Incoming, RequestHead, RequestState, Verification};
use hardtack::{Authenticator, Failure, Need, VerifiedToken};
use hardtack_axum::HeaderFields;
use http::HeaderMap;

/// A POST request with these header fields.
struct Post<'a>(HeaderFields<'a>);

impl Headers for Post<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.0.value(name, index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        self.0.first_two(name)
    }
}

impl Incoming for Post<'_> {
    fn method(&self) -> &str {
        "POST"
    }

    fn target(&self) -> &str {
        "/account"
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }
}

/// Verifies a request as the extractor of an adapter does. Returns `None` if I/O is needed.
pub fn user(authenticator: &Authenticator, headers: &HeaderMap) -> Option<Result<VerifiedToken, Failure>> {
    let post = Post(HeaderFields(headers));
    let state = RequestState::without_layer(authenticator.clone());
    let exchange = Exchange::new(RequestHead::of(&post), &state);
    match exchange.try_verify(Need::access()) {
        Verification::Ready(result) => result.transpose(),
        Verification::Pending(_) => None,
    }
}

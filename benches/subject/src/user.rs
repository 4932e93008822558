//! From a header map to a user.

use std::net::IpAddr;

use hardtack::request::{Headers, Incoming, RequestHead};
use hardtack::{Authenticator, Exchange, Failure, Memo, Need, VerifiedToken};
use hardtack_axum::HeaderFields;
use http::HeaderMap;

use crate::poll_once;

/// A POST with these fields.
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

/// What an adapter's extractor does.
pub fn user(engine: &Authenticator, headers: &HeaderMap) -> Option<Result<VerifiedToken, Failure>> {
    let post = Post(HeaderFields(headers));
    let memo = Memo::without_layer(engine.clone());
    let exchange = Exchange::new(RequestHead::of(&post), &memo);
    poll_once(exchange.required(Need::access()))
}

//! From a header map to a user.

use std::net::IpAddr;

use hardtack::adapter::Verification;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::request::{Headers, Incoming, RequestHead};
use hardtack::{Authenticator, Failure, Need, VerifiedToken};
use hardtack_axum::HeaderFields;
use http::HeaderMap;

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

/// What an adapter's extractor does. None where somebody would have to be waited for.
pub fn user(authenticator: &Authenticator, headers: &HeaderMap) -> Option<Result<VerifiedToken, Failure>> {
    let post = Post(HeaderFields(headers));
    let memo = RequestState::without_layer(authenticator.clone());
    let exchange = Exchange::new(RequestHead::of(&post), &memo);
    match exchange.settle(Need::access()) {
        Verification::Ready(answer) => answer.transpose(),
        Verification::Pending(_) => None,
    }
}

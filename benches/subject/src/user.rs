//! Verifies a request from its header map.

use std::net::IpAddr;

use hardtack::adapter::{Exchange, Headers, Incoming, RequestHead, RequestState, Verification};
use hardtack::jwt::NoExtra;
use hardtack::{Authenticator, Failure, Need, SetCookies, VerifiedToken};
use hardtack_axum::HeaderFields;
use http::HeaderMap;

use crate::{Failed, poll_once};

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

/// Posts a registration of a device's key. Returns the cookies of the bound session.
pub fn bind(authenticator: &Authenticator, headers: &HeaderMap) -> Result<SetCookies, Failed> {
    let post = Post(HeaderFields(headers));
    let state = RequestState::without_layer(authenticator.clone());
    let exchange = Exchange::new(RequestHead::of(&post), &state);
    let reply = poll_once(exchange.bind_device()).ok_or("the store was expected to return without waiting")?;
    let reply = reply.map_err(|failure| format!("the session was not bound: {}", failure.reason().code()))?;
    match reply.status {
        200 => Ok(reply.cookies),
        status => Err(format!("the session was not bound: status {status}").into()),
    }
}

/// Verifies a request, even if this needs the store. The first request with new tokens does.
pub fn visit(authenticator: &Authenticator, headers: &HeaderMap) -> Result<(), Failed> {
    let post = Post(HeaderFields(headers));
    let state = RequestState::without_layer(authenticator.clone());
    let exchange = Exchange::new(RequestHead::of(&post), &state);
    let verified = poll_once(exchange.required::<NoExtra>(Need::access()));
    let verified = verified.ok_or("the store was expected to return without waiting")?;
    verified.map(drop).map_err(|failure| format!("the request was refused: {}", failure.reason().code()).into())
}

//! Limits how often a request allocates, as a measure of its cost that does not depend on the machine. These tests have
//! a binary of their own, because the counting allocator is global.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hardtack::adapter::Peeked;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::config::DeviceBinding;
use hardtack::jwt::Algorithm;
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack::testing::{TestDevice, TestRequest};
use hardtack::{Authenticator, KeySet, MemorySessions, Need, SetCookies, SigningKey};

/// Polls a future until it is ready. The stores of these tests never wait.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Counts the allocations of a call, after one call to warm up.
fn allocations(mut act: impl FnMut()) -> u64 {
    act();
    allocation_counter::measure(act).count_total
}

/// A logged-in user.
struct Visitor {
    auth: Authenticator,
    access: String,
    request: TestRequest,
}

/// Returns a logged-in user of a process that knows of another session that has ended.
fn visitor(algorithm: Algorithm, cache_capacity: usize) -> Visitor {
    visitor_with(algorithm, cache_capacity, DeviceBinding::Off)
}

/// The same. If the site offers device binding, the user's session is bound to a device.
fn visitor_with(algorithm: Algorithm, cache_capacity: usize, binding: DeviceBinding) -> Visitor {
    let keys = KeySet::new(SigningKey::generate(algorithm).unwrap());
    let builder = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new());
    let auth = builder.token_cache(cache_capacity).device_binding(binding).build().unwrap();
    drop(block_on(auth.log_in("mallory")).unwrap());
    assert_eq!(block_on(auth.revoke_all_sessions("mallory")).unwrap(), 1);
    let mut cookies = block_on(auth.log_in("alice")).unwrap();
    if binding == DeviceBinding::Offer {
        cookies = bind(&auth, &cookies);
    }
    let pairs: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let value = |name| pairs.iter().find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
    let (access, csrf) = (value("__Host-access_token_cookie="), value("__Host-csrf_access_token="));
    let request = TestRequest::new("POST", "/page?x=1").fields([
        ("cookie", format!("theme=dark; {}; lang=en", pairs.join("; "))),
        ("sec-fetch-site", "same-origin".into()),
        ("origin", "https://site.example".into()),
        ("x-csrf-token", csrf),
    ]);
    Visitor { auth, access, request }
}

/// Binds the session to a device, and returns its new cookies.
fn bind(auth: &Authenticator, cookies: &SetCookies) -> SetCookies {
    let challenge = cookies.registration().unwrap().split_once(";challenge=").unwrap().1.trim_matches('"').to_owned();
    let pairs: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let request = TestRequest::new("POST", "/token/bind").fields([
        ("cookie", pairs.join("; ")),
        ("sec-fetch-site", "same-origin".into()),
        ("secure-session-response", TestDevice::new(Algorithm::ES256).unwrap().register(&challenge)),
    ]);
    let state = RequestState::in_layer(auth.clone(), Peeked::default());
    let reply = block_on(Exchange::new(request.head(), &state).bind_device()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.cookies
}

impl Visitor {
    /// Verifies the token alone.
    fn verify(&self) {
        black_box(self.auth.decode::<NoExtra>(&self.access, TokenKind::Access).unwrap());
    }

    /// Verifies a POST request: origin, CSRF value, token and session.
    fn request(&self) {
        let state = RequestState::in_layer(self.auth.clone(), Peeked::default());
        let token = block_on(Exchange::new(self.request.head(), &state).required::<NoExtra>(Need::access())).unwrap();
        assert_eq!((token.subject(), token.csrf_token().len()), ("alice", 59));
        assert!(token.is_fresh(self.auth.now()) && token.session().is_some());
    }
}

#[test]
fn a_cached_token_allocates_nothing() {
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA] {
        let visitor = visitor(algorithm, 64);
        assert_eq!(allocations(|| visitor.verify()), 0, "{algorithm}");
        assert_eq!(allocations(|| visitor.request()), 0, "{algorithm}");
    }
}

#[test]
fn s89_a_request_of_a_bound_session_allocates_as_often_as_any_other() {
    for (cache_capacity, expected) in [(64, 0), (0, 2)] {
        let visitor = visitor_with(Algorithm::HS256, cache_capacity, DeviceBinding::Offer);
        assert_eq!(allocations(|| visitor.verify()), expected);
        assert_eq!(allocations(|| visitor.request()), expected);
    }
}

#[test]
fn verifying_a_token_allocates_twice() {
    let visitor = visitor(Algorithm::HS256, 0);
    assert_eq!(allocations(|| visitor.verify()), 2);
    assert_eq!(allocations(|| visitor.request()), 2);
}

#[test]
fn a_refused_token_allocates_nothing_and_is_not_cached() {
    let visitor = visitor(Algorithm::HS256, 64);
    visitor.verify();
    let mut forged = visitor.access.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let refuse = || assert!(visitor.auth.decode::<NoExtra>(&forged, TokenKind::Access).is_err());
    assert_eq!(allocations(refuse), 0);
}

#[test]
fn a_log_in_allocates_at_most_32_times() {
    let visitor = visitor(Algorithm::HS256, 64);
    let stateless = Authenticator::builder(visitor.auth.keys()).base_url("https://site.example").build().unwrap();
    let count = allocations(|| drop(black_box(block_on(stateless.log_in("alice")).unwrap())));
    assert!(count <= 32, "{count}");
}

//! Gives the core access to the head of an axum request, and to the state that the layer has put into the request's
//! extensions.

use std::borrow::{Borrow, Cow};
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use axum::extract::{ConnectInfo, OriginalUri, Request};
use hardtack::adapter::{Exchange, Headers, Incoming, RequestHead, RequestState};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::{Authenticator, Failure, Need};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::background;
use crate::body::SharedBody;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The state that [`AuthLayer`](crate::AuthLayer) keeps in each request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct AuthState(Arc<RequestState>);

impl AuthState {
    pub(crate) fn new(state: RequestState) -> Self {
        Self(Arc::new(state))
    }

    /// Puts the state into the request's extensions, where extractors find it.
    pub(crate) fn insert_into(&self, extensions: &mut Extensions) {
        if extensions.is_empty() {
            extensions.clone_from(&ROOM_FOR_FOUR);
        }
        extensions.insert(self.clone());
    }

    /// Reads the beginning of the body if the caller might need the CSRF field of a form or a token in JSON. Otherwise,
    /// reads nothing. A caller that verifies a token passes its `need`. The extractor `Auth` passes `None`, because its
    /// operations also check forms that are posted before a log-in.
    ///
    /// Call this method only while [`has_unread_body`](RequestState::has_unread_body) is true, which is rare.
    pub(crate) fn read_ahead<'a>(&'a self, parts: &'a Parts, need: Option<Need>) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let head = Head::of(parts);
            let exchange = head.exchange(self);
            let peek = match need {
                Some(need) => exchange.body_peek(need)?,
                None => exchange.body_peek_for_auth()?,
            };
            let shared = parts.extensions.get::<SharedBody>();
            let Some(reading) = peek.zip(shared).and_then(|(peek, body)| body.read_ahead(peek)) else { return Ok(()) };
            let mut reading = pin!(reading);
            // Usually, the form has arrived together with the request's head.
            let read = match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
                Poll::Ready(read) => Ok(read),
                Poll::Pending => tokio::time::timeout(reading.timeout(), reading).await,
            };
            match read {
                Ok(Some(peeked)) => self.set_body(peeked),
                Ok(None) => {}
                Err(_) => return Err(exchange.refuse(Reason::BodyTooSlow)),
            }
            Ok(())
        })
    }

    /// Returns the layer's state.
    pub(crate) fn of_layer(parts: &Parts) -> Result<&Self, Failure> {
        parts.extensions.get::<Self>().ok_or_else(|| {
            let advice = "no AuthLayer wraps this route; add .layer(AuthLayer::new(auth)) to the router";
            Failure::outside(Reason::NotSetUp(advice.into()))
        })
    }

    /// Returns the layer's state. If there is no layer, creates a state with the authenticator from an `Extension`.
    /// With such a state, tokens can be verified but not refreshed.
    pub(crate) fn for_verification(parts: &Parts) -> Result<Cow<'_, Self>, Failure> {
        if let Some(state) = parts.extensions.get() {
            return Ok(Cow::Borrowed(state));
        }
        match parts.extensions.get::<Authenticator>() {
            Some(auth) => {
                background::ensure_running(auth);
                Ok(Cow::Owned(Self::new(RequestState::without_layer(auth.clone()))))
            }
            None => Self::of_layer(parts).map(Cow::Borrowed),
        }
    }
}

impl Deref for AuthState {
    type Target = RequestState;

    fn deref(&self) -> &RequestState {
        &self.0
    }
}

/// An empty table of extensions with room for four entries.
///
/// axum adds up to three extensions to a request: the original URI, the matched route and the path parameters.
/// Hardtack's state is the fourth. A table that grows from empty to four entries is allocated twice. A table that
/// starts with room for four is allocated once, which saves one of three allocations per request. `docs/performance.md`
/// lists the number in the row "allocations", and `tests/http/allocations.rs` checks it.
static ROOM_FOR_FOUR: LazyLock<Extensions> = LazyLock::new(|| {
    #[derive(Clone)]
    struct Place<const N: usize>;
    let mut extensions = Extensions::new();
    extensions.insert(Place::<0>);
    extensions.insert(Place::<1>);
    extensions.insert(Place::<2>);
    extensions.insert(Place::<3>);
    extensions.clear();
    extensions
});

/// The head of a request, either borrowed from the request or copied for a handler to keep.
#[derive(Clone)]
pub(crate) struct Head<P>(P);

impl<'a> Head<&'a Parts> {
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self(parts)
    }

    /// Copies the parts of the request that the core reads. Leaves out all other extensions.
    pub(crate) fn to_owned(&self) -> Head<Parts> {
        let (mut copy, ()) = Request::new(()).into_parts();
        copy.method = self.0.method.clone();
        copy.uri = self.uri().clone();
        copy.headers = self.0.headers.clone();
        if let Some(connection) = self.0.extensions.get::<ConnectInfo<SocketAddr>>() {
            copy.extensions.insert(*connection);
        }
        Head(copy)
    }
}

impl<P: Borrow<Parts> + Sync> Head<P> {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.borrow().headers
    }

    pub(crate) fn request_head(&self) -> RequestHead<'_> {
        RequestHead::of(self)
    }

    /// Returns the operations that a handler can perform on this request.
    pub(crate) fn exchange<'a>(&'a self, state: &'a RequestState) -> Exchange<'a> {
        Exchange::new(self.request_head(), state)
    }

    /// Returns the URI as the client sent it. Inside a nested router, `Parts::uri` lacks that router's prefix.
    fn uri(&self) -> &Uri {
        let parts = self.0.borrow();
        parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0)
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

/// A header map from the `http` crate that implements [`Headers`], so that Hardtack's core can read it. Adapters for
/// other frameworks can also use this type if their framework uses the `http` crate.
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
    all(headers, name).nth(index)
}

#[inline]
fn first_two<'a>(headers: &'a HeaderMap, name: &str) -> [Option<&'a [u8]>; 2] {
    if headers.len() == headers.keys_len() {
        // In nearly every request, no field is repeated. `get` takes fewer instructions than `get_all`.
        let value = match (name, known(name)) {
            // `get` would hash these names. Comparing them with the few field names in the request takes about 90 fewer
            // instructions.
            ("host" | "sec-fetch-site" | "x-csrf-token", Some(name)) => {
                headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
            }
            (_, Some(name)) => headers.get(name),
            (name, None) => headers.get(name),
        };
        return [value.map(HeaderValue::as_bytes), None];
    }
    let mut values = all(headers, name);
    [values.next(), values.next()]
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = match known(name) {
        Some(name) => headers.get_all(name),
        None => headers.get_all(name),
    };
    values.iter().map(HeaderValue::as_bytes)
}

/// Returns a constant `HeaderName` for a field that the core looks up in nearly every request. If a look-up passed a
/// string, the `http` crate would parse it each time (decision 28).
#[inline]
fn known(name: &str) -> Option<&'static HeaderName> {
    static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    static CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
    match name {
        "cookie" => Some(&header::COOKIE),
        "origin" => Some(&header::ORIGIN),
        "host" => Some(&header::HOST),
        "sec-fetch-site" => Some(&SEC_FETCH_SITE),
        "x-csrf-token" => Some(&CSRF),
        "upgrade" => Some(&header::UPGRADE),
        _ => None,
    }
}

/// Returns what kind of response the client wants, according to the request's header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    Wants::of(&HeaderFields(headers))
}

//! Gives the core access to the head of an actix-web request, and to the state that the layer has stored in the
//! request's extensions.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::{self, ServiceRequest};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::{Authority, PathAndQuery};
use actix_web::{HttpMessage, HttpRequest, web};
use hardtack::adapter::{Exchange, Headers, Incoming, RequestHead, RequestState};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::{Authenticator, Failure, FailureKind, Need};

use crate::background;
use crate::body::SharedPayload;
use crate::respond::{AuthError, Refusal};

/// The state that [`AuthLayer`](crate::AuthLayer) keeps in each request's extensions.
pub(crate) struct AuthState {
    request: RequestState,
    refusals: RefCell<Vec<Arc<Refusal>>>,
}

impl AuthState {
    pub(crate) fn new(request: RequestState) -> Rc<Self> {
        Rc::new(Self { request, refusals: RefCell::default() })
    }

    /// Puts the state into the request's extensions, where extractors find it.
    pub(crate) fn insert_into(self: &Rc<Self>, request: &ServiceRequest) {
        request.extensions_mut().insert(Rc::clone(self));
    }

    fn find(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// Returns the layer's state.
    pub(crate) fn of_layer(request: &HttpRequest) -> Result<Rc<Self>, Failure> {
        Self::find(request).ok_or_else(|| {
            let advice = "no AuthLayer wraps this route; add .wrap(AuthLayer::new(auth)) to the App";
            Failure::outside(Reason::NotSetUp(advice.into()))
        })
    }

    /// Returns the layer's state. If there is no layer, creates a state with the authenticator from `app_data`. Such a
    /// state is enough to verify tokens, but not to refresh them.
    pub(crate) fn for_verification(request: &HttpRequest) -> Result<Rc<Self>, Failure> {
        if let Some(state) = Self::find(request) {
            return Ok(state);
        }
        match request.app_data::<web::Data<Authenticator>>() {
            Some(auth) => {
                background::ensure_running(auth);
                Ok(Self::new(RequestState::without_layer(Authenticator::clone(auth))))
            }
            None => Self::of_layer(request),
        }
    }

    /// Reads the beginning of the body if the caller might need a form's CSRF field or a token in JSON. Otherwise,
    /// reads nothing. A caller that verifies a token passes its `need`. The extractor `Auth` passes `None`.
    ///
    /// Call this method only while [`has_unread_body`](RequestState::has_unread_body) is true, which is rare.
    pub(crate) async fn read_ahead(&self, request: &HttpRequest, need: Option<Need>) -> Result<(), Failure> {
        let head = Head::of(request);
        let exchange = head.exchange(self);
        let peek = match need {
            Some(need) => exchange.body_peek(need)?,
            None => exchange.body_peek_for_auth()?,
        };
        let shared = request.extensions().get::<SharedPayload>().cloned();
        let Some(reading) = peek.zip(shared).and_then(|(peek, payload)| payload.read_ahead(peek)) else {
            return Ok(());
        };
        match tokio::time::timeout(reading.timeout(), reading).await {
            Ok(Some(peeked)) => self.set_body(peeked),
            Ok(None) => {}
            Err(_) => return Err(exchange.refuse(Reason::BodyTooSlow)),
        }
        Ok(())
    }

    /// Converts a failure into an extractor's error, and records the failure. If a handler takes an `Option<T>`,
    /// actix-web turns the extractor's errors into `None` and runs the handler. The layer then replaces the handler's
    /// response with the recorded failure. A missing token is not recorded, because `None` is correct in that case.
    pub(crate) fn refuse(&self, failure: Failure) -> AuthError {
        if failure.reason().kind() == FailureKind::Missing {
            return failure.into();
        }
        let refusal = Arc::new(Refusal::new(failure));
        self.refusals.borrow_mut().push(Arc::clone(&refusal));
        AuthError::from_refusal(refusal)
    }

    /// Returns the first refusal that has not been handled. A refusal counts as handled if it became a response or if
    /// the handler inspected it.
    pub(crate) fn unhandled_refusal(&self) -> Option<Arc<Refusal>> {
        self.refusals.borrow().iter().find(|refusal| !refusal.is_handled()).cloned()
    }
}

impl Deref for AuthState {
    type Target = RequestState;

    fn deref(&self) -> &RequestState {
        &self.request
    }
}

/// The head of a request, either borrowed from the request or copied for a handler to keep.
#[derive(Clone)]
pub(crate) struct Head<R>(R);

impl<'a> Head<&'a dev::RequestHead> {
    pub(crate) fn of(request: &'a HttpRequest) -> Self {
        Self(request.head())
    }

    /// Copies the head, which is the only part of the request that the core reads.
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

    /// Returns the operations that a handler can perform on this request.
    pub(crate) fn exchange<'a>(&'a self, state: &'a RequestState) -> Exchange<'a> {
        Exchange::new(self.request_head(), state)
    }
}

impl<R: Borrow<dev::RequestHead>> Headers for Head<R> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        all(&self.0.borrow().headers, name).nth(index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        first_two(&self.0.borrow().headers, name)
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
        // A scope does not change the URI, so this is the path as the client sent it.
        self.0.borrow().uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    fn authority(&self) -> Option<&str> {
        self.0.borrow().uri.authority().map(Authority::as_str)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.borrow().peer_addr.map(|peer| peer.ip())
    }
}

/// An actix-web header map that implements [`Headers`], so that Hardtack's core can read it.
///
/// ```
/// use actix_web::http::header::{self, HeaderMap, HeaderValue};
/// use hardtack_actix::{HeaderFields, hardtack::request::Headers};
///
/// let mut headers = HeaderMap::new();
/// headers.append(header::COOKIE, HeaderValue::from_static("theme=dark"));
/// assert_eq!(HeaderFields(&headers).first_two("cookie"), [Some(&b"theme=dark"[..]), None]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderFields<'a>(pub &'a HeaderMap);

impl Headers for HeaderFields<'_> {
    fn value(&self, name: &str, index: usize) -> Option<&[u8]> {
        all(self.0, name).nth(index)
    }

    fn first_two(&self, name: &str) -> [Option<&[u8]>; 2] {
        first_two(self.0, name)
    }
}

fn first_two<'a>(headers: &'a HeaderMap, name: &str) -> [Option<&'a [u8]>; 2] {
    let mut values = all(headers, name);
    [values.next(), values.next()]
}

/// Returns a constant `HeaderName` for a field that the core looks up in nearly every request. If a look-up passed a
/// string, actix-web would parse the string each time.
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

#[inline]
fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = match known(name) {
        Some(name) => headers.get_all(name),
        None => headers.get_all(name),
    };
    values.map(HeaderValue::as_bytes)
}

/// Returns what kind of response the client wants, according to the request's header fields.
pub fn wants(headers: &HeaderMap) -> Wants {
    Wants::of(&HeaderFields(headers))
}

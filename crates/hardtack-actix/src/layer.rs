//! The layer: reads a form's CSRF field on the way in, adds cookies and `Cache-Control` on the way out.

use std::cell::RefCell;
use std::future::{Future, Ready, ready};
use std::iter::once_with;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest, web};
use hardtack::adapter::RequestState;
use hardtack::adapter::ResponseChanges;
use hardtack::adapter::{BodyPeek, Peeked};
use hardtack::refusal::NO_STORE;
use hardtack::refusal::Reason;
use hardtack::{Authenticator, Failure};
use pin_project_lite::pin_project;

use crate::AuthError;
use crate::head::Head;
use crate::peek::peek;
use crate::respond::{Refusal, append, reply_response};

/// Puts an [`Authenticator`] around an `App`, a scope or a resource. Its extractors then work in every
/// handler below.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    authenticator: Authenticator,
}

impl AuthLayer {
    /// The layer of an authenticator.
    pub fn new(authenticator: Authenticator) -> Self {
        Self { authenticator }
    }
}

impl<S, B> Transform<S, ServiceRequest> for AuthLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthService<S>;
    type InitError = ();
    type Future = Ready<Result<AuthService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(AuthService { inner: Rc::new(inner), authenticator: self.authenticator.clone() }))
    }
}

/// What extractors find in a request's extensions.
pub(crate) struct Layered {
    pub(crate) memo: RequestState,
    refusals: RefCell<Vec<Arc<Refusal>>>,
}

impl Layered {
    fn new(memo: RequestState) -> Rc<Self> {
        Rc::new(Self { memo, refusals: RefCell::default() })
    }

    fn find(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// What the layer left in a request.
    pub(crate) fn of(request: &HttpRequest) -> Result<Rc<Self>, Failure> {
        Self::find(request).ok_or_else(|| {
            let advice = "no AuthLayer wraps this route; add .wrap(AuthLayer::new(auth)) to the App";
            Failure::outside(Reason::NotSetUp(advice.into()))
        })
    }

    /// The same; without the layer, an authenticator in the application's data will do for checking.
    pub(crate) fn or_engine(request: &HttpRequest) -> Result<Rc<Self>, Failure> {
        if let Some(layered) = Self::find(request) {
            return Ok(layered);
        }
        match request.app_data::<web::Data<Authenticator>>() {
            Some(authenticator) => Ok(Self::new(RequestState::without_layer(Authenticator::clone(authenticator)))),
            None => Self::of(request),
        }
    }

    /// The error of an extractor. The layer keeps in mind that a response has to come of it: actix-web
    /// turns every extractor into an `Option` of itself, which drops the error and lets the handler run.
    pub(crate) fn refuse(&self, failure: Failure) -> AuthError {
        let refusal = Arc::new(Refusal::new(failure));
        self.refusals.borrow_mut().push(Arc::clone(&refusal));
        AuthError(refusal)
    }

    fn unheeded(&self) -> Option<Arc<Refusal>> {
        self.refusals.borrow().iter().find(|refusal| !refusal.is_heeded()).cloned()
    }
}

/// The service that [`AuthLayer`] makes.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: Rc<S>,
    authenticator: Authenticator,
}

impl<S, B> Service<ServiceRequest> for AuthService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let authenticator = self.authenticator.clone();
        let wanted = if authenticator.method_may_need_body(request.method().is_safe()) {
            authenticator.body_peek(&Head::of(request.request()).request_head())
        } else {
            None
        };
        let state = match wanted {
            None => {
                let (future, layered) =
                    call_with(&*self.inner, RequestState::in_layer(authenticator, Peeked::default()), request);
                State::Handler { future, layered }
            }
            Some(wanted) => {
                let future = Box::pin(call_peeked(Rc::clone(&self.inner), authenticator, wanted, request));
                State::Peeking { future }
            }
        };
        ResponseFuture { state }
    }
}

/// Calls the inner service, and leaves the memo in the request for its extractors.
fn call_with<S: Service<ServiceRequest>>(
    inner: &S,
    memo: RequestState,
    request: ServiceRequest,
) -> (S::Future, Rc<Layered>) {
    let layered = Layered::new(memo);
    request.extensions_mut().insert(Rc::clone(&layered));
    (inner.call(request), layered)
}

async fn call_peeked<S, B>(
    inner: Rc<S>,
    authenticator: Authenticator,
    wanted: BodyPeek,
    mut request: ServiceRequest,
) -> Answer<B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let (peeked, payload) = peek(request.take_payload(), wanted).await;
    request.set_payload(payload);
    let (future, layered) = call_with(&*inner, RequestState::in_layer(authenticator, peeked), request);
    finish(future.await, &layered)
}

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pin_project! {
    /// The layer's future: the handler's own, and boxed only where a body is read first.
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Handler { #[pin] future: F, layered: Rc<Layered> },
        Peeking { future: Pin<Box<dyn Future<Output = Answer<B>>>> },
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = Answer<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future, layered } => future.poll(cx).map(|result| finish(result, layered)),
            StateProjection::Peeking { future } => future.as_mut().poll(cx),
        }
    }
}

fn finish<B>(result: Result<ServiceResponse<B>, Error>, layered: &Layered) -> Answer<B> {
    match result {
        Ok(response) => Ok(finish_response(response, layered)),
        Err(error) => Err(finish_error(error, layered)),
    }
}

fn finish_response<B>(response: ServiceResponse<B>, layered: &Layered) -> ServiceResponse<EitherBody<B>> {
    let mut response = match layered.unheeded() {
        None => response.map_into_left_body(),
        Some(refusal) => {
            tracing::error!(
                event = "unheeded_refusal",
                code = refusal.failure().reason().code(),
                "a handler ran although its token was refused; take Optional<AccessToken>, not Option<AccessToken>"
            );
            response.into_response(reply_response(refusal.failure().reply().clone()).map_into_right_body())
        }
    };
    add(&additions(response.headers(), layered), response.headers_mut());
    response
}

/// An error of a service further in becomes a response further out: that one gets the additions.
fn finish_error(mut error: Error, layered: &Layered) -> Error {
    let additions = additions(error.error_response().headers(), layered);
    error.add_response_mapper(move |mut response| {
        add(&additions, response.headers_mut());
        response
    });
    error
}

fn additions(headers: &HeaderMap, layered: &Layered) -> ResponseChanges {
    let set = once_with(|| headers.get_all(header::SET_COOKIE)).flatten();
    layered.memo.finish(set.map(HeaderValue::as_bytes))
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

fn add(additions: &ResponseChanges, headers: &mut HeaderMap) {
    append(&additions.cookies, headers);
    if additions.private {
        headers.insert(header::CACHE_CONTROL, PRIVATE.clone());
    }
}

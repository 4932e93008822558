//! The future of an extractor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::AuthError;

/// The future of an extractor: nearly always done as soon as it is made. It owns its share of the request, as
/// actix-web's trait lends none.
pub struct Extracting<E>(State<E>);

enum State<E> {
    Done(Option<Result<E, AuthError>>),
    PendingVerification(Pin<Box<dyn Future<Output = Result<E, AuthError>>>>),
}

impl<E> Extracting<E> {
    /// One that waits for nobody.
    pub(crate) fn done(result: Result<E, AuthError>) -> Self {
        Self(State::Done(Some(result)))
    }

    /// One that asks somebody first.
    pub(crate) fn waiting(future: impl Future<Output = Result<E, AuthError>> + 'static) -> Self {
        Self(State::PendingVerification(Box::pin(future)))
    }
}

/// Nothing in it is pinned but what is in a box.
impl<E> Unpin for Extracting<E> {}

impl<E> Future for Extracting<E> {
    type Output = Result<E, AuthError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Whoever polls again after the end has got the answer.
            State::Done(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            State::PendingVerification(future) => future.as_mut().poll(cx),
        }
    }
}

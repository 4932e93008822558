//! The future that an extractor returns.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::respond::AuthError;

/// The future that an extractor returns. If the result is known at once, the future contains the result. Otherwise, for
/// example if verification needs I/O, it contains a boxed future.
pub struct ExtractFuture<E>(State<E>);

enum State<E> {
    Complete(Option<Result<E, AuthError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<E, AuthError>>>>),
}

impl<E> ExtractFuture<E> {
    pub(crate) fn complete(result: Result<E, AuthError>) -> Self {
        Self(State::Complete(Some(result)))
    }

    /// Converts the extracted value to the type `F`.
    pub(crate) fn map_into<F: From<E> + 'static>(self) -> ExtractFuture<F>
    where
        E: 'static,
    {
        match self.0 {
            State::Complete(result) => ExtractFuture(State::Complete(result.map(|result| result.map(F::from)))),
            State::Boxed(future) => ExtractFuture::boxed(async move { future.await.map(F::from) }),
        }
    }

    /// Boxes a future. The future must own a clone of the request, because `from_request` only borrows the request.
    pub(crate) fn boxed(future: impl Future<Output = Result<E, AuthError>> + 'static) -> Self {
        Self(State::Boxed(Box::pin(future)))
    }
}

/// No field is pinned. The boxed future is pinned in its box.
impl<E> Unpin for ExtractFuture<E> {}

impl<E> Future for ExtractFuture<E> {
    type Output = Result<E, AuthError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // The result is returned only once. If the future is polled again after that, it is pending.
            State::Complete(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            State::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

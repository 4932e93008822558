//! A request body. An extractor can read the first part of it before the handler reads the whole body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hardtack::adapter::{BodyPeek, Peeked};
use http_body::{Body as HttpBody, Frame, SizeHint};

type FrameResult = Result<Frame<Bytes>, axum::Error>;

/// A request body. An extractor can read the first part before the handler does, but the handler still receives the
/// whole body. All clones share one body.
#[derive(Clone, Debug)]
pub(crate) struct SharedBody(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The data that was read ahead, except for the frame in `last`.
    buffer: Bytes,
    /// The frame or error at which reading ahead stopped. The handler gets it after `buffer`.
    last: Option<FrameResult>,
    /// The part of the body that has not been read yet. It is `None` once the body has ended, because some bodies panic
    /// if they are polled after that.
    rest: Option<Body>,
    /// The size hint for the whole body. Extractors compare the hint with their limit before they start reading.
    hint: SizeHint,
    /// Collects the beginning of the body and searches it for the CSRF field or the tokens. `None` while no extractor
    /// reads ahead.
    peek: Option<BodyPeek>,
    /// How many [`ReadAhead`] futures have not been dropped yet.
    readers: usize,
    /// Wakes the handler when no extractor is reading ahead anymore. Until then, the handler waits for the body.
    handler: Option<Waker>,
    /// Whether the handler or a middleware has begun to read the body.
    is_read: bool,
}

impl SharedBody {
    pub(crate) fn new(body: Body) -> Self {
        let hint = body.size_hint();
        Self(Arc::new(Mutex::new(State {
            buffer: Bytes::new(),
            last: None,
            rest: Some(body),
            hint,
            peek: None,
            readers: 0,
            handler: None,
            is_read: false,
        })))
    }

    /// Returns a future that reads the beginning of the body. If several extractors read ahead at the same time, their
    /// futures share the `peek` of the first extractor. Returns `None` if the beginning has already been taken, for
    /// example by a middleware that reads the body.
    pub(crate) fn read_ahead(&self, peek: BodyPeek) -> Option<ReadAhead> {
        let mut state = self.lock();
        if state.is_read {
            return None;
        }
        let timeout = peek.timeout();
        state.peek.get_or_insert(peek);
        state.readers += 1;
        Some(ReadAhead { body: self.clone(), timeout })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads until `peek` finds what it needs or reaches its limit, or until the body ends.
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<Option<Peeked>> {
        let (Some(peek), Some(rest)) = (&mut self.peek, &mut self.rest) else { return Poll::Ready(self.finish()) };
        // `peek` keeps the data in one buffer. A client can send frames of a single byte, and storing each frame
        // separately would take far more memory. The frame at which reading ahead stops is stored in `last`, so the
        // buffer stays within the limit.
        self.last = loop {
            match ready!(Pin::new(&mut *rest).poll_frame(cx)) {
                Some(Ok(frame)) if frame.data_ref().is_some_and(|data| peek.push(data)) => {}
                // `peek` has read enough, or the frame contains trailers, which come last (RFC 9110 section 6.5). An
                // error is also stored in `last`, so that the handler's extractor gets the error as well.
                end => break end,
            }
        };
        if !matches!(self.last, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(self.finish())
    }

    /// Stops reading ahead, moves the collected data to `buffer`, and lets the handler read the body.
    fn finish(&mut self) -> Option<Peeked> {
        let (peeked, chunks) = self.peek.take()?.finish();
        self.buffer = chunks.into();
        if let Some(handler) = self.handler.take() {
            handler.wake();
        }
        Some(peeked)
    }
}

/// A future that reads the beginning of a body. Its output is what it has found, or `None` if another extractor has
/// already taken the result.
pub(crate) struct ReadAhead {
    body: SharedBody,
    timeout: Duration,
}

impl ReadAhead {
    /// Returns how long an extractor may wait for this future.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Future for ReadAhead {
    type Output = Option<Peeked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Peeked>> {
        self.body.lock().poll_peek(cx)
    }
}

/// Lets the handler read the body once no extractor is waiting anymore.
impl Drop for ReadAhead {
    fn drop(&mut self) {
        let mut state = self.body.lock();
        state.readers -= 1;
        if state.readers == 0 {
            state.finish();
        }
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        let mut state = self.lock();
        if state.peek.is_some() {
            state.handler = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.is_read = true;
        if !state.buffer.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut state.buffer)))));
        }
        if let Some(last) = state.last.take() {
            return Poll::Ready(Some(last));
        }
        match &mut state.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.lock();
        state.peek.is_none()
            && state.buffer.is_empty()
            && state.last.is_none()
            && state.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().hint
    }
}

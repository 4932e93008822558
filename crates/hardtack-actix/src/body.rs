//! A request payload. An extractor can read the first part of it before the handler reads the whole payload.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;
use hardtack::adapter::{BodyPeek, Peeked};

type ChunkResult = Result<Bytes, PayloadError>;

/// A request payload. An extractor can read the first part before the handler does, but the handler still receives the
/// whole payload. All clones share one payload.
#[derive(Clone)]
pub(crate) struct SharedPayload(Rc<RefCell<State>>);

struct State {
    /// The data that has been read ahead, except for the chunk in `last`.
    buffer: Bytes,
    /// The chunk or error at which reading ahead stopped. The handler gets this chunk or error after `buffer`.
    last: Option<ChunkResult>,
    /// The part that has not been read. It is `None` after the end of the payload, because a stream must not be polled
    /// after its end.
    rest: Option<Payload>,
    /// Collects the beginning of the payload and searches it for the CSRF field or the tokens. `None` while no
    /// extractor is reading ahead.
    peek: Option<BodyPeek>,
    /// How many [`ReadAhead`] futures have not been dropped yet.
    readers: usize,
    /// Wakes the handler's body extractor, such as `Form`, once no extractor is reading ahead. actix-web runs a
    /// handler's extractors concurrently, so the body extractor may already be waiting.
    handler: Option<Waker>,
    /// Whether the payload has returned `Pending` once to the handler's body extractor. While the body extractor waits,
    /// an extractor that has to read ahead can start.
    has_waited: bool,
    /// Whether the handler or a middleware has begun to read the payload.
    is_read: bool,
}

impl SharedPayload {
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(State {
            buffer: Bytes::new(),
            last: None,
            rest: Some(payload),
            peek: None,
            readers: 0,
            handler: None,
            has_waited: false,
            is_read: false,
        })))
    }

    /// Returns the payload for the handler.
    pub(crate) fn payload(&self) -> Payload {
        Payload::Stream { payload: Box::pin(self.clone()) }
    }

    /// Returns a future that reads the beginning of the payload. If several extractors read ahead at the same time,
    /// they all use the first extractor's `peek`. Returns `None` if the beginning has already been taken, for example
    /// by a middleware that reads the body.
    pub(crate) fn read_ahead(&self, peek: BodyPeek) -> Option<ReadAhead> {
        let mut state = self.0.borrow_mut();
        if state.is_read {
            return None;
        }
        let timeout = peek.timeout();
        state.peek.get_or_insert(peek);
        state.readers += 1;
        Some(ReadAhead { payload: self.clone(), timeout })
    }
}

impl State {
    /// Reads until `peek` has found what it needs, `peek` has reached its limit, or the payload has ended.
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<Option<Peeked>> {
        let (Some(peek), Some(rest)) = (&mut self.peek, &mut self.rest) else { return Poll::Ready(self.finish()) };
        // `peek` keeps the data in one buffer. If a client sends chunks of a single byte, storing each chunk separately
        // would take far more memory. The chunk at which reading ahead stops is stored in `last`, so the buffer stays
        // within the limit.
        self.last = loop {
            match ready!(Pin::new(&mut *rest).poll_next(cx)) {
                Some(Ok(data)) if peek.push(&data) => {}
                // `peek` has read enough, or the payload has ended or failed. If the payload has failed, `last` holds
                // the error, so that the handler gets it too.
                end => break end,
            }
        };
        if !matches!(self.last, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(self.finish())
    }

    /// Stops reading ahead, moves the collected data to `buffer`, and lets the handler read the payload.
    fn finish(&mut self) -> Option<Peeked> {
        let (peeked, chunks) = self.peek.take()?.finish();
        self.buffer = chunks.into();
        if let Some(handler) = self.handler.take() {
            handler.wake();
        }
        Some(peeked)
    }
}

/// A future that reads the beginning of a payload. It resolves to what it has found, or to `None` if another extractor
/// has already taken the result.
pub(crate) struct ReadAhead {
    payload: SharedPayload,
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
        self.payload.0.borrow_mut().poll_peek(cx)
    }
}

/// When the last extractor has stopped waiting, the handler can read the payload.
impl Drop for ReadAhead {
    fn drop(&mut self) {
        let mut state = self.payload.0.borrow_mut();
        state.readers -= 1;
        if state.readers == 0 {
            state.finish();
        }
    }
}

impl Stream for SharedPayload {
    type Item = ChunkResult;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ChunkResult>> {
        let mut state = self.0.borrow_mut();
        if state.peek.is_some() {
            state.handler = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if !state.has_waited {
            // actix-web might poll the handler's body extractor before an extractor that has to read ahead. Return
            // `Pending` once, so that the extractor that reads ahead can start first.
            state.has_waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        state.is_read = true;
        if !state.buffer.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut state.buffer))));
        }
        if let Some(last) = state.last.take() {
            return Poll::Ready(Some(last));
        }
        match &mut state.rest {
            Some(rest) => Pin::new(rest).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

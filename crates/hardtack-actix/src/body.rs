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

/// A request payload. An extractor can read the first part before the handler does. The handler still receives the whole
/// payload. All clones share one payload.
#[derive(Clone)]
pub(crate) struct SharedPayload(Rc<RefCell<State>>);

struct State {
    /// What was read ahead.
    buffer: Bytes,
    /// The chunk that ended the reading ahead.
    last: Option<ChunkResult>,
    /// The part that has not been read. It is `None` after the end of the payload, because a stream must not be polled
    /// after its end.
    rest: Option<Payload>,
    /// The reader of the beginning, and the number of extractors that wait for it.
    peek: Option<BodyPeek>,
    readers: usize,
    /// Wakes the handler's body extractor, such as `Form`, when the reading ahead has ended. actix-web runs a handler's
    /// extractors concurrently, so the body extractor may already be waiting.
    handler: Option<Waker>,
    /// Whether the handler's body extractor has already returned `Pending` once. It does this so that an extractor that
    /// has to read ahead can start first.
    has_waited: bool,
    /// Whether the handler or a middleware has begun to read.
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

    /// The payload for the handler.
    pub(crate) fn payload(&self) -> Payload {
        Payload::Stream { payload: Box::pin(self.clone()) }
    }

    /// Returns a future that reads the beginning of the payload. If several extractors read ahead at the same time,
    /// their futures share the `peek` of the first. Returns `None` if the beginning has already been taken, for example
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
    /// Reads until the peek has found what it needs, its limit is reached, or the payload ends.
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<Option<Peeked>> {
        let (Some(peek), Some(rest)) = (&mut self.peek, &mut self.rest) else { return Poll::Ready(self.finish()) };
        // The peek keeps the data in one buffer. A client may send chunks of a single byte, and storing each chunk
        // separately would take far more memory. The chunk that ends the peek is stored in `last`, so the buffer stays
        // within the limit.
        self.last = loop {
            match ready!(Pin::new(&mut *rest).poll_next(cx)) {
                Some(Ok(data)) if peek.push(&data) => {}
                // Enough was read, or the payload ended or failed. An error is stored, so that the handler gets it as
                // well.
                end => break end,
            }
        };
        if !matches!(self.last, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(self.finish())
    }

    /// Ends the reading ahead, and lets the handler read.
    fn finish(&mut self) -> Option<Peeked> {
        let (peeked, chunks) = self.peek.take()?.finish();
        self.buffer = chunks.into();
        if let Some(handler) = self.handler.take() {
            handler.wake();
        }
        Some(peeked)
    }
}

/// A future that reads the beginning of a payload. Its output is what was found there, or `None` if another extractor
/// has taken the result.
pub(crate) struct ReadAhead {
    payload: SharedPayload,
    timeout: Duration,
}

impl ReadAhead {
    /// How long to wait.
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
            // Another extractor may have to read ahead, but be polled after this one. Return `Pending` once, so that it
            // can start first.
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

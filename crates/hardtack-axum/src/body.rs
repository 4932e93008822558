//! Reads the beginning of a body, and passes the whole body on to the handler.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use hardtack::adapter::{BodyPeek, Peeked};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

type FrameResult = Result<Frame<Bytes>, axum::Error>;

/// Reads until `peek` has found what it needs, its limit is reached, or the body ends. Returns what it found, and a
/// body that yields exactly what the client sent.
pub(crate) async fn peek(mut body: Body, mut peek: BodyPeek) -> (Peeked, Body) {
    let hint = body.size_hint();
    // Frames are copied into one buffer: a client may send frames of a single byte, and storing each would take far
    // more memory. The frame that ends the peek is stored in `last` instead, so the buffer stays within the limit.
    let mut buffer = BytesMut::new();
    let last = loop {
        match body.frame().await {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if peek.push(data) => buffer.extend_from_slice(data),
                // Enough was read, or the frame contains trailers, which come last (RFC 9110 section 6.5).
                _ => break Some(Ok(frame)),
            },
            // The body ended or failed. An error is stored, so that the handler's extractor gets it as well.
            end => break end,
        }
    };
    // Do not poll the body after its end: some bodies panic.
    let rest = matches!(last, Some(Ok(_))).then_some(body);
    (peek.finish(), Body::new(Replay { buffer: buffer.freeze(), last, rest, hint }))
}

/// A body whose beginning has already been read.
struct Replay {
    buffer: Bytes,
    last: Option<FrameResult>,
    rest: Option<Body>,
    hint: SizeHint,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        if !self.buffer.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.buffer)))));
        }
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(last));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.buffer.is_empty() && self.last.is_none() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // The hint of the whole body: extractors check their limit against it before they start to read.
        self.hint
    }
}

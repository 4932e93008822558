//! The beginning of a body read ahead, and the whole body handed on.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use hardtack::adapter::{BodyPeek, Peeked};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

type Read = Result<Frame<Bytes>, axum::Error>;

/// Reads until what is looked for is found, the limit is reached or the body ends. Answers what was
/// found, and a body that yields exactly what the client sent.
pub(crate) async fn peek(mut body: Body, mut peek: BodyPeek) -> (Peeked, Body) {
    let hint = body.size_hint();
    // Copied together, as each frame costs many times what it takes to send one of a single byte. The
    // frame that ends the peek is handed on as it is, so this stays within the limit.
    let mut ahead = BytesMut::new();
    let last = loop {
        match body.frame().await {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if peek.push(data) => ahead.extend_from_slice(data),
                // Trailers come last (RFC 9110 §6.5).
                _ => break Some(Ok(frame)),
            },
            // The handler's own extractor meets an error where it stands.
            end => break end,
        }
    };
    // Some bodies must not be polled again behind their end.
    let rest = matches!(last, Some(Ok(_))).then_some(body);
    (peek.finish(), Body::new(Replay { ahead: ahead.freeze(), last, rest, hint }))
}

/// A body whose beginning was read already.
struct Replay {
    ahead: Bytes,
    last: Option<Read>,
    rest: Option<Body>,
    hint: SizeHint,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Read>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.ahead)))));
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
        self.ahead.is_empty() && self.last.is_none() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // Of the whole, which is what a limit or a length wants to know before reading starts.
        self.hint
    }
}

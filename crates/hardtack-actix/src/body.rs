//! Reads the beginning of a body, and passes the whole body on to the handler.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream;
use hardtack::adapter::{BodyPeek, Peeked};

type ChunkResult = Result<Bytes, PayloadError>;

/// Reads until `peek` has found what it needs, its limit is reached, or the payload ends. Returns what it found, and a
/// payload that yields exactly what the client sent.
pub(crate) async fn peek(mut payload: Payload, mut peek: BodyPeek) -> (Peeked, Payload) {
    // Chunks are copied into one buffer: a client may send chunks of a single byte, and storing each would take far
    // more memory. The chunk that ends the peek is stored in `last` instead, so the buffer stays within the limit.
    let mut buffer = BytesMut::new();
    let last = loop {
        match poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
            Some(Ok(data)) if peek.push(&data) => buffer.extend_from_slice(&data),
            // Enough was read, or the payload ended or failed. An error is stored, so that the handler gets it as well.
            end => break end,
        }
    };
    // A stream must not be polled after its end.
    let rest = matches!(last, Some(Ok(_))).then_some(payload);
    let replay = Replay { buffer: buffer.freeze(), last, rest };
    (peek.finish(), Payload::Stream { payload: Box::pin(replay) })
}

/// A payload whose beginning has already been read.
struct Replay {
    buffer: Bytes,
    last: Option<ChunkResult>,
    rest: Option<Payload>,
}

impl Stream for Replay {
    type Item = ChunkResult;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ChunkResult>> {
        if !self.buffer.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.buffer))));
        }
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(last));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

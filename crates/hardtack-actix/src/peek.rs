//! The beginning of a body read ahead, and the whole payload handed on.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream;
use hardtack::adapter::{BodyPeek, Peeked};

type Read = Result<Bytes, PayloadError>;

/// Reads until what is looked for is found, the limit is reached or the payload ends. Answers what was
/// found, and a payload that yields exactly what the client sent.
pub(crate) async fn peek(mut payload: Payload, mut peek: BodyPeek) -> (Peeked, Payload) {
    // Copied together, as each chunk costs many times what it takes to send one of a single byte. The
    // chunk that ends the peek is handed on as it is, so this stays within the limit.
    let mut ahead = BytesMut::new();
    let last = loop {
        match poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
            Some(Ok(data)) if peek.push(&data) => ahead.extend_from_slice(&data),
            // The handler's own extractor meets an error where it stands.
            end => break end,
        }
    };
    // A stream must not be polled again behind its end.
    let rest = matches!(last, Some(Ok(_))).then_some(payload);
    let replay = Replay { ahead: ahead.freeze(), last, rest };
    (peek.finish(), Payload::Stream { payload: Box::pin(replay) })
}

/// A payload whose beginning was read already.
struct Replay {
    ahead: Bytes,
    last: Option<Read>,
    rest: Option<Payload>,
}

impl Stream for Replay {
    type Item = Read;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Read>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.ahead))));
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

//! The beginning of a form read ahead, and the whole body handed on.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hardtack::csrf::{FormPeek, FormToken};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

/// Reads until the form's CSRF field is found, the limit is reached or the body ends. Answers what was
/// found, and a body that yields exactly what the client sent.
pub(crate) async fn peek(mut body: Body, mut form: FormPeek) -> (FormToken, Body) {
    let hint = body.size_hint();
    let mut frames = VecDeque::new();
    loop {
        match body.frame().await {
            Some(Ok(frame)) => {
                let more = frame.data_ref().is_none_or(|data| form.push(data));
                frames.push_back(Ok(frame));
                if !more {
                    break;
                }
            }
            Some(Err(error)) => {
                // The handler's own extractor meets the error where it stands.
                frames.push_back(Err(error));
                break;
            }
            None => break,
        }
    }
    (form.finish(), Body::new(Replay { frames, rest: body, hint }))
}

/// A body whose first frames were read already.
struct Replay {
    frames: VecDeque<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
    hint: SizeHint,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Of the whole, which is what a limit or a length wants to know before reading starts.
        self.hint
    }
}

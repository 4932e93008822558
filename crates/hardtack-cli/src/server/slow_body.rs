//! A request body that fails if it does not arrive in time.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// A body that has two time limits: one for the whole body, and one for each pause in which no data arrives. The limits
/// are enforced only while a route waits for data. Data that has already arrived is passed on even after a limit has
/// been exceeded.
pub(super) struct TimedBody<B> {
    body: B,
    ends: Instant,
    pause: Duration,
    /// When the route began to wait for data. `None` if no route is waiting.
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    timed_out: TimedOut,
}

/// Whether the wait for a body has timed out.
#[derive(Clone, Debug, Default)]
pub(super) struct TimedOut(Arc<AtomicBool>);

impl TimedOut {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The error for a body that does not arrive in time.
#[derive(Debug)]
pub(super) struct BodyTooSlow;

impl fmt::Display for BodyTooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body did not arrive in time")
    }
}

impl Error for BodyTooSlow {}

impl<B> TimedBody<B> {
    pub(super) fn new(body: B, timeout: Duration, pause: Duration) -> Self {
        let ends = Instant::now() + timeout;
        Self { body, ends, pause, waiting_since: None, timer: None, timed_out: TimedOut::default() }
    }

    pub(super) fn timed_out(&self) -> TimedOut {
        self.timed_out.clone()
    }
}

impl<B: HttpBody<Error: Into<Box<dyn Error + Send + Sync>>> + Unpin> HttpBody for TimedBody<B> {
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting_since = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let since = *this.waiting_since.get_or_insert_with(Instant::now);
        let deadline = this.ends.min(since + this.pause);
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| {
            this.timed_out.0.store(true, Ordering::Relaxed);
            Some(Err(BodyTooSlow.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use tokio::sync::mpsc;

    use super::*;

    struct Channel(mpsc::Receiver<Bytes>);

    impl HttpBody for Channel {
        type Data = Bytes;
        type Error = BodyTooSlow;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyTooSlow>>> {
            self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
        }
    }

    /// Sends bytes, with a pause before each one. Returns whether all bytes arrived, and whether the body timed out.
    async fn send(bytes: usize, pause: u64, limits: [u64; 2]) -> (bool, bool) {
        let (sender, receiver) = mpsc::channel(bytes);
        let [timeout, longest_pause] = limits.map(Duration::from_millis);
        let body = TimedBody::new(Channel(receiver), timeout, longest_pause);
        let timed_out = body.timed_out();
        tokio::spawn(async move {
            for _ in 0..bytes {
                if pause > 0 {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                let _ = sender.send(Bytes::from_static(b"x")).await;
            }
        });
        let read = axum::body::to_bytes(Body::new(body), 1000).await;
        (read.is_ok_and(|read| read.len() == bytes), timed_out.get())
    }

    #[tokio::test]
    async fn l1_a_body_has_time_limits_for_the_whole_and_for_each_pause() {
        assert_eq!(send(9, 0, [60_000, 60_000]).await, (true, false));
        assert_eq!(send(1, 60_000, [60_000, 20]).await, (false, true));
        assert_eq!(send(900, 1, [50, 60_000]).await, (false, true));
    }
}

//! What happens on a connection: which requests are in progress, and when the connection was last used.
//!
//! When a server is told to stop, hyper closes a connection only if the client cooperates. For example, hyper waits
//! until an HTTP/2 client has acknowledged a PING, or has read every response. A server therefore uses
//! [`Activity::finished`] to close connections that have no request in progress.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep, sleep_until};

/// How long a connection without a request in progress stays open after the server has told the client that it is
/// stopping. During this time, requests that are already on their way can arrive.
const LINGER: Duration = Duration::from_millis(500);

/// How long a client may take to read the part of a response that hyper took last. If the server has been told to stop
/// and a client reads nothing for this long, the rest of the response is not sent.
const DELIVERY: Duration = Duration::from_secs(2);

/// How often to check whether the requests in progress have ended.
const STEP: Duration = Duration::from_millis(50);

/// Records what happens on a connection. This type is needed because hyper has no idle timeout for HTTP/2, no timeout
/// while it detects the HTTP version, and no timeout for a graceful shutdown.
#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    has_begun: AtomicBool,
    /// The number of requests whose handlers have not returned yet.
    in_flight: AtomicUsize,
    /// When a handler last returned, in milliseconds since the connection was opened.
    responded: AtomicUsize,
    /// The number of responses that are waiting for the application to produce the next part of the body.
    producing: AtomicUsize,
    /// When hyper last took a part of a response, in milliseconds since the connection was opened.
    taken: AtomicUsize,
}

impl Activity {
    /// Records that a connection has been opened.
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            has_begun: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            responded: AtomicUsize::new(0),
            producing: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
        })
    }

    /// Records that a request has begun. Dropping the returned value records the end of the request.
    pub fn begin_request(self: &Arc<Self>) -> OpenRequest {
        self.has_begun.store(true, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        OpenRequest(Arc::clone(self))
    }

    /// Returns whether no request has arrived on the connection yet.
    pub fn is_new(&self) -> bool {
        !self.has_begun.load(Ordering::Relaxed)
    }

    /// Waits until the connection has been idle for too long. The limit is `before` until the first request arrives,
    /// and `after` from then on.
    pub async fn idle(&self, before: Duration, after: Duration) {
        loop {
            let timeout = if self.is_new() { before } else { after };
            let is_busy = self.in_flight.load(Ordering::Relaxed) > 0;
            let since = if is_busy { Instant::now() } else { self.time_of(&self.responded) };
            if !is_busy && since.elapsed() >= timeout {
                return;
            }
            sleep_until(since + timeout).await;
        }
    }

    /// Waits until no request is in progress. Call this method before you close the connection. If the connection has
    /// carried any requests, the method also waits a moment longer. In that time, hyper can close the connection
    /// properly, whatever the client does.
    pub async fn finished(&self) {
        self.finished_after(LINGER, DELIVERY).await;
    }

    async fn finished_after(&self, linger: Duration, delivery: Duration) {
        let stopped = Instant::now();
        if self.is_new() {
            return;
        }
        loop {
            let is_busy = [&self.in_flight, &self.producing].iter().any(|count| count.load(Ordering::Relaxed) > 0);
            let used = self.time_of(&self.responded).max(self.time_of(&self.taken));
            let end = (stopped + linger).max(used + delivery);
            if is_busy {
                sleep(STEP).await;
            } else if end > Instant::now() {
                sleep_until(end).await;
            } else {
                return;
            }
        }
    }

    fn time_of(&self, millis: &AtomicUsize) -> Instant {
        self.opened + Duration::from_millis(millis.load(Ordering::Relaxed) as u64)
    }

    fn set_now(&self, millis: &AtomicUsize) {
        let now = usize::try_from(self.opened.elapsed().as_millis()).unwrap_or(usize::MAX);
        millis.store(now, Ordering::Relaxed);
    }
}

/// A request whose handler has not returned yet.
#[derive(Debug)]
#[must_use = "dropping this value records the end of the request"]
pub struct OpenRequest(Arc<Activity>);

impl OpenRequest {
    /// Records that the handler has returned, and keeps track of the response's body.
    pub fn respond(self, response: Response) -> Response {
        let activity = Arc::clone(&self.0);
        response.map(|body| match body.is_end_stream() {
            true => body,
            false => Body::new(FollowedBody { body, activity, is_producing: false }),
        })
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.set_now(&self.0.responded);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a response. The request counts as in progress while the application produces the body. While the body
/// waits for the client instead, the request counts as in progress only as long as the client keeps reading.
struct FollowedBody {
    body: Body,
    activity: Arc<Activity>,
    is_producing: bool,
}

impl FollowedBody {
    fn set_producing(&mut self, is_producing: bool) {
        match (self.is_producing, is_producing) {
            (false, true) => drop(self.activity.producing.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.activity.producing.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
        self.is_producing = is_producing;
    }
}

impl HttpBody for FollowedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.set_producing(true);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.activity.set_now(&self.activity.taken);
        self.set_producing(false);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for FollowedBody {
    fn drop(&mut self) {
        self.activity.set_now(&self.activity.taken);
        self.set_producing(false);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn l1_a_connection_is_idle_only_without_a_request() {
        Activity::begin().idle(SHORT, LONG).await;

        let activity = Activity::begin();
        let request = async {
            let _open = activity.begin_request();
            sleep(SHORT * 3).await;
        };
        tokio::join!(request, activity.idle(LONG, SHORT));
        assert!(activity.opened.elapsed() >= SHORT * 4 && !activity.is_new());
    }

    #[tokio::test]
    async fn a_connection_is_finished_when_no_request_is_in_progress() {
        // First, a connection that has had no request. Then, a connection whose request has ended.
        Activity::begin().finished_after(LONG, LONG).await;
        let activity = Activity::begin();
        drop(activity.begin_request());
        activity.finished_after(SHORT, SHORT).await;
        assert!(activity.opened.elapsed() >= SHORT);

        let request = activity.begin_request();
        let ended = async {
            sleep(STEP * 2).await;
            drop(request);
            Instant::now()
        };
        let finished = async {
            activity.finished_after(SHORT, SHORT).await;
            Instant::now()
        };
        let (ended, finished) = tokio::join!(ended, finished);
        assert!(finished >= ended + SHORT);
    }

    /// A body that sends one part and then waits forever.
    struct Waiting(Option<Bytes>);

    impl HttpBody for Waiting {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    #[tokio::test]
    async fn a_body_is_in_progress_while_the_application_produces_it() {
        let activity = Activity::begin();
        let body = Body::new(Waiting(Some(Bytes::from_static(b"part"))));
        let mut body = activity.begin_request().respond(Response::new(body)).into_body();
        let mut poll = async || poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx).is_ready())).await;
        // The client does not read this part.
        assert!(poll().await);
        activity.finished_after(SHORT, SHORT).await;
        // The client has read this part, and the application produces the next one.
        assert!(!poll().await);
        let finished = tokio::time::timeout(SHORT * 10, activity.finished_after(SHORT, SHORT)).await;
        assert!(finished.is_err(), "the body is in progress");
        drop(body);
        activity.finished_after(SHORT, SHORT).await;
    }
}

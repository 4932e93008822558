//! One connection: HTTP/1.1 or HTTP/2, with time limits.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request;
use axum::middleware::AddExtension;
use axum::response::Response;
use hardtack_axum::wants;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tower_service::Service;

use super::admission::{Lane, Slot};
use super::health;
use super::host::Hosts;
use super::limits::{
    FIELDS, GRACE_PERIOD, HEAD_TIMEOUT, HTTP1_HEAD, HTTP2_CONNECTION_WINDOW, HTTP2_HEAD, HTTP2_SEND_BUFFER,
    HTTP2_STREAM_WINDOW, HTTP2_STREAMS, IDLE_TIMEOUT, OVERFLOW_TIMEOUT, PAUSE_TIMEOUT, PING_INTERVAL, PING_TIMEOUT,
};
use super::refusal::Refusal;
use super::slow_body::TimedBody;
use super::slow_reader::TimedSocket;

/// The service of one connection.
pub(super) type Site = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// The state that the requests of one connection share.
struct Requests {
    site: Site,
    hosts: Arc<Hosts>,
    lane: Lane,
    body_timeout: Duration,
    activity: Activity,
}

/// Serves one connection until it ends, times out, or the server stops.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    site: Site,
    hosts: Arc<Hosts>,
    slot: Slot,
    body_timeout: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let requests =
        Arc::new(Requests { site, hosts, lane: slot.lane, body_timeout, activity: Activity::new(Instant::now()) });
    let service = service_fn({
        let requests = Arc::clone(&requests);
        move |request| {
            let requests = Arc::clone(&requests);
            async move { Ok::<_, std::convert::Infallible>(requests.respond(request).await) }
        }
    });
    // Send small responses at once (`TCP_NODELAY`).
    let _ = stream.set_nodelay(true);
    let builder = builder(slot.lane);
    let mut served = pin!(builder.serve_connection(TokioIo::new(TimedSocket::new(stream, PAUSE_TIMEOUT)), service));
    let mut cut_off = pin!(sleep(OVERFLOW_TIMEOUT));
    let (mut closing, mut is_cut_off) = (false, slot.lane == Lane::Overflow);
    loop {
        tokio::select! {
            // Poll the connection first, so that a request that has already arrived gets a response.
            biased;
            done = served.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(event = "connection_failed", %peer, %error);
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !closing => {
                // hyper ends idle connections, but would wait for the rest of the first head.
                if requests.activity.is_new() {
                    return;
                }
                served.as_mut().graceful_shutdown();
                closing = true;
            }
            () = requests.activity.idle(HEAD_TIMEOUT, IDLE_TIMEOUT), if !closing => {
                tracing::debug!(event = "connection_silent", %peer);
                // The client has not sent a request, so there is no response to finish.
                if requests.activity.is_new() {
                    return;
                }
                served.as_mut().graceful_shutdown();
                cut_off.as_mut().reset(Instant::now() + GRACE_PERIOD);
                (closing, is_cut_off) = (true, true);
            }
            () = cut_off.as_mut(), if is_cut_off => return,
        }
    }
}

fn builder(lane: Lane) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(FIELDS)
        .max_buf_size(HTTP1_HEAD)
        .keep_alive(lane == Lane::Normal);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HTTP2_HEAD)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_send_buf_size(HTTP2_SEND_BUFFER);
    builder
}

impl Requests {
    async fn respond(&self, request: Request<Incoming>) -> Response {
        let _open = self.activity.begin();
        if let Some(refusal) = self.refuse(&request) {
            return refusal;
        }
        let (wants, version) = (wants(request.headers()), request.version());
        let request = request.map(|body| TimedBody::new(body, self.body_timeout, PAUSE_TIMEOUT));
        let timed_out = request.body().timed_out();
        let Ok(response) = self.site.clone().call(request.map(Body::new)).await;
        if timed_out.get() { Refusal::BodyTooSlow.response_to(wants, version) } else { response }
    }

    fn refuse(&self, request: &Request<Incoming>) -> Option<Response> {
        if self.lane == Lane::Overflow && !health::is_probe(request) {
            return Some(Refusal::TooManyConnections.response(request));
        }
        if request.headers().len() > FIELDS {
            return Some(Refusal::TooManyFields.response(request));
        }
        self.hosts.refuse(request)
    }
}

/// Records when a connection was last used. This type is needed because hyper has no idle timeout for HTTP/2, and no
/// timeout for the phase in which it detects the version of HTTP.
struct Activity {
    opened: Instant,
    in_flight: AtomicUsize,
    has_begun: AtomicBool,
    /// When the last request ended, in milliseconds after the connection was opened.
    ended: AtomicUsize,
}

/// A request whose response has not begun. Dropping this value records the end of the request.
struct OpenRequest<'a>(&'a Activity);

impl Activity {
    fn new(now: Instant) -> Self {
        Self { opened: now, in_flight: AtomicUsize::new(0), has_begun: false.into(), ended: AtomicUsize::new(0) }
    }

    fn begin(&self) -> OpenRequest<'_> {
        self.has_begun.store(true, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self)
    }

    /// Returns whether the connection has had no request yet.
    fn is_new(&self) -> bool {
        !self.has_begun.load(Ordering::Relaxed)
    }

    /// Waits until the connection has been idle for too long. The limit is `before` if the connection has had no
    /// request yet, and `after` if it has had one.
    async fn idle(&self, before: Duration, after: Duration) {
        loop {
            let timeout = if self.is_new() { before } else { after };
            let ended = Duration::from_millis(self.ended.load(Ordering::Relaxed) as u64);
            let is_busy = self.in_flight.load(Ordering::Relaxed) > 0;
            let since = if is_busy { Instant::now() } else { self.opened + ended };
            if !is_busy && since.elapsed() >= timeout {
                return;
            }
            sleep_until(since + timeout).await;
        }
    }
}

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        let millis = usize::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(usize::MAX);
        self.0.ended.store(millis, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn l1_a_connection_is_idle_only_without_a_request() {
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(20));
        Activity::new(Instant::now()).idle(short, long).await;

        let activity = Activity::new(Instant::now());
        let request = async {
            let _open = activity.begin();
            sleep(short * 3).await;
        };
        tokio::join!(request, activity.idle(long, short));
        assert!(activity.opened.elapsed() >= short * 4 && !activity.is_new());
    }
}

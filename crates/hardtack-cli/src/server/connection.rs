//! Serves one HTTP/1.1 or HTTP/2 connection, with time limits.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request;
use axum::middleware::AddExtension;
use axum::response::Response;
use hardtack_axum::serve::Activity;
use hardtack_axum::wants;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep};
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

/// The service for one connection.
pub(super) type Site = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// The state that all requests on one connection share.
struct Requests {
    site: Site,
    hosts: Arc<Hosts>,
    lane: Lane,
    body_timeout: Duration,
    activity: Arc<Activity>,
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
    let requests = Arc::new(Requests { site, hosts, lane: slot.lane, body_timeout, activity: Activity::begin() });
    let service = service_fn({
        let requests = Arc::clone(&requests);
        move |request| {
            let requests = Arc::clone(&requests);
            async move { Ok::<_, std::convert::Infallible>(requests.respond(request).await) }
        }
    });
    // Send small responses without delay (`TCP_NODELAY`).
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
                served.as_mut().graceful_shutdown();
                closing = true;
            }
            () = requests.activity.idle(HEAD_TIMEOUT, IDLE_TIMEOUT), if !closing => {
                tracing::debug!(event = "connection_silent", %peer);
                served.as_mut().graceful_shutdown();
                cut_off.as_mut().reset(Instant::now() + GRACE_PERIOD);
                (closing, is_cut_off) = (true, true);
            }
            // hyper closes idle connections itself, but it would wait for the rest of the first request head, and for
            // an HTTP/2 client that acknowledges nothing or reads nothing. Without `unconstrained`, a client that never
            // stops sending could use up the task's budget, and the timer would not be polled.
            () = unconstrained(requests.activity.finished()), if closing => return,
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
        let open = self.activity.begin_request();
        open.respond(self.handle(request).await)
    }

    async fn handle(&self, request: Request<Incoming>) -> Response {
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

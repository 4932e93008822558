//! The server's connections.
//!
//! 1. Each request gets its client's address (`ConnectInfo`).
//! 2. When the server shuts down, it promptly closes each connection that has no request in progress
//!    ([`Activity::finished`]). hyper also closes idle connections, but only if the client cooperates. For example,
//!    hyper keeps waiting if only part of the first request's head has arrived, or if an HTTP/2 client neither
//!    acknowledges nor reads anything.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tower_service::Service;

use super::activity::{Activity, OpenRequest};

/// Accepts connections.
pub(super) struct Connections {
    listener: TcpListener,
    /// Becomes `true` when the server stops.
    stopping: watch::Receiver<bool>,
}

impl Connections {
    pub(super) fn new(listener: TcpListener, stopping: watch::Receiver<bool>) -> Self {
        Self { listener, stopping }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (socket, peer) = Listener::accept(&mut self.listener).await;
        let (activity, mut stopping) = (Activity::begin(), self.stopping.clone());
        // Without `unconstrained`, a client that never stops sending could use up the task's budget, and the timer
        // would not be polled.
        let finished = unconstrained({
            let activity = Arc::clone(&activity);
            async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
                activity.finished().await;
            }
        });
        (Connection { socket, activity, finished: Some(Box::pin(finished)) }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The socket of a connection.
pub(super) struct Connection {
    socket: TcpStream,
    activity: Arc<Activity>,
    /// Completes once the server has been told to stop and the connection has no request in progress. `None` after this
    /// future has completed.
    finished: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Connection {
    /// Polls the socket. If the socket is not ready and the connection must be closed, returns an error instead.
    fn poll_socket<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        // Poll the socket first, so that a request that has already arrived gets a response.
        let polled = poll(Pin::new(&mut this.socket), cx);
        if polled.is_ready() {
            return polled;
        }
        if let Some(finished) = &mut this.finished {
            ready!(finished.as_mut().poll(cx));
            this.finished = None;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_socket(cx, |socket, cx| socket.poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_socket(cx, |socket, cx| socket.poll_write(cx, data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_socket(cx, |socket, cx| socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_socket(cx, |socket, cx| socket.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_socket(cx, |socket, cx| socket.poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

/// Creates the service for each connection.
pub(super) struct MakeService(Router);

impl MakeService {
    pub(super) fn new(app: Router) -> Self {
        // Applies the layers to the routes once, instead of for each request.
        Self(app.with_state(()))
    }
}

impl Service<IncomingStream<'_, Connections>> for MakeService {
    type Response = ConnectionService;
    type Error = Infallible;
    type Future = Ready<Result<ConnectionService, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, Connections>) -> Self::Future {
        let activity = Arc::clone(&stream.io().activity);
        ready(Ok(ConnectionService { app: self.0.clone(), peer: *stream.remote_addr(), activity }))
    }
}

/// Handles the requests that arrive on a connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    app: Router,
    peer: SocketAddr,
    activity: Arc<Activity>,
}

impl Service<Request> for ConnectionService {
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.app, cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let open = Some(self.activity.begin_request());
        request.extensions_mut().insert(ConnectInfo(self.peer));
        ResponseFuture { response: self.app.call(request), open }
    }
}

pin_project! {
    /// The future of a response.
    pub(super) struct ResponseFuture {
        #[pin]
        response: <Router as Service<Request>>::Future,
        open: Option<OpenRequest>,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.response.poll(cx));
        Poll::Ready(Ok(match this.open.take() {
            Some(open) => open.respond(response),
            None => response,
        }))
    }
}

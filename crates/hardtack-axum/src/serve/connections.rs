//! The connections of the server.
//!
//! 1. Each request gets the address of its client (`ConnectInfo`).
//! 2. When the server stops, it ends a connection at once if no complete request head has arrived on it. hyper itself
//!    ends idle connections, but if part of the first request head has arrived, it waits for the rest.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

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
        let mut stopping = self.stopping.clone();
        let stop = async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        (Connection { socket, has_request: Arc::default(), until: Until::Stop(Box::pin(stop)) }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The socket of a connection.
pub(super) struct Connection {
    socket: TcpStream,
    /// Whether the complete head of a request has arrived.
    has_request: Arc<AtomicBool>,
    until: Until,
}

/// How long a connection may wait for data.
enum Until {
    /// Until the server stops, because no request has arrived yet.
    Stop(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The server stopped before a request arrived, so the connection gets no more data.
    Stopped,
    /// Until hyper ends the connection, because a request has arrived.
    End,
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if matches!(this.until, Until::Stopped) {
            return Poll::Ready(Ok(()));
        }
        // Read before checking for the stop, so that a request that has already arrived gets a response.
        let read = Pin::new(&mut this.socket).poll_read(cx, buf);
        if read.is_ready() {
            return read;
        }
        if let Until::Stop(stop) = &mut this.until {
            if this.has_request.load(Ordering::Relaxed) {
                this.until = Until::End;
            } else if stop.as_mut().poll(cx).is_ready() {
                this.until = Until::Stopped;
                // The end of the stream: nothing is added to the buffer.
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

/// Creates the service for each connection.
pub(super) struct MakeService(Router);

impl MakeService {
    pub(super) fn new(app: Router) -> Self {
        // Applies the layers of the routes now instead of for each request.
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
        let has_request = Arc::clone(&stream.io().has_request);
        ready(Ok(ConnectionService { app: self.0.clone(), peer: *stream.remote_addr(), has_request }))
    }
}

/// Handles the requests of a connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    app: Router,
    peer: SocketAddr,
    has_request: Arc<AtomicBool>,
}

impl Service<Request> for ConnectionService {
    type Response = <Router as Service<Request>>::Response;
    type Error = Infallible;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.app, cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        self.has_request.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.app.call(request)
    }
}

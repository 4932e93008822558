//! Connections: HTTP/1.1 and HTTP/2 without TLS, and an end to waiting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::middleware::AddExtension;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use crate::stop::Stop;

/// How long a client may take over the head of a request, and leave an HTTP/1.1 connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests in flight may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

type Site = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// Serves until a signal to stop, and then until the requests in flight are answered, within bounds.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: Stop) {
    let mut sites = router.into_make_service_with_connect_info::<SocketAddr>();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.signalled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let made: Result<Site, Infallible> = sites.call(peer).await;
                let Ok(site) = made;
                tokio::spawn(connection(stream, peer, site, graceful.watcher()));
            }
            Err(error) => {
                tracing::warn!(event = "accept_failed", %error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracing::info!(event = "stopping", connections = graceful.count());
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(GRACE) => tracing::warn!(event = "requests_cut_off", "after {} s of grace", GRACE.as_secs()),
        () = stop.signalled() => tracing::warn!(event = "requests_cut_off", "by a second signal"),
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, site: Site, watcher: Watcher) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_TIMEOUT);

    let begun = Arc::new(Notify::new());
    let service = service_fn({
        let begun = begun.clone();
        move |request| {
            begun.notify_one();
            site.clone().call(request)
        }
    });
    // Small answers need not wait for more to fill a packet with.
    let _ = stream.set_nodelay(true);
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let served = pin!(watcher.watch(served));
    // Before it is known which version a client speaks, and for HTTP/2, no timeout of hyper's runs.
    let silent = async {
        if timeout(HEAD_TIMEOUT, begun.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        done = served => if let Err(error) = done {
            tracing::debug!(event = "connection_failed", %peer, %error);
        },
        () = silent => tracing::debug!(event = "connection_silent", %peer),
    }
}

//! Accepts connections, HTTP/1.1 and HTTP/2 without TLS, with timeouts and a graceful stop.

mod host;
mod stop_signal;

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

pub(crate) use host::Hosts;
pub(crate) use stop_signal::StopSignal;

/// How long a client may take to send the head of a request, and how long an HTTP/1.1 connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How often an HTTP/2 client is pinged, and how long it may take to reply.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests in flight may take after the signal to stop.
const GRACE_PERIOD: Duration = Duration::from_secs(10);

/// How long to wait after the system could not accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// The service of one connection.
type Site = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// Serves until a stop signal arrives, then waits up to ten seconds for the requests in flight. Requests for other
/// hosts are refused.
pub(crate) async fn serve(listener: TcpListener, router: Router, hosts: Hosts, mut stop: StopSignal) {
    let hosts = Arc::new(hosts);
    let mut sites = router.into_make_service_with_connect_info::<SocketAddr>();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.received() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let made: Result<Site, Infallible> = sites.call(peer).await;
                let Ok(site) = made;
                tokio::spawn(connection(stream, peer, site, hosts.clone(), graceful.watcher()));
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
        () = sleep(GRACE_PERIOD) => {
            tracing::warn!(event = "requests_cut_off", "requests took longer than {} s", GRACE_PERIOD.as_secs());
        }
        () = stop.received() => tracing::warn!(event = "requests_cut_off", "received a second signal"),
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, site: Site, hosts: Arc<Hosts>, watcher: Watcher) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);

    let begun = Arc::new(Notify::new());
    let service = service_fn({
        let begun = begun.clone();
        move |request| {
            begun.notify_one();
            let handled = match hosts.refuse(&request) {
                Some(refusal) => Err(refusal),
                None => Ok(site.clone().call(request)),
            };
            async {
                match handled {
                    Ok(response) => response.await,
                    Err(refusal) => Ok(refusal),
                }
            }
        }
    });
    // Send small responses at once.
    let _ = stream.set_nodelay(true);
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let served = pin!(watcher.watch(served));
    // hyper has no timeout for HTTP/2, nor for the time in which it detects the version of HTTP.
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

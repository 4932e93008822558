//! Serves HTTP/1.1 and HTTP/2 without TLS, enforces limits, and shuts down gracefully.

mod admission;
mod connection;
mod health;
mod host;
mod limits;
mod open_files;
mod refusal;
mod slow_body;
mod slow_reader;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hardtack::adapter::LogLimit;
use hardtack_axum::serve::StopSignal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;
use tower_service::Service;

use admission::Admission;
use connection::Site;
pub(crate) use host::Hosts;
pub(crate) use limits::Limits;
use limits::{ACCEPT_PAUSE, GRACE_PERIOD};

static ACCEPT_FAILED: LogLimit = LogLimit::new("accept_failed");

/// Serves requests until a stop signal arrives. Then waits up to ten seconds for the requests in flight to finish.
/// Refuses requests for hosts other than `hosts`.
pub(crate) async fn serve(listener: TcpListener, router: Router, hosts: Hosts, limits: Limits, mut stop: StopSignal) {
    let (hosts, admission) = (Arc::new(hosts), Admission::new(limits));
    let body_timeout = admission.limits().body_timeout;
    let mut sites = router.into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = watch::channel(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.received() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(slot) = admission.admit(peer.ip()) else { continue };
                let made: Result<Site, Infallible> = sites.call(peer).await;
                let Ok(site) = made;
                let served = connection::serve(stream, peer, site, hosts.clone(), slot, body_timeout, stopped.clone());
                tokio::spawn(served);
            }
            Err(error) => {
                let advice = open_files::advice(&error);
                ACCEPT_FAILED.add(|not_logged| tracing::warn!(event = "accept_failed", not_logged, %error, "{advice}"));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, stopped));
    tracing::info!(event = "stopping", connections = stopping.receiver_count());
    stopping.send_replace(true);
    tokio::select! {
        () = stopping.closed() => {}
        () = sleep(GRACE_PERIOD) => {
            tracing::warn!(event = "requests_cut_off", "some requests took longer than {} s", GRACE_PERIOD.as_secs());
        }
        () = stop.received() => tracing::warn!(event = "requests_cut_off", "a second stop signal was received"),
    }
}

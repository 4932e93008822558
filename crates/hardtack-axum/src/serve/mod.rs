//! Serves an application until a signal stops the server. Needs the feature `serve`, which is on by default.

mod activity;
mod connections;
mod stop_signal;

use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use connections::{Connections, MakeService};

#[doc(hidden)]
pub use activity::{Activity, OpenRequest};
pub use stop_signal::StopSignal;

/// How long the server waits for requests in flight after a signal to stop. `docker stop` kills a process after ten
/// seconds, and Kubernetes after 30.
const GRACE_PERIOD: Duration = Duration::from_secs(9);

/// Serves `app` on `listener`, over HTTP without TLS, until the process receives Ctrl-C or, on Unix, SIGTERM.
///
/// This function does three things that `axum::serve(listener, app)` does not:
/// - It passes the address of each client to the application (`into_make_service_with_connect_info`). Without this
///   address, log-in attempts are not limited per client, sessions are stored without an address, and
///   [`ClientAddress`](crate::ClientAddress) refuses requests.
/// - After a signal, it accepts no more connections, and waits for the responses to the requests in flight. For
///   example, a request that changes a password can finish during a deployment. The wait ends after nine seconds
///   ([`Serve::grace_period`]) or at a second signal. The server does not wait for clients that have not sent a
///   complete request head. It soon closes connections that have no request in progress, even if an HTTP/2 client does
///   not respond at all. It also closes connections whose clients have stopped reading.
/// - It builds the route table only once, instead of once for each connection. With the ready-made site of
///   `hardtack-accounts`, this saves about 200 KB of memory for each open connection.
///
/// axum's server does not limit the number of connections or the time that a client may take to send a request. On a
/// public site, put a proxy with such limits in front of the server. Extractors such as `axum::Form` and `axum::Json`
/// read bodies of up to 2 MB ([`DefaultBodyLimit`](axum::extract::DefaultBodyLimit)).
///
/// If you need TLS, a Unix socket, or layers around the whole router, call `axum::serve` instead. To stop such a
/// server, use [`StopSignal`].
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use hardtack_axum::{Algorithm, SigningKey, prelude::*};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = Authenticator::builder(KeySet::from_secret_env("JWT_SECRET_KEY")?)
///     .base_url("https://site.example")
///     .sessions(MemorySessions::new())
///     .build()?;
/// let app = Router::new()
///     .route("/", get(async |token: AccessToken| format!("Hello, {}", token.subject())))
///     .layer(AuthLayer::new(auth));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// hardtack_axum::serve(listener, app).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Awaiting the returned [`Serve`] returns an error if the process cannot receive signals. If a connection cannot be
/// accepted, for example because too many files are open, the server tries again after a second.
///
/// # Panics
/// Awaiting the returned [`Serve`] panics outside a tokio runtime with I/O and time enabled.
pub fn serve(listener: TcpListener, app: Router) -> Serve {
    Serve { listener, app, grace_period: GRACE_PERIOD, stop: Box::pin(pending()) }
}

/// The server that [`serve`] returns. The server starts when you await this value.
#[must_use = "the server starts only when you await this value"]
pub struct Serve {
    listener: TcpListener,
    app: Router,
    grace_period: Duration,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Serve {
    /// Sets how long the server waits for requests in flight after the signal to stop. The default is nine seconds. A
    /// request that takes longer is cut off when `main` returns, and so is an open event stream.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.grace_period = period;
        self
    }

    /// Also stops the server when the future `stop` completes. This is useful in tests, or if the server must stop when
    /// another part of the program fails.
    pub fn stop_when(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Box::pin(stop);
        self
    }

    async fn run(self) -> io::Result<()> {
        let mut signal = StopSignal::listen()?;
        let (stop, mut stopping) = watch::channel(false);
        let connections = Connections::new(self.listener, stopping.clone());
        let server = axum::serve(connections, MakeService::new(self.app)).with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        });
        let mut server = pin!(server.into_future());
        tokio::select! {
            ended = &mut server => return ended,
            () = signal.received() => {}
            () = self.stop => {}
        }
        tracing::info!(event = "stopping", "waiting for the requests in flight");
        stop.send_replace(true);
        tokio::select! {
            ended = &mut server => return ended,
            () = sleep(self.grace_period) => {}
            () = signal.received() => {}
        }
        tracing::warn!(event = "requests_cut_off", "some connections were still open when the server stopped");
        Ok(())
    }
}

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("grace_period", &self.grace_period)
            .finish_non_exhaustive()
    }
}

//! A site behind TLS, and browsers that can bind sessions to their device.
//!
//! Chromium allows each site only six proofs in nine minutes, so each test uses its own host name.

use std::net::SocketAddr;

use hardtack::event::{Event, EventKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::tls::{TlsFront, Upstream};
use crate::{Browser, BrowserError, BrowserOptions, wait};

/// A site that browsers reach over TLS.
pub struct SecureSite {
    /// The origin at which browsers reach the site.
    pub origin: String,
    /// The server to which connections are forwarded.
    pub upstream: Upstream,
    options: BrowserOptions,
}

impl SecureSite {
    /// Starts a site at `host`, which must end in `.test`. `serve` receives the site's origin, starts the server, and
    /// returns its address together with any other value, which this function returns as well.
    pub async fn start<T>(host: &str, serve: impl AsyncFnOnce(&str) -> (SocketAddr, T)) -> (Self, T) {
        let front = TlsFront::bind(host).await;
        let (origin, options) = (front.origin(), front.browser_options());
        let (address, served) = serve(&origin).await;
        (Self { origin, upstream: front.forward(address), options }, served)
    }

    /// Starts a browser with its own profile. The browser trusts the site's certificate, and can bind sessions to its
    /// device.
    ///
    /// # Errors
    /// The browser could not be started.
    pub async fn browser(&self) -> Result<Browser, BrowserError> {
        Browser::start(self.options.clone()).await
    }

    /// Returns the URL of a path on the site.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// The events that a site has emitted.
pub struct Events(UnboundedReceiver<EventKind>);

impl Events {
    /// Returns an observer for [`AuthenticatorBuilder::on_event`](hardtack::AuthenticatorBuilder::on_event), together
    /// with the events that it observes.
    pub fn observe() -> (impl Fn(&Event<'_>) + Send + Sync + 'static, Self) {
        let (sender, events) = unbounded_channel();
        let observer = move |event: &Event<'_>| {
            let _ = sender.send(event.kind);
        };
        (observer, Self(events))
    }

    /// Waits for an event and skips all others.
    ///
    /// # Panics
    /// Panics if the event is not emitted in time.
    pub async fn wait_for(&mut self, wanted: EventKind) {
        let found = async {
            while let Some(event) = self.0.recv().await {
                if event == wanted {
                    return;
                }
            }
            panic!("the site has ended without the event {wanted:?}");
        };
        wait::within_reason(format!("the event {wanted:?}"), found).await;
    }

    /// Returns the events since the last call, without waiting.
    pub fn so_far(&mut self) -> Vec<EventKind> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

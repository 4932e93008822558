//! The page `/__hardtack/why`, which an adapter's layer serves.

use sha2::{Digest, Sha256};

use crate::authenticator::Authenticator;
use crate::base_url::BaseUrl;
use crate::csrf::check_origin;
use crate::developer_notice;
use crate::explain::{STYLE, page};
use crate::refusal::{NO_STORE, Reply};
use crate::request::{Authority, RequestHead};

/// The end of the page's path. If the layer wraps a nested router, the router's prefix comes before it.
const PATH: &str = "/__hardtack/why";

/// Why the page is not shown if the adapter does not know the client's address. The response contains this reason.
const UNKNOWN_PEER: &str = "the server does not know the address of your browser; in axum, start the server with \
                            `hardtack_axum::serve(listener, app)`, or pass \
                            `app.into_make_service_with_connect_info::<SocketAddr>()` to `axum::serve`; a test that \
                            calls the application directly has to set the address (`ConnectInfo` in axum, \
                            `peer_addr` in actix-web)";

/// The header fields that proxies add to requests that they forward.
const PROXY_FIELDS: [&str; 7] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "cf-connecting-ip"];

/// Returns whether `path` is the path of the page that explains refused requests.
pub(super) fn is_page(path: &str) -> bool {
    path.ends_with(PATH)
}

/// Tells the developer the URL of the page that explains refused requests.
pub(in crate::authenticator) fn announce(base: &BaseUrl) {
    let page = format!("{}{}{PATH}", base.origin(), base.path());
    tracing::info!(event = "explaining_refusals", page, "refused requests are explained at {page}");
    developer_notice::announce(&format!("refused requests are explained at {page}"));
}

impl Authenticator {
    /// Returns the response to a request for the page `/__hardtack/why`, which explains the latest requests. Returns
    /// `None` for any other request, and for every request if
    /// [`explain_refusals`](crate::AuthenticatorBuilder::explain_refusals) was not called.
    ///
    /// If [`explains_refusals`](Self::explains_refusals) returns `true`, an adapter's layer calls this method for each
    /// request. If this method returns a response, the layer sends the response and does not call the inner service.
    ///
    /// The page is only for the developer's own browser. The response is 403 in these cases:
    /// - The client is on another machine, or its address is not known ([`RequestHead::peer`]).
    /// - A header field says that a proxy forwarded the request.
    /// - The `Host` is not a loopback name or address.
    /// - Another site started the request.
    pub fn explanation_page(&self, head: &RequestHead<'_>) -> Option<Reply> {
        let recorder = self.recorder()?;
        if !is_page(head.path()) || !matches!(head.method(), "GET" | "HEAD") {
            return None;
        }
        let reply = match self.why_not_shown(head) {
            Some(why) => Reply::text(403, format!("This page is not shown, because {why}.\n")),
            None => {
                let origin = self.origin().unwrap_or_default();
                Reply::html(200, page(&recorder.explanations(), &developer_notice::texts(), origin, self.now()))
            }
        };
        let hash = base64_simd::STANDARD.encode_to_string(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let reply = reply.header("cache-control", NO_STORE).header("content-security-policy", policy);
        let reply = reply.header("x-content-type-options", "nosniff").header("referrer-policy", "no-referrer");
        Some(reply.header("cross-origin-resource-policy", "same-origin"))
    }

    /// Returns why the page is not shown to this client, or `None` if the page is shown.
    fn why_not_shown(&self, head: &RequestHead<'_>) -> Option<&'static str> {
        match head.peer() {
            Some(peer) if peer.to_canonical().is_loopback() => {}
            Some(_) => {
                return Some("your browser is not on the same machine as the server; look at the server's log instead");
            }
            None => return Some(UNKNOWN_PEER),
        }
        if PROXY_FIELDS.iter().any(|name| head.header(name).is_some()) {
            return Some("a proxy has forwarded the request; open the page on the server's own port");
        }
        let host = head.host().and_then(Authority::parse);
        let is_loopback = |host: Authority<'_>| host.is_localhost() || host.ip().is_some_and(|ip| ip.is_loopback());
        if !host.is_some_and(is_loopback) {
            return Some("the request's host is not a loopback name or address, such as localhost");
        }
        let settings = self.settings();
        let from_elsewhere = check_origin(head, &settings.csrf, settings.base.as_ref()).is_err();
        from_elsewhere
            .then_some("another site started the request; type the page's address into the address bar instead")
    }
}

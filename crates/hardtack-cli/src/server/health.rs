//! The route that probes call.

use axum::http::Request;

const PATH: &str = "/healthz";

/// Whether a request is a probe, which gets a response even if the server refuses others.
pub(super) fn is_probe<B>(request: &Request<B>) -> bool {
    request.uri().path() == PATH
}

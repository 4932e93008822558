//! The route for health probes.

use axum::http::Request;

const PATH: &str = "/healthz";

/// Returns whether a request is a health probe. A probe gets a response even if the server refuses other requests.
pub(super) fn is_probe<B>(request: &Request<B>) -> bool {
    request.uri().path() == PATH
}

//! The security header fields of every response (ASVS 5.0 V3.4).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};

use crate::site::Site;

/// The `Content-Security-Policy` of every response, unless the handler has set another policy. Scripts do not run, and
/// other sites cannot frame the pages. Forms can be submitted only to this site, and pages can load resources only from
/// this site.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Like [`CONTENT_SECURITY_POLICY`], but also allows scripts from this site. Pages with times need this policy, because
/// their script shows the times in the browser's time zone.
pub(crate) const POLICY_WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Do not use `no-referrer`: it makes older browsers send `Origin: null` with this site's own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Middleware that adds the security headers to a response, unless the handler has set them itself.
pub(crate) async fn add_security_headers(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if site.auth.sets_secure_cookies() {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(two_years);
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 §15.5.2 requires this field in every 401 response. Browsers show no dialog for `Bearer`.
        headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    // Handlers set `public` if the response is the same for everyone. Other responses must not be cached, because each
    // page contains one browser's CSRF token.
    let public = headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"));
    if !public {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("Accept, Cookie, HX-Request"));
    }
    response
}

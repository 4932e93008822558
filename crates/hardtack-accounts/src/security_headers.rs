//! Header fields that every response of the site carries (ASVS 5.0 V3.4).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};

use crate::site::Site;

/// No script runs, no other site frames the pages or receives their forms. `same-origin` rather than
/// `no-referrer`: under the latter older browsers send `Origin: null` with this site's own forms.
const FIELDS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(crate) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    for (name, value) in FIELDS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if site.auth.sets_secure_cookies() {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(two_years);
    }
    if status == StatusCode::UNAUTHORIZED {
        // Asked for by RFC 9110 §15.5.2, also where a password was wrong. No browser opens a dialogue for it.
        headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    // What may be kept says so itself, and is the same for everybody; forms carry tokens of one browser.
    let public = headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"));
    if !public {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("Accept, Cookie, HX-Request"));
    }
    response
}

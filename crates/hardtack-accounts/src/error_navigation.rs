//! The navigation on error pages.
//!
//! The error page for a refused request is rendered before the user is known. This middleware looks up the user. Then
//! it adds the navigation of the other pages to the error page: the links and the log-out button.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hardtack::request::Wants;
use http::{HeaderValue, header};

use crate::extract::{shell_of, user_of_refused};
use crate::pages::{Shell, with_navigation};
use crate::site::Site;

/// The maximum size of an error page, in bytes. If a page is longer, the middleware logs an error and sends an empty
/// body.
const LONGEST_PAGE: usize = 64 * 1024;

pub(crate) async fn add_navigation(State(site): State<Site>, request: Request, next: Next) -> Response {
    if hardtack_axum::wants(request.headers()) != Wants::Page {
        return next.run(request).await;
    }
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let response = next.run(request).await;
    // Skip server errors. If the store is down, another query would only delay the response.
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !response.status().is_client_error() || !is_page {
        return response;
    }
    let user = user_of_refused(&headers, &uri, &site).await;
    let shell = user.as_ref().map_or(Shell { is_known: true, ..Shell::default() }, |user| shell_of(user, None));
    let (mut head, body) = response.into_parts();
    let Ok(page) = to_bytes(body, LONGEST_PAGE).await else {
        tracing::error!(event = "error_page_too_long");
        return Response::from_parts(head, Body::empty());
    };
    match std::str::from_utf8(&page).ok().and_then(|page| with_navigation(page, &shell)) {
        Some(page) => {
            head.headers.remove(header::CONTENT_LENGTH);
            // The page now contains the user's CSRF token, so it must not be cached.
            head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(hardtack::refusal::NO_STORE));
            Response::from_parts(head, Body::from(page))
        }
        None => Response::from_parts(head, Body::from(page)),
    }
}

//! Error pages, and the navigation on them.
//!
//! A handler that responds with an error does not know who is logged in. When the core rejects a request, it renders
//! the error page before the user is known. This middleware therefore looks up the user, and then renders the handler's
//! error page or adds the navigation (the links and the log-out button) to the core's error page.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hardtack::adapter::LogLimit;
use hardtack::request::Wants;
use http::{HeaderValue, header};

use crate::extract::Sender;
use crate::pages::{ErrorView, error_page, with_navigation};
use crate::respond::ErrorPage;
use crate::site::Site;

/// The maximum size of an error page, in bytes. If a page is longer, the middleware logs an error and sends an empty
/// body.
const LONGEST_PAGE: usize = 64 * 1024;

static TOO_LONG: LogLimit = LogLimit::new("error_page_too_long");

pub(crate) async fn add_navigation(State(site): State<Site>, request: Request, next: Next) -> Response {
    if hardtack_axum::wants(request.headers()) != Wants::Page {
        return next.run(request).await;
    }
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    let is_client_error = response.status().is_client_error();
    let error = response.extensions_mut().remove::<ErrorPage>();
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if error.is_none() && !(is_client_error && is_page) {
        return response;
    }
    // Do not look up the user after a server error. If the store is down, another query would only delay the response.
    // The look-up is boxed to keep this function's future small, because the future stays in memory while the client
    // sends the body.
    let sender = if is_client_error { Box::pin(Sender::of(&headers, &uri, &site)).await } else { Sender::Unknown };
    let shell = sender.shell(&site.settings);
    let (mut head, body) = response.into_parts();
    let page = match error {
        Some(ErrorPage { title, explanation, action }) => {
            let action = action.as_ref().map(|(path, label)| (path.as_ref(), *label));
            let view = ErrorView { status: head.status.as_u16(), title, explanation: &explanation, action };
            error_page(&shell, &view).into_string()
        }
        None => {
            let Ok(page) = to_bytes(body, LONGEST_PAGE).await else {
                TOO_LONG.add(|not_logged| tracing::error!(event = "error_page_too_long", not_logged));
                return Response::from_parts(head, Body::empty());
            };
            match std::str::from_utf8(&page).ok().and_then(|page| with_navigation(page, &shell)) {
                Some(page) => page,
                None => return Response::from_parts(head, Body::from(page)),
            }
        }
    };
    head.headers.remove(header::CONTENT_LENGTH);
    if is_client_error {
        // The page now contains the user's CSRF token, so it must not be cached.
        head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(hardtack::refusal::NO_STORE));
    }
    Response::from_parts(head, Body::from(page))
}

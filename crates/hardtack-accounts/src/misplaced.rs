//! Rejects a request for a page if the requested path differs from the path that the site's links use.
//!
//! axum does not tell a router where it is nested. If a site's router is nested at the wrong path, the site can notice
//! this only when a request arrives.

use std::sync::{Arc, Once};

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hardtack::request::loggable_path;
use http::StatusCode;

use crate::respond;
use crate::site::Site;

/// The maximum number of characters of a path that are logged.
const LOGGED_PATH: usize = 80;

/// Checks whether the router is mounted at the site's path. If it is not, responds with 500 and logs how to correct the
/// code. Only the first such request to this router is logged, because strangers can send any number of such requests.
pub(crate) async fn refuse_misplaced(
    State((site, logged)): State<(Site, Arc<Once>)>,
    request: Request,
    next: Next,
) -> Response {
    let page = request.uri().path();
    let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri.path());
    let prefixes = [site.settings.prefix.as_str(), site.path_in_router()];
    if original.is_none_or(|original| is_in_place(original, page, &prefixes)) {
        return next.run(request).await;
    }
    let original = original.unwrap_or_default();
    logged.call_once(|| {
        let advice = advice(original, page, site.path_in_router(), &site.path(page));
        tracing::error!(event = "pages_misplaced", "{advice}");
    });
    let detail = "The pages of this site are not set up correctly. The server's log says what to change.";
    let wants = hardtack_axum::wants(request.headers());
    respond::problem(wants, StatusCode::INTERNAL_SERVER_ERROR, "pages_misplaced", detail, &[])
}

/// Returns whether the client requested this route at the path in the pages' links. A proxy might have stripped the
/// base URL's path from the request, so there are two `prefixes`.
///
/// Empty segments are ignored, because axum drops some of them: if a router is nested at `/auth`, and `/auth//login` is
/// requested, the router gets `/login`.
fn is_in_place(original: &str, page: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| segments(original).eq(segments(prefix).chain(segments(page))))
}

/// Returns the segments of a path that are not empty.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Returns the path without any secrets, cut off after [`LOGGED_PATH`] characters.
fn shortened(path: &str) -> String {
    let path = loggable_path(path);
    let mut chars = path.chars();
    let mut short: String = chars.by_ref().take(LOGGED_PATH).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// What to change if the application rewrites paths between its routers.
const REWRITTEN: &str = "if the application rewrites paths, either add the stripped prefix to the base URL, or rewrite \
                         the paths before the request reaches the outermost router (tower::Layer::layer instead \
                         of Router::layer)";

/// Returns a message that says how to correct the code. `original` is the path that the client requested. `page` is the
/// page's path in the site's router, `at` is the site's path, and `link` is the path that links to the page use. In the
/// message, paths are shortened, and their control characters are escaped.
fn advice(original: &str, page: &str, at: &str, link: &str) -> String {
    let link = shortened(link);
    if at.is_empty() {
        let nested = original.strip_suffix(page).unwrap_or(original).trim_end_matches('/');
        let nested = shortened(nested);
        return format!(
            "the site's router is nested at {nested:?}, but links to the requested page lead to {link:?}; write \
             .at({nested:?}) when you build the site, .urls(Site::urls_at({nested:?})) when you build the \
             authenticator, and .merge(site.router()) instead of .nest({nested:?}, site.router()); {REWRITTEN}"
        );
    }
    let original = shortened(original);
    format!(
        "a page was requested at {original:?}, but links to the page lead to {link:?}; write .merge(site.router()) or \
         .nest({at:?}, site.router_to_nest()); {REWRITTEN}"
    )
}

#[cfg(test)]
mod tests {
    use super::{REWRITTEN, advice, is_in_place};

    #[test]
    fn doubled_slashes_do_not_misplace_a_page() {
        for (original, page) in [
            ("/auth", "/"),
            ("/auth/", "/"),
            ("/auth//", "/"),
            ("/auth/login", "/login"),
            ("/auth//login", "/login"),
            ("/auth///login/", "//login/"),
            ("/shop/auth/login", "/login"),
            ("/shop//auth//login", "/login"),
        ] {
            assert!(is_in_place(original, page, &["/shop/auth", "/auth"]), "{original}");
        }
        for (original, page) in [("/auth/auth/login", "/login"), ("/users/login", "/login"), ("/login", "/login")] {
            assert!(!is_in_place(original, page, &["/shop/auth", "/auth"]), "{original}");
        }
        assert!(is_in_place("/login", "/login", &["", ""]));
        assert!(!is_in_place("/auth/login", "/login", &["", ""]));
    }

    #[test]
    fn the_advice_is_short_and_without_control_characters() {
        for at in ["", "/auth"] {
            let path = format!("/\u{85}{}", "x".repeat(60_000));
            let advice = advice(&format!("{path}/login"), "/login", at, &path);
            assert!(advice.len() < 1_000 && !advice.contains(char::is_control), "{advice}");
        }
    }

    #[test]
    fn the_advice_is_the_line_to_write() {
        assert_eq!(
            advice("/auth/login", "/login", "", "/login"),
            format!(
                "the site's router is nested at \"/auth\", but links to the requested page lead to \"/login\"; write \
                 .at(\"/auth\") when you build the site, .urls(Site::urls_at(\"/auth\")) when you build the \
                 authenticator, and .merge(site.router()) instead of .nest(\"/auth\", site.router()); {REWRITTEN}"
            )
        );
        assert_eq!(
            advice("/auth/auth/login", "/login", "/auth", "/auth/login"),
            format!(
                "a page was requested at \"/auth/auth/login\", but links to the page lead to \"/auth/login\"; write \
                 .merge(site.router()) or .nest(\"/auth\", site.router_to_nest()); {REWRITTEN}"
            )
        );
    }
}

//! `/openapi.json`: the routes as an OpenAPI 3.1 document, for API clients such as Postman.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use serde_json::{Value, json};

use crate::settings::{Registration, SiteSettings};
use crate::site::Site;

/// The document is written by hand and describes the site of `hardtack serve`. A test compares the document with the
/// router.
const DOCUMENT: &str = include_str!("openapi.json");

/// The routes that exist only on the site of `hardtack serve`.
const OF_DEMO: [&str; 7] = [
    "/",
    "/service",
    "/assets/hardtack.css",
    "/assets/hardtack.svg",
    "/favicon.ico",
    "/robots.txt",
    "/.well-known/change-password",
];

/// The placeholder for the server's address in the document. [`show`] replaces this placeholder.
const SERVER: &str = r#""url": "/""#;

pub(crate) async fn show(State(site): State<Site>) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    // Clients resolve a relative URL against the document's own URL.
    let address = site.address().unwrap_or_else(|| site.path("/"));
    let document = DOCUMENT.replacen(SERVER, &format!("\"url\": {}", json!(address)), 1);
    let document = match site.settings.is_demo {
        true => document,
        false => adapt(&document, &site.settings).unwrap_or_default(),
    };
    (headers, document)
}

/// Puts the site's name into the document's title, and removes the routes that the site does not have.
fn adapt(document: &str, site: &SiteSettings) -> Option<String> {
    let mut document: Value = serde_json::from_str(document).ok()?;
    let name = if site.name.is_empty() { "The site" } else { &site.name };
    document["info"]["title"] = json!(format!("{name}: accounts"));
    let paths = document["paths"].as_object_mut()?;
    let stylesheet = paths.get("/assets/hardtack.css").cloned();
    paths.retain(|path, _| !OF_DEMO.contains(&path.as_str()));
    paths.extend(stylesheet.map(|stylesheet| ("/assets/site.css".to_owned(), stylesheet)));
    if !site.has_health_check {
        paths.remove("/healthz");
    }
    if site.registration == Registration::Closed {
        paths.remove("/signup");
    }
    serde_json::to_string(&document).ok()
}

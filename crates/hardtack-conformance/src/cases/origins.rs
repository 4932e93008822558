//! Cases for the origin check: does a request come from this site or from a trusted origin? The check reads the header
//! fields `Sec-Fetch-Site` and `Origin`.

use hardtack::{CsrfPolicy, RefreshMode};
use serde_json::json;

use crate::client::{Client, Request};
use crate::harness::{Case, Site, csrf_token};

/// A case: its name, header fields, and whether the request counts as coming from this site.
type Row = (&'static str, &'static [(&'static str, &'static str)], bool);

const ROWS: &[Row] = &[
    ("neither Sec-Fetch-Site nor Origin", &[], true),
    ("Sec-Fetch-Site: same-origin", &[("sec-fetch-site", "same-origin")], true),
    ("Sec-Fetch-Site: none", &[("sec-fetch-site", "none")], true),
    ("Sec-Fetch-Site: same-site", &[("sec-fetch-site", "same-site")], false),
    ("Sec-Fetch-Site: cross-site", &[("sec-fetch-site", "cross-site")], false),
    ("an unknown Sec-Fetch-Site", &[("sec-fetch-site", "nonsense")], false),
    ("an empty Sec-Fetch-Site", &[("sec-fetch-site", "")], false),
    ("Sec-Fetch-Site: same-origin and Origin: null", &[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
    (
        "Sec-Fetch-Site: cross-site and our Origin",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://site.example")],
        false,
    ),
    ("our Origin", &[("origin", "https://site.example")], true),
    ("our Origin and another Host", &[("host", "10.1.2.3:8080"), ("origin", "https://site.example")], true),
    ("the Origin of another Host", &[("host", "evil.example"), ("origin", "https://evil.example")], false),
    (
        "Sec-Fetch-Site: same-origin and the Origin of another Host",
        &[("host", "evil.example"), ("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        false,
    ),
    (
        "Sec-Fetch-Site: same-origin and another site's Origin",
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        false,
    ),
    (
        "Sec-Fetch-Site: same-origin and our Origin",
        &[("sec-fetch-site", "same-origin"), ("origin", "https://site.example")],
        true,
    ),
    ("Sec-Fetch-Site: none and Origin: null", &[("sec-fetch-site", "none"), ("origin", "null")], true),
    (
        "an Origin that differs from the Host",
        &[("host", "www.site.example"), ("origin", "https://api.site.example")],
        false,
    ),
    ("our Origin with http", &[("origin", "http://site.example")], false),
    ("our Origin with another port", &[("origin", "https://site.example:8443")], false),
    ("Origin: null", &[("origin", "null")], false),
    ("an empty Origin", &[("origin", "")], false),
    ("another site's Origin", &[("origin", "https://evil.example")], false),
    ("an Origin that starts with ours", &[("origin", "https://site.example.evil.example")], false),
    ("an Origin that ends like ours", &[("origin", "https://evilsite.example")], false),
    ("two Origins", &[("origin", "https://site.example"), ("origin", "https://evil.example")], false),
    ("a trusted Origin", &[("origin", "https://app.example")], true),
    ("the trusted Origin of an app", &[("origin", "tauri://localhost")], true),
    ("the Origin of another app", &[("origin", "tauri://evil")], false),
    (
        "Sec-Fetch-Site: cross-site and a trusted Origin",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")],
        true,
    ),
    ("only another site's Referer", &[("referer", "https://evil.example/")], true),
];

/// A case: its name, a logged-in client's request with the right CSRF value, and the response that is expected if the
/// origin check passes.
type Action = (&'static str, fn(&mut Client) -> Request<'_>, &'static str);

const ACTIONS: &[Action] = &[
    ("POST", |client| client.post("/protected").csrf(), "200"),
    ("POST of a form", post_form, "200"),
    ("DELETE", |client| client.request(http::Method::DELETE, "/protected").csrf(), "200"),
    ("a log-in", |client| client.post("/login").json(&json!({ "sub": "bob" })), "200 +access +refresh"),
    ("a log-out", |client| client.post("/logout").csrf(), "200 -access -refresh"),
    ("a refresh", |client| client.post("/token/refresh").csrf(), "200 +access +refresh"),
    ("a WebSocket handshake", |client| client.get("/protected").header("upgrade", "websocket"), "200"),
    (
        "a WebSocket handshake among other protocols",
        |client| client.get("/protected").header("upgrade", "websocket, h2c"),
        "200",
    ),
    ("GET to a handler that calls require_same_origin", |client| client.get("/same-origin"), "200"),
    ("GET", |client| client.get("/protected"), "200"),
    ("HEAD", |client| client.request(http::Method::HEAD, "/protected"), "200"),
];

fn post_form(client: &mut Client) -> Request<'_> {
    let csrf = csrf_token(client);
    client.post("/guarded/page").form(&[("csrf_token", &csrf)])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, fields, own_site) in ROWS {
        for &(action, make, passed) in ACTIONS {
            cases.push(
                Case::new(format!("origins: {action} with {name}"), move |site| async move {
                    let mut alice = site.alice().await;
                    let request = make(&mut alice).accept_json();
                    let request = fields.iter().fold(request, |request, (name, value)| request.add_header(name, value));
                    let response = request.send().await;
                    let safe = matches!(action, "GET" | "HEAD");
                    site.expect(action, &response, if own_site || safe { passed } else { "403 csrf_cross_site" });
                    if !own_site && !safe {
                        expect_no_effect(&site, alice).await;
                    }
                })
                .configured(|builder| builder.csrf(policy())),
            );
        }
    }
    cases.extend(others());
    cases
}

fn policy() -> CsrfPolicy {
    CsrfPolicy::default().trusted_origin("https://app.example").trusted_origin("tauri://localhost")
}

/// Checks that the refused request had no effect.
async fn expect_no_effect(site: &Site, mut alice: Client) {
    site.expect_eq("handler runs", site.calls().await, 0);
    site.expect_eq("rotations", site.store.rotations(), 0);
    site.expect("still logged in", &alice.get("/protected").send().await, "200");
}

fn others() -> Vec<Case> {
    vec![
        Case::new("origins: a cross-site form without cookies is refused as cross-site", |site| async move {
            let response = site.visitor().post("/protected").header("sec-fetch-site", "cross-site").send().await;
            // A cross-site form arrives without cookies even if the user is logged in, because the cookies are
            // SameSite.
            site.expect("POST", &response, "403 csrf_cross_site");
        }),
        Case::new("origins: a cross-site form is not refreshed", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let forged = alice.post("/protected").header("sec-fetch-site", "cross-site").send().await;
            site.expect("POST", &forged, "403 csrf_cross_site");
            site.expect_eq("rotations", site.store.rotations(), 0);
        }),
        Case::new("origins: a cross-site link to a page is refreshed", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let linked = alice.get("/protected").accept_html().header("sec-fetch-site", "cross-site").send().await;
            site.expect("GET", &linked, "200 +access +refresh");
        }),
        Case::new("origins: a cross-site link to the refresh URL gets a reloading page", |site| async move {
            let mut alice = site.alice().await;
            let request = alice.get("/token/refresh?next=%2Fprotected").accept_html();
            let response = request.header("sec-fetch-site", "cross-site").send().await;
            site.expect("GET", &response, "403");
            site.expect_eq("content type", response.header("content-type"), Some("text/html; charset=utf-8"));
            let reload = "content=\"0;url=/token/refresh?next=%2Fprotected\"";
            site.expect_eq("reloads by itself", response.text().contains(reload), true);
            site.expect_eq("rotations", site.store.rotations(), 0);
        })
        .configured(|builder| builder.refresh_mode(RefreshMode::Redirect)),
    ]
}

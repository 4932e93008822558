//! Where a request was started: Fetch Metadata, and `Origin` where a browser sends none.

use serde_json::json;

use super::case::Case;
use super::site::{Site, csrf_of};
use crate::client::{Client, Request};

/// A name, fields, and whether the request is this site's own.
type Row = (&'static str, &'static [(&'static str, &'static str)], bool);

const ROWS: &[Row] = &[
    ("neither field", &[], true),
    ("same-origin", &[("sec-fetch-site", "same-origin")], true),
    ("none", &[("sec-fetch-site", "none")], true),
    ("same-site", &[("sec-fetch-site", "same-site")], false),
    ("cross-site", &[("sec-fetch-site", "cross-site")], false),
    ("an unknown word", &[("sec-fetch-site", "nonsense")], false),
    ("an empty word", &[("sec-fetch-site", "")], false),
    ("same-origin beside Origin null", &[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
    ("cross-site beside our Origin", &[("sec-fetch-site", "cross-site"), ("origin", "https://site.example")], false),
    ("our Origin", &[("origin", "https://site.example")], true),
    ("our Origin by Host", &[("host", "www.site.example"), ("origin", "https://www.site.example")], true),
    ("our Origin by Host in capitals", &[("host", "WWW.site.example"), ("origin", "https://www.site.example")], true),
    ("an Origin unlike Host", &[("host", "www.site.example"), ("origin", "https://api.site.example")], false),
    ("our Origin without encryption", &[("origin", "http://site.example")], false),
    ("our Origin at another port", &[("origin", "https://site.example:8443")], false),
    ("Origin null", &[("origin", "null")], false),
    ("an empty Origin", &[("origin", "")], false),
    ("a foreign Origin", &[("origin", "https://evil.example")], false),
    ("an Origin that begins like ours", &[("origin", "https://site.example.evil.example")], false),
    ("an Origin that ends like ours", &[("origin", "https://evilsite.example")], false),
    ("two Origins", &[("origin", "https://site.example"), ("origin", "https://evil.example")], false),
    ("a trusted Origin", &[("origin", "https://app.example")], true),
    ("a trusted Origin of another site", &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")], true),
    ("a foreign Referer alone", &[("referer", "https://evil.example/")], true),
];

/// What such a request asks for, and how that reads when it passes. All bring whatever else is asked of them.
type Action = (&'static str, fn(&mut Client) -> Request<'_>, &'static str);

const ACTIONS: &[Action] = &[
    ("POST", |client| client.post("/protected").csrf(), "200"),
    ("POST of a form", post_form, "200"),
    ("DELETE", |client| client.request(http::Method::DELETE, "/protected").csrf(), "200"),
    ("log-in", |client| client.post("/login").json(&json!({ "sub": "bob" })), "200 +access +refresh"),
    ("log-out", |client| client.post("/logout").csrf(), "200 -access -refresh"),
    ("refresh", |client| client.post("/token/refresh").csrf(), "200 +access +refresh"),
    ("refresh by GET", |client| client.get("/token/refresh"), "200 +access +refresh"),
    ("handshake", |client| client.get("/protected").header("upgrade", "websocket"), "200"),
    ("a GET that asks for its own site", |client| client.get("/same-origin"), "200"),
    ("GET", |client| client.get("/protected"), "200"),
    ("HEAD", |client| client.request(http::Method::HEAD, "/protected"), "200"),
];

fn post_form(client: &mut Client) -> Request<'_> {
    let csrf = csrf_of(client);
    client.post("/guarded/page").form(&[("csrf_token", &csrf)])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, fields, ours) in ROWS {
        for &(action, make, passed) in ACTIONS {
            cases.push(
                Case::new(format!("origins: {action} with {name}"), move |site| async move {
                    let mut alice = site.alice().await;
                    let request = make(&mut alice).accept_json();
                    let request = fields.iter().fold(request, |request, (name, value)| request.add_header(name, value));
                    let answer = request.send().await;
                    let safe = matches!(action, "GET" | "HEAD");
                    site.expect(action, &answer, if ours || safe { passed } else { "403 csrf_cross_site" });
                    if !ours && !safe {
                        undisturbed(&site, alice).await;
                    }
                })
                .configured(|builder| {
                    builder.csrf(hardtack::CsrfPolicy::default().trusted_origin("https://app.example"))
                }),
            );
        }
    }
    cases.extend(others());
    cases
}

/// A refused request changed nothing.
async fn undisturbed(site: &Site, mut alice: Client) {
    site.same("no handler ran", site.calls().await, 0);
    site.same("nothing was refreshed", site.store.rotations(), 0);
    site.expect("the session lives on", &alice.get("/protected").send().await, "200");
}

fn others() -> Vec<Case> {
    vec![
        Case::new("origins: another site's form of someone logged out", |site| async move {
            let answer = site.visitor().post("/protected").header("sec-fetch-site", "cross-site").send().await;
            site.expect("told so, as SameSite keeps cookies back", &answer, "403 csrf_cross_site");
        }),
        Case::new("origins: another site's form is refreshed for nobody", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let forged = alice.post("/protected").header("sec-fetch-site", "cross-site").send().await;
            site.expect("POST", &forged, "403 csrf_cross_site");
            site.same("nothing was refreshed", site.store.rotations(), 0);
        }),
        Case::new("origins: another site's link to a page that has expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let linked = alice.get("/protected").accept_html().header("sec-fetch-site", "cross-site").send().await;
            site.expect("GET", &linked, "200 +access +refresh");
        }),
        Case::new("origins: another site's link to the refresh URL asks again", |site| async move {
            let mut alice = site.alice().await;
            let foreign = alice.get("/token/refresh?next=%2Fprotected").accept_html();
            let answer = foreign.header("sec-fetch-site", "cross-site").send().await;
            site.expect("GET", &answer, "403");
            site.same("content type", answer.header("content-type"), Some("text/html; charset=utf-8"));
            let again = "content=\"0;url=/token/refresh?next=%2Fprotected\"";
            site.same("it goes on by itself", answer.text().contains(again), true);
            site.same("nothing was refreshed", site.store.rotations(), 0);
        }),
    ]
}

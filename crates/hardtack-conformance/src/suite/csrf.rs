//! The double submit: every way to carry the value, right and wrong, and what reaches the handler.

use super::case::Case;
use super::site::{CSRF_ACCESS, Site, csrf_of, value_of};
use crate::client::{Client, Request};

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=edge";

/// A request's parts that matter here.
struct Sent {
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn typed(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { query: String::new(), headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    fn form(body: impl Into<Vec<u8>>) -> Self {
        Self::typed(URLENCODED, body)
    }

    fn multipart(parts: &[(&str, &str)]) -> Self {
        Self::typed(MULTIPART, multipart(parts))
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }
}

/// A multipart body; each part has the rest of its disposition, and its content.
pub(super) fn multipart(parts: &[(&str, &str)]) -> String {
    let part = |(disposition, value): &(&str, &str)| {
        format!("--edge\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).chain(["--edge--\r\n".to_owned()]).collect()
}

/// Fills a body up to a length.
fn filler(length: usize) -> String {
    "0123456789abcdef".repeat(length / 16)
}

/// `None` passes; otherwise the code of the refusal. The makers get the right value and another session's.
type Row = (&'static str, fn(&str, &str) -> Sent, Option<&'static str>);

const ROWS: &[Row] = &[
    ("in the header", |csrf, _| Sent::typed("text/plain", "text").with("x-csrf-token", csrf), None),
    ("in the header, beside JSON", |csrf, _| Sent::typed("application/json", "{}").with("x-csrf-token", csrf), None),
    ("in the header, beside a form", |csrf, _| Sent::form("a=1").with("x-csrf-token", csrf), None),
    (
        "in the header, without a body",
        |csrf, _| Sent { headers: vec![], ..Sent::form("") }.with("x-csrf-token", csrf),
        None,
    ),
    ("in a field", |csrf, _| Sent::form(format!("csrf_token={csrf}")), None),
    ("in the first field", |csrf, _| Sent::form(format!("csrf_token={csrf}&a=1&b=2")), None),
    ("in the last field", |csrf, _| Sent::form(format!("a=1&b=%20x&csrf_token={csrf}")), None),
    (
        "in a field with a charset",
        |csrf, _| Sent::typed("application/x-www-form-urlencoded; charset=UTF-8", format!("csrf_token={csrf}")),
        None,
    ),
    ("in a field under an encoded name", |csrf, _| Sent::form(format!("csrf%5Ftoken={csrf}")), None),
    ("in a field twice, the same", |csrf, _| Sent::form(format!("csrf_token={csrf}&csrf_token={csrf}")), None),
    (
        "in a field just before 64 KiB",
        |csrf, _| Sent::form(format!("a={}&csrf_token={csrf}&b=2", filler(65_000))),
        None,
    ),
    ("in a field before a megabyte", |csrf, _| Sent::form(format!("csrf_token={csrf}&a={}", filler(1 << 20))), None),
    ("in a part", |csrf, _| Sent::multipart(&[("name=\"csrf_token\"", csrf)]), None),
    (
        "in a part behind a file",
        |csrf, _| {
            Sent::multipart(&[("name=\"f\"; filename=\"f.txt\"", "file\r\n--edg"), ("name=\"csrf_token\"", csrf)])
        },
        None,
    ),
    (
        "in a part before a megabyte",
        |csrf, _| Sent::multipart(&[("name=\"csrf_token\"", csrf), ("name=\"f\"; filename=\"f\"", &filler(1 << 20))]),
        None,
    ),
    ("nowhere, text", |_, _| Sent::typed("text/plain", "text"), Some("csrf_missing")),
    ("nowhere, form", |_, _| Sent::form("a=1"), Some("csrf_missing")),
    ("nowhere, multipart", |_, _| Sent::multipart(&[("name=\"a\"", "1")]), Some("csrf_missing")),
    ("nowhere, no body", |_, _| Sent { headers: vec![], ..Sent::form("") }, Some("csrf_missing")),
    ("wrong in the header", |_, _| Sent::form("a=1").with("x-csrf-token", "wrong"), Some("csrf_mismatch")),
    ("empty in the header", |_, _| Sent::form("a=1").with("x-csrf-token", ""), Some("csrf_mismatch")),
    (
        "twice in the header",
        |csrf, _| Sent::form("a=1").with("x-csrf-token", csrf).with("x-csrf-token", csrf),
        Some("csrf_mismatch"),
    ),
    (
        "wrong in the header, right in the field",
        |csrf, _| Sent::form(format!("csrf_token={csrf}")).with("x-csrf-token", "wrong"),
        Some("csrf_mismatch"),
    ),
    ("wrong in the field", |_, _| Sent::form("csrf_token=wrong"), Some("csrf_mismatch")),
    ("empty in the field", |_, _| Sent::form("csrf_token="), Some("csrf_mismatch")),
    ("cut short in the field", |csrf, _| Sent::form(format!("csrf_token={}", &csrf[1..])), Some("csrf_mismatch")),
    ("wrong in the part", |_, _| Sent::multipart(&[("name=\"csrf_token\"", "wrong")]), Some("csrf_mismatch")),
    (
        "in a field twice, different",
        |csrf, other| Sent::form(format!("csrf_token={csrf}&csrf_token={other}")),
        Some("csrf_mismatch"),
    ),
    (
        "in a part twice, different",
        |csrf, other| Sent::multipart(&[("name=\"csrf_token\"", other), ("name=\"csrf_token\"", csrf)]),
        Some("csrf_mismatch"),
    ),
    ("another session's, header", |_, other| Sent::form("a=1").with("x-csrf-token", other), Some("csrf_mismatch")),
    ("another session's, field", |_, other| Sent::form(format!("csrf_token={other}")), Some("csrf_mismatch")),
    ("another session's, part", |_, other| Sent::multipart(&[("name=\"csrf_token\"", other)]), Some("csrf_mismatch")),
    (
        "in the query",
        |csrf, _| Sent::form("a=1").query(format!("?csrf_token={csrf}&X-CSRF-TOKEN={csrf}")),
        Some("csrf_missing"),
    ),
    ("in another field", |csrf, _| Sent::form(format!("CSRF_TOKEN={csrf}&token={csrf}")), Some("csrf_missing")),
    ("in a file", |csrf, _| Sent::multipart(&[("name=\"csrf_token\"; filename=\"a\"", csrf)]), Some("csrf_missing")),
    (
        "in JSON",
        |csrf, _| Sent::typed("application/json", format!("{{\"csrf_token\":\"{csrf}\"}}")),
        Some("csrf_missing"),
    ),
    (
        "in a form that calls itself text",
        |csrf, _| Sent::typed("text/plain", format!("csrf_token={csrf}")),
        Some("csrf_missing"),
    ),
    (
        "in a multipart form without a boundary",
        |csrf, _| Sent::typed("multipart/form-data", multipart(&[("name=\"csrf_token\"", csrf)])),
        Some("csrf_missing"),
    ),
    (
        "in a field beyond 64 KiB",
        |csrf, _| Sent::form(format!("a={}&csrf_token={csrf}", filler(70_000))),
        Some("csrf_beyond_peek"),
    ),
    (
        "in a part beyond 64 KiB",
        |csrf, _| Sent::multipart(&[("name=\"a\"", &filler(70_000)), ("name=\"csrf_token\"", csrf)]),
        Some("csrf_beyond_peek"),
    ),
];

fn post<'a>(client: &'a mut Client, sent: &Sent) -> Request<'a> {
    let request = client.post(&format!("/echo{}", sent.query)).body(sent.body.clone());
    sent.headers.iter().fold(request, |request, (name, value)| request.add_header(name, value))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, make, refused) in ROWS {
        cases.push(Case::new(format!("CSRF: {name}"), move |site| check(site, make, refused, false)));
        cases.push(Case::new(format!("CSRF: {name}, while refreshing"), move |site| check(site, make, refused, true)));
    }
    cases.extend(settings());
    cases
}

/// The echo is what was sent, and the handler ran once; or the client is told why not, and it did not run.
async fn check(site: Site, make: fn(&str, &str) -> Sent, refused: Option<&'static str>, refreshing: bool) {
    let alice = site.alice().await;
    let other = site.alice().await;
    let sent = make(&csrf_of(&alice), &csrf_of(&other));
    if refreshing {
        site.expire_access();
    }
    let refreshed = if refreshing { " +access +refresh" } else { "" };
    let api = post(&mut alice.clone(), &sent).accept_json().send().await;
    match refused {
        None => {
            site.expect("program", &api, format!("200{refreshed}"));
            site.same("the body arrives whole", api.bytes() == &sent.body, true);
            site.same("the handler ran", api.header("x-calls"), Some("1"));
            let page = post(&mut alice.clone(), &sent).accept_html().send().await;
            site.expect("browser", &page, format!("200{refreshed}"));
            site.same("the handler ran", site.calls().await, 2);
        }
        Some(code) => {
            site.expect("program", &api, format!("403 {code}"));
            let page = post(&mut alice.clone(), &sent).accept_html().send().await;
            site.expect("browser", &page, "403");
            let htmx = post(&mut alice.clone(), &sent).header("hx-request", "true").send().await;
            site.expect("htmx", &htmx, format!("403 {code}"));
            site.same("the handler did not run", site.calls().await, 0);
            site.same("nothing was refreshed", site.store.rotations(), 0);
        }
    }
}

fn settings() -> Vec<Case> {
    vec![
        Case::new("CSRF: other names for header and field", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            site.expect("header", &alice.post("/echo").header("x-check", &csrf).send().await, "200");
            site.expect("field", &alice.post("/echo").form(&[("check", &csrf)]).send().await, "200");
            site.expect("part", &alice.post("/echo").multipart(&[("check", &csrf)]).send().await, "200");
            site.expect("usual header", &alice.post("/echo").csrf().send().await, "403 csrf_missing");
            let usual = alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("usual field", &usual, "403 csrf_missing");
        })
        .configured(|builder| builder.csrf(hardtack::CsrfPolicy::default().header("X-Check").field("check"))),
        Case::new("CSRF: not in forms", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            site.expect("header", &alice.post("/echo").csrf().send().await, "200");
            let field = alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("field", &field, "403 csrf_missing");
        })
        .configured(|builder| builder.csrf(hardtack::CsrfPolicy::default().check_forms(false))),
        Case::new("CSRF: off", |site| async move {
            let mut alice = site.alice().await;
            site.expect("form", &alice.post("/echo").form(&[("a", "b")]).send().await, "200");
            let foreign = alice.post("/echo").header("sec-fetch-site", "cross-site").form(&[("a", "b")]).send().await;
            site.expect("another site's all the same", &foreign, "403 csrf_cross_site");
        })
        .configured(|builder: hardtack::AuthenticatorBuilder| {
            builder.csrf(hardtack::CsrfPolicy::default().insecure_disabled())
        }),
        Case::new("CSRF: a cookie and a field of the attacker's choice", |site| async move {
            let mut alice = site.alice().await;
            alice.set_cookie_raw(&format!("{CSRF_ACCESS}=chosen; Secure; Path=/"));
            let header = alice.post("/echo").header("x-csrf-token", "chosen").send().await;
            site.expect("the claim counts, not the cookie", &header, "403 csrf_mismatch");
            site.expect(
                "field",
                &alice.post("/echo").form(&[("csrf_token", "chosen")]).send().await,
                "403 csrf_mismatch",
            );
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("CSRF: one value from log-in to log-out", |site| async move {
            let mut alice = site.alice().await;
            let first = csrf_of(&alice);
            site.expire_access();
            let opened_before = alice.post("/echo").form(&[("csrf_token", &first)]).send().await;
            site.expect("a form that was open during the refresh", &opened_before, "200 +access +refresh");
            site.same("the value", value_of(&alice, CSRF_ACCESS), first);
        }),
        Case::new("CSRF: under the Require layer, the form reaches the handler", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            for path in ["/guarded/page", "/guarded/token", "/nested/inner"] {
                site.expect(path, &alice.post(path).form(&[("csrf_token", &csrf)]).send().await, "200");
                site.expect(path, &alice.post(path).form(&[("a", "b")]).send().await, "403 csrf_missing");
            }
        }),
        Case::new("CSRF: without cookies nothing acts for anyone", |site| async move {
            let refused = site.visitor().post("/echo").form(&[("a", "b")]).send().await;
            site.expect("POST", &refused, "401 missing_token");
        }),
    ]
}

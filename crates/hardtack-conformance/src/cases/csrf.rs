//! The double-submit check: valid and invalid CSRF values, sent in every part of a request.

use hardtack::CsrfPolicy;

use crate::client::{Client, Request};
use crate::harness::{CSRF_ACCESS, Case, MULTIPART, Site, URLENCODED, cookie_value, csrf_token, multipart_body};

/// The parts of a request that can hold a CSRF value.
struct Parts {
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Parts {
    fn typed(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { query: String::new(), headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    fn form(body: impl Into<Vec<u8>>) -> Self {
        Self::typed(URLENCODED, body)
    }

    fn multipart(parts: &[(&str, &str)]) -> Self {
        Self::typed(MULTIPART, multipart_body(parts))
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

/// Returns a string that is about `length` bytes long.
fn filler(length: usize) -> String {
    "0123456789abcdef".repeat(length / 16)
}

/// A case: its name, a function that builds the request, and the code with which the request is refused (`None` if it
/// is accepted). The function receives the CSRF value of the request's own session and that of another session.
type Row = (&'static str, fn(&str, &str) -> Parts, Option<&'static str>);

const ROWS: &[Row] = &[
    (
        "in the header of a plain-text request",
        |csrf, _| Parts::typed("text/plain", "text").with("x-csrf-token", csrf),
        None,
    ),
    ("in the header of a JSON body", |csrf, _| Parts::typed("application/json", "{}").with("x-csrf-token", csrf), None),
    ("in the header of a form", |csrf, _| Parts::form("a=1").with("x-csrf-token", csrf), None),
    (
        "in the header without a body",
        |csrf, _| Parts { headers: vec![], ..Parts::form("") }.with("x-csrf-token", csrf),
        None,
    ),
    ("in the only field", |csrf, _| Parts::form(format!("csrf_token={csrf}")), None),
    ("in the first field", |csrf, _| Parts::form(format!("csrf_token={csrf}&a=1&b=2")), None),
    ("in the last field", |csrf, _| Parts::form(format!("a=1&b=%20x&csrf_token={csrf}")), None),
    (
        "in a field of a form with a charset",
        |csrf, _| Parts::typed("application/x-www-form-urlencoded; charset=UTF-8", format!("csrf_token={csrf}")),
        None,
    ),
    ("in a field with a percent-encoded name", |csrf, _| Parts::form(format!("csrf%5Ftoken={csrf}")), None),
    ("in two fields with the same value", |csrf, _| Parts::form(format!("csrf_token={csrf}&csrf_token={csrf}")), None),
    (
        "in a field just before 64 KiB",
        |csrf, _| Parts::form(format!("a={}&csrf_token={csrf}&b=2", filler(65_000))),
        None,
    ),
    ("in a field before a megabyte", |csrf, _| Parts::form(format!("csrf_token={csrf}&a={}", filler(1 << 20))), None),
    ("in the only part", |csrf, _| Parts::multipart(&[("name=\"csrf_token\"", csrf)]), None),
    (
        "in a part after a file",
        |csrf, _| {
            Parts::multipart(&[("name=\"f\"; filename=\"f.txt\"", "file\r\n--edg"), ("name=\"csrf_token\"", csrf)])
        },
        None,
    ),
    (
        "in a part before a megabyte",
        |csrf, _| Parts::multipart(&[("name=\"csrf_token\"", csrf), ("name=\"f\"; filename=\"f\"", &filler(1 << 20))]),
        None,
    ),
    ("missing in a text", |_, _| Parts::typed("text/plain", "text"), Some("csrf_missing")),
    ("missing in a form", |_, _| Parts::form("a=1"), Some("csrf_missing")),
    ("missing in a multipart form", |_, _| Parts::multipart(&[("name=\"a\"", "1")]), Some("csrf_missing")),
    ("missing without a body", |_, _| Parts { headers: vec![], ..Parts::form("") }, Some("csrf_missing")),
    ("wrong in the header", |_, _| Parts::form("a=1").with("x-csrf-token", "wrong"), Some("csrf_mismatch")),
    ("empty in the header", |_, _| Parts::form("a=1").with("x-csrf-token", ""), Some("csrf_mismatch")),
    (
        "in two header fields",
        |csrf, _| Parts::form("a=1").with("x-csrf-token", csrf).with("x-csrf-token", csrf),
        Some("csrf_mismatch"),
    ),
    (
        "wrong in the header, right in the field",
        |csrf, _| Parts::form(format!("csrf_token={csrf}")).with("x-csrf-token", "wrong"),
        Some("csrf_mismatch"),
    ),
    ("wrong in the field", |_, _| Parts::form("csrf_token=wrong"), Some("csrf_mismatch")),
    ("empty in the field", |_, _| Parts::form("csrf_token="), Some("csrf_mismatch")),
    (
        "without its first character in the field",
        |csrf, _| Parts::form(format!("csrf_token={}", &csrf[1..])),
        Some("csrf_mismatch"),
    ),
    ("wrong in the part", |_, _| Parts::multipart(&[("name=\"csrf_token\"", "wrong")]), Some("csrf_mismatch")),
    (
        "in two fields with different values",
        |csrf, other| Parts::form(format!("csrf_token={csrf}&csrf_token={other}")),
        Some("csrf_mismatch"),
    ),
    (
        "in two parts with different values",
        |csrf, other| Parts::multipart(&[("name=\"csrf_token\"", other), ("name=\"csrf_token\"", csrf)]),
        Some("csrf_mismatch"),
    ),
    (
        "from another session in the header",
        |_, other| Parts::form("a=1").with("x-csrf-token", other),
        Some("csrf_mismatch"),
    ),
    ("from another session in the field", |_, other| Parts::form(format!("csrf_token={other}")), Some("csrf_mismatch")),
    (
        "from another session in the part",
        |_, other| Parts::multipart(&[("name=\"csrf_token\"", other)]),
        Some("csrf_mismatch"),
    ),
    (
        "in the query",
        |csrf, _| Parts::form("a=1").query(format!("?csrf_token={csrf}&X-CSRF-TOKEN={csrf}")),
        Some("csrf_missing"),
    ),
    (
        "in fields with other names",
        |csrf, _| Parts::form(format!("CSRF_TOKEN={csrf}&token={csrf}")),
        Some("csrf_missing"),
    ),
    (
        "in a file named like the field",
        |csrf, _| Parts::multipart(&[("name=\"csrf_token\"; filename=\"a\"", csrf)]),
        Some("csrf_missing"),
    ),
    (
        "in a member of a JSON body",
        |csrf, _| Parts::typed("application/json", format!("{{\"csrf_token\":\"{csrf}\"}}")),
        Some("csrf_missing"),
    ),
    (
        "in a form with the type text/plain",
        |csrf, _| Parts::typed("text/plain", format!("csrf_token={csrf}")),
        Some("csrf_missing"),
    ),
    (
        "in a multipart form without a boundary",
        |csrf, _| Parts::typed("multipart/form-data", multipart_body(&[("name=\"csrf_token\"", csrf)])),
        Some("csrf_missing"),
    ),
    (
        "in a field after 64 KiB",
        |csrf, _| Parts::form(format!("a={}&csrf_token={csrf}", filler(70_000))),
        Some("csrf_beyond_peek"),
    ),
    (
        "in a part after 64 KiB",
        |csrf, _| Parts::multipart(&[("name=\"a\"", &filler(70_000)), ("name=\"csrf_token\"", csrf)]),
        Some("csrf_beyond_peek"),
    ),
];

fn post<'a>(client: &'a mut Client, parts: &Parts) -> Request<'a> {
    let request = client.post(&format!("/echo{}", parts.query)).body(parts.body.clone());
    parts.headers.iter().fold(request, |request, (name, value)| request.add_header(name, value))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, make, refused) in ROWS {
        let result = if refused.is_some() { "refused" } else { "accepted" };
        cases.push(Case::new(format!("CSRF: a value {name} is {result}"), move |site| {
            check(site, make, refused, false)
        }));
        cases.push(Case::new(format!("CSRF: a value {name} is {result} while refreshing"), move |site| {
            check(site, make, refused, true)
        }));
    }
    cases.extend(settings());
    cases
}

/// Sends the same request as an API client and as a browser. If `refused` is `None`, expects the handler to run once
/// for each request and to echo the body. If `refused` is a code, expects that the request is refused with this code
/// and that the handler does not run.
async fn check(site: Site, make: fn(&str, &str) -> Parts, refused: Option<&'static str>, refreshing: bool) {
    let alice = site.alice().await;
    let other = site.alice().await;
    let parts = make(&csrf_token(&alice), &csrf_token(&other));
    if refreshing {
        site.expire_access();
    }
    let refreshed = if refreshing { " +access +refresh" } else { "" };
    let api = post(&mut alice.clone(), &parts).accept_json().send().await;
    match refused {
        None => {
            site.expect("program", &api, format!("200{refreshed}"));
            site.expect_eq("every byte", api.bytes() == &parts.body, true);
            site.expect_eq("handler runs", api.header("x-calls"), Some("1"));
            let page = post(&mut alice.clone(), &parts).accept_html().send().await;
            site.expect("browser", &page, format!("200{refreshed}"));
            site.expect_eq("handler runs", site.calls().await, 2);
        }
        Some(code) => {
            site.expect("program", &api, format!("403 {code}"));
            let page = post(&mut alice.clone(), &parts).accept_html().send().await;
            site.expect("browser", &page, "403");
            let htmx = post(&mut alice.clone(), &parts).header("hx-request", "true").send().await;
            site.expect("htmx", &htmx, format!("403 {code}"));
            site.expect_eq("handler runs", site.calls().await, 0);
            site.expect_eq("rotations", site.store.rotations(), 0);
        }
    }
}

fn settings() -> Vec<Case> {
    vec![
        Case::new("CSRF: configured names of the header and the field", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expect("header", &alice.post("/echo").header("x-check", &csrf).send().await, "200");
            site.expect("field", &alice.post("/echo").form(&[("check", &csrf)]).send().await, "200");
            site.expect("part", &alice.post("/echo").multipart(&[("check", &csrf)]).send().await, "200");
            site.expect("default header", &alice.post("/echo").csrf().send().await, "403 csrf_missing");
            let default_field = alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("default field", &default_field, "403 csrf_missing");
        })
        .configured(|builder| builder.csrf(CsrfPolicy::default().header("X-Check").field("check"))),
        Case::new("CSRF: form fields turned off", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expect("header", &alice.post("/echo").csrf().send().await, "200");
            let field = alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("field", &field, "403 csrf_missing");
        })
        .configured(|builder| builder.csrf(CsrfPolicy::default().check_forms(false))),
        Case::new("CSRF: turned off", |site| async move {
            let mut alice = site.alice().await;
            site.expect("form", &alice.post("/echo").form(&[("a", "b")]).send().await, "200");
            let foreign = alice.post("/echo").header("sec-fetch-site", "cross-site").form(&[("a", "b")]).send().await;
            site.expect("cross-site", &foreign, "403 csrf_cross_site");
        })
        .configured(|builder| builder.csrf(CsrfPolicy::default().insecure_disabled())),
        Case::new("CSRF: an attacker who sets the cookie and the field is refused", |site| async move {
            let mut alice = site.alice().await;
            alice.set_cookie_raw(&format!("{CSRF_ACCESS}=chosen; Secure; Path=/"));
            let header = alice.post("/echo").header("x-csrf-token", "chosen").send().await;
            site.expect("header", &header, "403 csrf_mismatch");
            site.expect(
                "field",
                &alice.post("/echo").form(&[("csrf_token", "chosen")]).send().await,
                "403 csrf_mismatch",
            );
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("CSRF: a refresh keeps the value", |site| async move {
            let mut alice = site.alice().await;
            let first = csrf_token(&alice);
            site.expire_access();
            let open_form = alice.post("/echo").form(&[("csrf_token", &first)]).send().await;
            site.expect("a form from before the refresh", &open_form, "200 +access +refresh");
            site.expect_eq("the value", cookie_value(&alice, CSRF_ACCESS), first);
        }),
        Case::new("CSRF: forms to routes under Require", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            for path in ["/guarded/page", "/guarded/token", "/nested/inner"] {
                site.expect(path, &alice.post(path).form(&[("csrf_token", &csrf)]).send().await, "200");
                site.expect(path, &alice.post(path).form(&[("a", "b")]).send().await, "403 csrf_missing");
            }
        }),
        Case::new("CSRF: a request without cookies is not authenticated", |site| async move {
            let refused = site.visitor().post("/echo").form(&[("a", "b")]).send().await;
            site.expect("POST", &refused, "401 missing_token");
        }),
    ]
}

//! The query parameter `next`, which names the page to return to. Its value must be a path on this site, but not a
//! route of the log-in flow, such as the log-in, log-out or refresh URL.

use hardtack::RefreshMode;

use crate::harness::{Case, RawConnection, Site, csrf_token};

/// The cases. Each case is a value of `next` and the path that the server then redirects to.
const VALUES: &[(&str, &str)] = &[
    ("/orders", "/orders"),
    ("/orders?page=2&sort=up", "/orders?page=2&sort=up"),
    ("/orders#line-3", "/orders#line-3"),
    ("/a/../b", "/b"),
    ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
    ("/?next=//evil.example", "/?next=//evil.example"),
    ("", "/"),
    ("orders", "/"),
    ("evil.example", "/"),
    ("//evil.example", "/"),
    ("///evil.example", "/"),
    ("/\\evil.example", "/"),
    ("\\\\evil.example", "/"),
    ("/.//evil.example", "/"),
    ("/x/..//evil.example", "/"),
    ("https://evil.example", "/"),
    ("https://site.example/orders", "/"),
    ("https:evil.example", "/"),
    ("javascript:alert(1)", "/"),
    ("data:text/html,x", "/"),
    ("/\t/evil.example", "/"),
    ("/\n/evil.example", "/"),
    ("/a\r\nSet-Cookie: x=y", "/"),
    ("\t//evil.example", "/"),
    (" //evil.example", "/"),
    ("/ /evil.example", "/"),
    ("@evil.example", "/"),
    ("/\u{ff0f}evil.example", "/"),
    ("/\0", "/"),
    ("/login", "/"),
    ("/login/", "/"),
    ("/%6Cogin", "/"),
    ("/x/../logout", "/"),
    ("/signup?a=b", "/"),
    ("/reauthenticate", "/"),
    ("/token/refresh?next=/orders", "/"),
];

fn percent_encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(value, target) in VALUES {
        cases.push(Case::new(format!("next: after a log-in, {value:?} redirects to {target:?}"), move |site| {
            log_in(site, value, target)
        }));
        cases.push(
            Case::new(format!("next: after a refresh, {value:?} redirects to {target:?}"), move |site| {
                refresh(site, value, target)
            })
            .configured(|builder| builder.refresh_mode(RefreshMode::Redirect)),
        );
    }
    cases.extend(after_refusals());
    cases
}

async fn log_in(site: Site, value: &'static str, target: &'static str) {
    let mut client = site.visitor();
    let form = client.get("/form").send().await;
    let token = form.json()["csrf_token"].as_str().unwrap().to_owned();
    let request = client.post(&format!("/login?next={}", percent_encoded(value))).accept_html();
    let response = request.form(&[("sub", "alice"), ("csrf_token", &token)]).send().await;
    site.expect("log-in", &response, format!("303 → {target} +access +refresh"));
}

async fn refresh(site: Site, value: &'static str, target: &'static str) {
    let alice = site.alice().await;
    let url = format!("/token/refresh?next={}", percent_encoded(value));
    let get = alice.clone().get(&url).accept_html().send().await;
    site.expect("GET", &get, format!("303 → {target} +access +refresh"));
    let csrf = csrf_token(&alice);
    let post = alice.clone().post(&url).accept_html().form(&[("csrf_token", csrf)]).send().await;
    // If `next` is allowed, the browser posts the form again to that path (307). If `next` is not allowed, the browser
    // gets the home page (303).
    let status = if target == "/" { 303 } else { 307 };
    site.expect("POST", &post, format!("{status} → {target} +access +refresh"));
}

/// Tests the `next` parameter of the log-in URL to which a refused request is redirected.
fn after_refusals() -> Vec<Case> {
    let get = |name: &'static str, target: &'static str, expected: &'static str| {
        Case::new(format!("next: {name}"), move |site| async move {
            site.expect("GET", &site.visitor().get(target).accept_html().send().await, expected);
        })
        .configured(move |builder| match target.starts_with("/token/refresh") {
            true => builder.refresh_mode(RefreshMode::Redirect),
            false => builder,
        })
    };
    let post = |name: &'static str, referer: &'static str, expected: &'static str| {
        Case::new(format!("next: a form posted from {name}"), move |site| async move {
            let mut visitor = site.visitor();
            let request = visitor.post("/protected").accept_html().header("referer", referer);
            site.expect("POST", &request.form(&[("a", "b")]).send().await, expected);
        })
    };
    vec![
        get("keeps the query", "/protected?a=b&c=%20d", "303 → /login?next=%2Fprotected%3Fa%3Db%26c%3D%2520d"),
        get(
            "keeps the full path of a nested router",
            "/nested/inner?a=b",
            "303 → /login?next=%2Fnested%2Finner%3Fa%3Db",
        ),
        get("keeps the full path under Require", "/guarded/page?a=b", "303 → /login?next=%2Fguarded%2Fpage%3Fa%3Db"),
        get(
            "keeps the page's own next parameter inside",
            "/protected?next=//evil.example",
            "303 → /login?next=%2Fprotected%3Fnext%3D%2F%2Fevil.example",
        ),
        get(
            "the refresh URL passes on its next parameter",
            "/token/refresh?next=%2Forders",
            "303 → /login?next=%2Forders",
        ),
        get("the refresh URL drops the URL of another site", "/token/refresh?next=%2F%2Fevil.example", "303 → /login"),
        post("a page of this site", "https://site.example/edit?id=1", "303 → /login?next=%2Fedit%3Fid%3D1"),
        post("another site", "https://evil.example/edit", "303 → /login"),
        post("an origin that starts with ours", "https://site.example.evil.example/edit", "303 → /login"),
        post("a path on this site that starts with two slashes", "https://site.example//evil.example", "303 → /login"),
        post("the log-in page", "https://site.example/login?next=/orders", "303 → /login"),
        Case::new("next: comes from HX-Current-URL for htmx", |site| async move {
            for (current, expected) in [
                ("https://site.example/list?p=2", "401 htmx → /login?next=%2Flist%3Fp%3D2"),
                ("https://evil.example/list", "401 htmx → /login"),
            ] {
                let mut visitor = site.visitor();
                let request = visitor.get("/protected").header("hx-request", "true").header("hx-current-url", current);
                site.expect(current, &request.send().await, expected);
            }
        }),
        Case::new("next: ignores the host of an absolute request target", |site| async move {
            let mut connection = RawConnection::open(site.address).await;
            let accept = [("Accept", "text/html")];
            connection.write_head("GET http://evil.example/protected?a=b", &accept).await;
            site.expect("GET", connection.read_response().await, "303 → /login?next=%2Fprotected%3Fa%3Db");
        }),
    ]
}

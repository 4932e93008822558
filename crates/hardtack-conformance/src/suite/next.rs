//! `next`: the page to return to is always a page of this site, and no route of the flow.

use hardtack::RefreshMode;

use super::case::Case;
use super::site::{Site, csrf_of};
use super::wire::Wire;

/// A value for `next`, and where it leads.
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

fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(value, leads_to) in VALUES {
        cases.push(Case::new(format!("next: {value:?} after a log-in"), move |site| log_in(site, value, leads_to)));
        cases.push(
            Case::new(format!("next: {value:?} after a refresh"), move |site| refresh(site, value, leads_to))
                .configured(|builder| builder.refresh_mode(RefreshMode::Redirect)),
        );
    }
    cases.extend(where_from());
    cases
}

async fn log_in(site: Site, value: &'static str, leads_to: &'static str) {
    let mut client = site.visitor();
    let form = client.get("/form").send().await;
    let token = form.json()["csrf_token"].as_str().unwrap().to_owned();
    let request = client.post(&format!("/login?next={}", encoded(value))).accept_html();
    let answer = request.form(&[("sub", "alice"), ("csrf_token", &token)]).send().await;
    site.expect("log-in", &answer, format!("303 → {leads_to} +access +refresh"));
}

async fn refresh(site: Site, value: &'static str, leads_to: &'static str) {
    let alice = site.alice().await;
    let url = format!("/token/refresh?next={}", encoded(value));
    let get = alice.clone().get(&url).accept_html().send().await;
    site.expect("GET", &get, format!("303 → {leads_to} +access +refresh"));
    let csrf = csrf_of(&alice);
    let post = alice.clone().post(&url).accept_html().form(&[("csrf_token", csrf)]).send().await;
    // Only to where it was posted does a form go on; home gets a GET.
    let status = if leads_to == "/" { 303 } else { 307 };
    site.expect("POST", &post, format!("{status} → {leads_to} +access +refresh"));
}

/// The page that a refused client comes back to.
fn where_from() -> Vec<Case> {
    let get = |name: &'static str, target: &'static str, told: &'static str| {
        Case::new(format!("next: {name}"), move |site| async move {
            site.expect("GET", &site.visitor().get(target).accept_html().send().await, told);
        })
    };
    let post = |name: &'static str, referer: &'static str, told: &'static str| {
        Case::new(format!("next: a form posted from {name}"), move |site| async move {
            let mut visitor = site.visitor();
            let request = visitor.post("/protected").accept_html().header("referer", referer);
            site.expect("POST", &request.form(&[("a", "b")]).send().await, told);
        })
    };
    vec![
        get("the query travels", "/protected?a=b&c=%20d", "303 → /login?next=%2Fprotected%3Fa%3Db%26c%3D%2520d"),
        get("a mounted route is whole", "/nested/inner?a=b", "303 → /login?next=%2Fnested%2Finner%3Fa%3Db"),
        get("a guarded route is whole", "/guarded/page?a=b", "303 → /login?next=%2Fguarded%2Fpage%3Fa%3Db"),
        get(
            "a next of the page's own travels inside",
            "/protected?next=//evil.example",
            "303 → /login?next=%2Fprotected%3Fnext%3D%2F%2Fevil.example",
        ),
        get(
            "the refresh URL hands on what it was given",
            "/token/refresh?next=%2Forders",
            "303 → /login?next=%2Forders",
        ),
        get("the refresh URL hands on nothing hostile", "/token/refresh?next=%2F%2Fevil.example", "303 → /login"),
        post("a page of ours", "https://site.example/edit?id=1", "303 → /login?next=%2Fedit%3Fid%3D1"),
        post("another site", "https://evil.example/edit", "303 → /login"),
        post("an origin that begins like ours", "https://site.example.evil.example/edit", "303 → /login"),
        post("a hostile path of ours", "https://site.example//evil.example", "303 → /login"),
        post("the log-in page", "https://site.example/login?next=/orders", "303 → /login"),
        Case::new("next: htmx says which page it is on", |site| async move {
            for (current, told) in [
                ("https://site.example/list?p=2", "401 htmx → /login?next=%2Flist%3Fp%3D2"),
                ("https://evil.example/list", "401 htmx → /login"),
            ] {
                let mut visitor = site.visitor();
                let request = visitor.get("/protected").header("hx-request", "true").header("hx-current-url", current);
                site.expect(current, &request.send().await, told);
            }
        }),
        Case::new("next: a request target in absolute form", |site| async move {
            let mut wire = Wire::open(site.address).await;
            let accept = [("Accept", "text/html")];
            wire.head("GET http://evil.example/protected?a=b", &accept).await;
            site.same("GET", site.told_of(&wire.answer().await), "303 → /login?next=%2Fprotected%3Fa%3Db".to_owned());
        }),
    ]
}

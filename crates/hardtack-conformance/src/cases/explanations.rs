//! The page that explains refusals. The adapter's layer serves this page during development.

use serde_json::json;

use crate::harness::{Case, HTTP, Site};

const PAGE: &str = "/__hardtack/why";

fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
where
    F: Future<Output = ()> + Send + 'static,
{
    Case::new(format!("explanations: {name}"), run).at_origin(HTTP).configured(|builder| builder.explain_refusals())
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("the page shows each refusal with its reason", |site| async move {
            let mut alice = site.alice().await;
            site.expect("accepted", &alice.get("/protected").send().await, "200");
            let refused = alice.post("/protected").accept_json().json(&json!({})).send().await;
            site.expect("without the CSRF value", &refused, "403 csrf_missing");
            site.expect("a visitor", &site.visitor().get("/protected").accept_json().send().await, "401 missing_token");
            let page = site.visitor().get(PAGE).accept_html().send().await;
            site.expect_eq("status", page.status().as_u16(), 200);
            let text = page.text();
            for part in ["Why was I logged out?", "GET /protected", "POST /protected", "csrf_missing", "missing_token"]
            {
                site.expect_eq(part, text.contains(part), true);
            }
            site.expect_eq("advice", text.contains("x-csrf-token"), true);
            let newest_first = text.find("missing_token") < text.find("csrf_missing");
            site.expect_eq("newest first", newest_first, true);
            for cookie in alice.cookies() {
                let shown = cookie.value.split('.').any(|part| text.contains(part));
                site.expect_eq(&format!("a part of {}", cookie.name), shown, false);
            }
            site.expect_eq("cache", page.header("cache-control"), Some("private, no-store"));
            let policy = page.header("content-security-policy").unwrap_or_default();
            site.expect_eq("policy", policy.starts_with("default-src 'none'; style-src 'sha256-"), true);
            site.expect_eq("script", text.contains("<script"), false);
            site.expect_eq("cookies", page.set_cookies().is_empty(), true);
            let again = site.visitor().get(PAGE).send().await;
            site.expect_eq("the page is not listed", again.text().contains(PAGE), false);
        }),
        case("a refreshed request shows that its token was replaced", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            site.expect("a refresh", &alice.get("/protected").send().await, "200 +access +refresh");
            let page = site.visitor().get(PAGE).send().await;
            site.expect_eq("the page", page.text().contains("has replaced the access token"), true);
        }),
        case("the page is not shown to other hosts, other sites and proxies", |site| async move {
            let mut other_site = site.visitor();
            let cross = other_site.get(PAGE).header("sec-fetch-site", "cross-site").send().await;
            site.expect_eq("another site", cross.status().as_u16(), 403);
            let proxied = other_site.get(PAGE).header("x-forwarded-for", "192.0.2.7").send().await;
            site.expect_eq("a proxy", proxied.status().as_u16(), 403);
            let rebound = other_site.get(PAGE).header("host", "evil.example").send().await;
            site.expect_eq("another host", rebound.status().as_u16(), 403);
            site.expect_eq("its text", rebound.text().contains("loopback"), true);
        }),
        Case::new("explanations: without the setting, there is no page", |site| async move {
            site.expect_eq("status", site.visitor().get(PAGE).send().await.status().as_u16(), 404);
        })
        .at_origin(HTTP),
    ]
}

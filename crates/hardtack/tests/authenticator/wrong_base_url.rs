//! A base URL that is not the address that browsers use, for example behind a proxy: the log and the explanation of a
//! refusal name the address to set.

use hardtack::client_address::TrustedProxies;
use hardtack::explain::Check;
use hardtack::{AuthenticatorBuilder, Need};

use crate::events::Log;
use crate::support::{Browser, Request, Site, log_in, page};

const BASE: &str = "http://127.0.0.1:24008";
const PAGE: &str = "https://site.example";

fn site(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    Site::with(|builder| set(builder.base_url(BASE)))
}

/// A log-in form sent by a page of this origin. The proxy replaces the request's `Host`.
fn form(origin: &str, host: &str, from: &str) -> Request {
    Request::post("/login").json().host(host).field("origin", origin).field("sec-fetch-site", from)
}

/// Sends the requests to a site, and returns the lines of the log that name the address to set.
fn logged(site: &Site, requests: impl IntoIterator<Item = Request>) -> Vec<String> {
    let mut lines = Log::of(|| {
        for request in requests {
            let response = site.send(&mut Browser::default(), request, log_in("alice"));
            assert!(response.is_refused(403, "csrf_cross_site"), "{}", response.code);
        }
    });
    lines.retain(|line| line.contains("base_url_differs"));
    lines
}

#[test]
fn the_origin_of_the_sites_own_page_is_logged_once_whatever_the_host() {
    let text = format!(
        "a request from {PAGE} was refused, because the base URL is {BASE}; if {PAGE} is the address of your site, \
         write .base_url(\"{PAGE}\")"
    );
    for host in ["127.0.0.1:24008", "127.0.0.1", "site.example", "upstream"] {
        let forms = [PAGE, PAGE, "https://evil.example"].map(|origin| form(origin, host, "same-origin"));
        let lines = logged(&site(|builder| builder), forms);
        assert!(lines.len() == 1 && lines[0].contains(&text), "{host}: {lines:#?}");
    }
}

#[test]
fn pages_of_other_sites_and_malformed_origins_are_not_logged() {
    let site = site(|builder| builder);
    let from_elsewhere = ["cross-site", "same-site", "none"].map(|from| form(PAGE, "127.0.0.1:24008", from));
    let malformed = [
        "https://site.example/\u{1b}[31m",
        "https://site.example\" ; event=\"login",
        "https://user@site.example",
        "https://SITE.example",
        "https://site.example/",
        "javascript://site.example",
        "site.example",
        "",
    ];
    let malformed = malformed.map(|origin| form(origin, "127.0.0.1:24008", "same-origin"));
    let twice = form(PAGE, "127.0.0.1:24008", "same-origin").field("origin", "https://evil.example");
    let lines = logged(&site, from_elsewhere.into_iter().chain(malformed).chain([twice]));
    assert!(lines.is_empty(), "{lines:#?}");
    // None of these requests has used up the one line.
    assert_eq!(logged(&site, [form(PAGE, "127.0.0.1:24008", "same-origin")]).len(), 1);
}

#[test]
fn the_browsers_origin_is_preferred_to_the_proxys_fields() {
    let site = site(|builder| builder.trusted_proxies(TrustedProxies::new(["192.0.2.7"]).unwrap()));
    let request =
        form("https://site.example:8443", "upstream", "same-origin").field("x-forwarded-host", "inner.example");
    let lines = Log::of(|| {
        site.respond(&Browser::default(), request, |exchange| {
            exchange.client_address();
            log_in("alice")(exchange)
        });
    });
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("base_url_differs")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("https://site.example:8443")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("://inner.example")), "{lines:#?}");
}

#[test]
fn the_explanation_names_both_addresses() {
    let site = site(AuthenticatorBuilder::explain_refusals);
    let explained = |from: &str| {
        let request =
            Request::post("/page").host("127.0.0.1:24008").field("origin", PAGE).field("sec-fetch-site", from);
        site.respond(&site.browser_of("alice"), request, page(Need::access()));
        site.auth.explanations()[0].clone()
    };
    let own = explained("same-origin");
    let step = own.refusal().unwrap();
    let text = format!("The request came from a page at \"{PAGE}\", but the base URL is \"{BASE}\".");
    assert_eq!((step.check, step.text.as_str()), (Check::Csrf, text.as_str()), "{own}");
    assert!(own.advice.as_deref().is_some_and(|advice| advice.contains(&format!(".base_url(\"{PAGE}\")"))), "{own}");
    assert!(!own.to_string().contains("another site"), "{own}");
    let other = explained("cross-site");
    assert!(other.to_string().contains("The request was started by another site."), "{other}");
}

#[test]
fn a_base_url_can_be_an_owned_string() {
    let site = Site::with(|builder| builder.base_url(format!("{PAGE}/app")));
    assert_eq!(site.auth.base_url().as_deref(), Some("https://site.example/app"));
    let plain = Site::with(|builder| builder.insecure_http_base_url(String::from("http://site.example")));
    assert_eq!(plain.auth.base_url().as_deref(), Some("http://site.example"));
}

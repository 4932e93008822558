//! What is recorded and logged, and the page that shows the explanations.

use hardtack::testing::TestRequest;
use hardtack::{Authenticator, AuthenticatorBuilder, ConfigError, KeySet, Need};

use super::{HOST, get, no_secret, post, site};
use crate::events::Log;
use crate::support::{Browser, Request, Site, key, page};

#[test]
fn twenty_requests_are_kept_and_refusals_are_logged() {
    let site = site(|builder| builder);
    let lines = Log::of(|| {
        for number in 0..25 {
            let target = format!("/page/{number}?jwt=in-the-query");
            site.respond(&Browser::default(), Request::get(&target).host(HOST), page(Need::access()));
        }
        let alice = site.browser_of("alice");
        site.respond(&alice, post(), page(Need::access()));
    });
    let explanations = site.auth.explanations();
    assert_eq!((explanations.len(), explanations[1].what.as_str()), (20, "GET /page/24"));
    let logged: Vec<_> = lines.iter().filter(|line| line.contains("refusal_explained")).collect();
    assert_eq!(logged.len(), 26);
    let last = logged[25];
    for part in ["what=POST /page", "code=csrf_missing", "check=csrf", "no CSRF token", "hidden field"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert!(lines.iter().all(|line| !line.contains("in-the-query")));
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    let site = Site::new();
    site.visit(&mut Browser::default());
    assert!(!site.auth.explains_refusals() && site.auth.explanations().is_empty());
    let page = TestRequest::new("GET", "/__hardtack/why").host(HOST).from([127, 0, 0, 1].into());
    assert!(site.auth.explanation_page(&page.head()).is_none());
}

#[test]
fn s98_refusals_are_explained_only_on_a_loopback_site() {
    let build = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| {
        set(Authenticator::builder(KeySet::new(key()))).explain_refusals().build()
    };
    for (set, named) in [
        ((|builder| builder.base_url("https://site.example")) as fn(AuthenticatorBuilder) -> _, "https://site.example"),
        (|builder| builder.base_url("https://192.0.2.1"), "https://192.0.2.1"),
        (|builder| builder.insecure_http_base_url("http://site.example"), "http://site.example"),
        (|builder| builder, "not set"),
    ] {
        let error = build(set).unwrap_err();
        assert!(matches!(error, ConfigError::ExplainsInProduction { .. }), "{error}");
        assert!(error.to_string().contains(named) && error.to_string().contains("remove explain_refusals()"));
    }
    for url in ["http://localhost:3000", "https://app.localhost", "http://127.0.0.1", "http://[::1]:3000"] {
        let built = Authenticator::builder(KeySet::new(key())).base_url(url).explain_refusals().build();
        assert!(built.is_ok(), "{url}");
    }
}

#[test]
fn s98_the_page_is_shown_only_to_a_browser_on_this_machine() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    site.advance(15 * 60);
    site.send(&mut alice, get(), page(Need::access()));
    site.respond(&alice, post(), page(Need::access()));
    let request = || TestRequest::new("GET", "/__hardtack/why").host(HOST).from([127, 0, 0, 1].into());
    let status = |request: TestRequest| site.auth.explanation_page(&request.head()).map(|reply| reply.status);
    let reply = site.auth.explanation_page(&request().head()).unwrap();
    assert_eq!(reply.status, 200);
    for part in ["POST /page", "GET /page", "csrf_missing", "What to change:"] {
        assert!(reply.body.contains(part), "{part}");
    }
    assert!(reply.body.find("POST /page") < reply.body.find("GET /page"), "newest first");
    no_secret(&reply.body, &alice);
    assert!(!reply.body.contains("<script"));
    let field = |name: &str| reply.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    assert_eq!(field("cache-control"), Some("private, no-store"));
    assert!(field("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
    assert_eq!(status(request().host("127.0.0.1:3000")), Some(200));
    assert_eq!(status(request().host("[::1]:3000").from("::1".parse().unwrap())), Some(200));
    for refused in [
        request().from([192, 0, 2, 7].into()),
        TestRequest::new("GET", "/__hardtack/why").host(HOST),
        request().field("x-forwarded-host", "localhost"),
        request().field("x-forwarded-proto", "http"),
        request().field("x-real-ip", "127.0.0.1"),
        request().field("via", "1.1 proxy"),
        request().field("cf-connecting-ip", "192.0.2.7"),
        request().host("site.example"),
        request().field("x-forwarded-for", "127.0.0.1"),
        request().field("forwarded", "for=127.0.0.1"),
        request().field("origin", "http://evil.example"),
        request().field("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(status(refused.clone()), Some(403), "{refused:?}");
    }
    let unknown = site.auth.explanation_page(&TestRequest::new("GET", "/__hardtack/why").host(HOST).head()).unwrap();
    for line in ["hardtack_axum::serve(listener, app)", "into_make_service_with_connect_info::<SocketAddr>()"] {
        assert!(unknown.body.contains(line), "{}", unknown.body);
    }
    for other in [TestRequest::new("GET", "/why"), TestRequest::new("POST", "/__hardtack/why")] {
        assert_eq!(status(other.host(HOST)), None);
    }
}

//! Explanations of missing tokens, and of the other cookies in a request.

use hardtack::cookie::CookiePrefix;
use hardtack::explain::{Check, Outcome, Verdict};
use hardtack::token_source::TokenSources;
use hardtack::{Authenticator, AuthenticatorBuilder, ConfigError, CookiePolicy, KeySet, Need, TokenLocation};

use super::{HOST, explained, explained_for, get, refused, site};
use crate::support::{Browser, Request, Site, key};

#[test]
fn a_missing_cookie_is_explained_by_what_the_request_has() {
    let https = |builder: AuthenticatorBuilder| builder.base_url("https://localhost:3000");
    let nobody = Browser::default();
    let secure = site(https);
    let plain = site(|builder| builder);
    let missing = |site: &Site, browser: &Browser, request: Request, text: &str, advice: &str| {
        refused(&explained(site, browser, request), "missing_token", Check::Token, text, advice);
    };
    missing(&plain, &nobody, get(), "no cookies at all", "credentials");
    missing(&plain, &nobody.clone().with("theme", "dark"), get(), "only other cookies (1)", "Set-Cookie");
    let http_cookie = nobody.clone().with("access_token_cookie", "a.b.c");
    missing(&secure, &http_cookie, get(), "`__Host-access_token_cookie`", "http base URL");
    missing(&secure, &http_cookie, get(), "cookie \"access_token_cookie\", whose name is similar", "http base URL");
    missing(&secure, &nobody, get().field("referer", "http://localhost:3000/x"), "over https only", "over https");
    missing(&plain, &nobody.clone().with("__Host-access_token_cookie", "a"), get(), "similar", "base URL");
    missing(&plain, &nobody, Request::get("/page").host("127.0.0.1:3000"), "127.0.0.1", "Open http://localhost:3000");
    missing(&plain, &nobody, get().field("sec-fetch-site", "cross-site"), "Another site", "same_site");
    missing(&plain, &nobody.clone().with("access_token_cookie", ""), get(), "is empty", "Log in again");
    let below = site(|builder| builder.cookies(CookiePolicy::default().access_paths(["/app"])));
    missing(&below, &nobody, get(), "its `Path` is /app", "access_paths");
    let secret = Request::get("/reset/AbCdEfGhIjKlMnOpQrStUvWxYz0123").host(HOST);
    let reset = explained(&below, &nobody, secret);
    refused(&reset, "missing_token", Check::Token, "\"/reset/AbCdEf…\"", "\"/reset/AbCdEf…\"");
    assert!(!reset.to_string().contains("AbCdEfGh"), "{reset}");
}

#[test]
fn a_similar_name_is_explained_by_how_it_differs() {
    let plain = site(|builder| builder);
    let secure = site(|builder| builder.base_url("https://localhost:3000"));
    let unprefixed = site(|builder| {
        let policy = CookiePolicy::default().prefix(CookiePrefix::None);
        builder.base_url("https://localhost:3000").cookies(policy)
    });
    let realm = site(|builder| builder.realm("shop"));
    for (site, sent, text, advice) in [
        (
            &plain,
            "Access_Token_Cookie",
            "`access_token_cookie`, and case matters",
            "Send the cookie as `access_token_cookie`",
        ),
        (&plain, "Access_Token_Cookie", "case matters", "`CookiePolicy::access_name(\"Access_Token_Cookie\")`"),
        (&secure, "__host-access_token_cookie", "case matters", "Send the cookie as `__Host-access_token_cookie`"),
        (&secure, "Access_Token_Cookie", "with a prefix", "http base URL"),
        (&unprefixed, "__Host-access_token_cookie", "without a prefix such as `__Host-` (`CookiePolicy::prefix`)", ""),
        (&plain, "__Host-access_token_cookie", "because the base URL is http", "Log in again at the base URL"),
        (&plain, "blog_access_token_cookie", "different realms", ".realm(…)"),
        (&realm, "access_token_cookie", "different realms", ".realm(…)"),
    ] {
        let explanation = explained(site, &Browser::default().with(sent, "a.b.c"), get());
        refused(&explanation, "missing_token", Check::Token, text, advice);
        assert!(!explanation.to_string().contains("a.b.c"), "{explanation}");
    }
}

#[test]
fn a_token_in_a_header_that_is_not_read_is_named() {
    let cookies_only = site(|builder| builder);
    let both = site(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let custom =
        site(|builder| builder.token_sources(TokenSources::default().header_name("X-Auth").header_type("JWT")));
    let of_route = Need::access().locations(TokenLocation::Cookies);
    let (unread, nobody) = ("this route reads tokens only from cookies", Browser::default());
    for (site, need, name, value, text, advice) in [
        (&cookies_only, Need::access(), "authorization", "Bearer a.b.c", "`Authorization: Bearer …`", "token_sources"),
        (&cookies_only, Need::access(), "authorization", "bearer a.b.c", unread, "cookie `access_token_cookie`"),
        (&both, of_route, "authorization", "Bearer a.b.c", unread, "`Need::locations`"),
        (&custom, Need::access(), "x-auth", "JWT a.b.c", "`X-Auth: JWT …`", "token_sources"),
        (&cookies_only, Need::access(), "authorization", "Basic YTpi", "no cookies at all", "Log in first"),
        (&cookies_only, Need::access(), "authorization", "Bearer ", "no cookies at all", "Log in first"),
        (&custom, Need::access(), "authorization", "Bearer a.b.c", "no cookies at all", "Log in first"),
    ] {
        let explanation = explained_for(site, &nobody, get().field(name, value), need);
        refused(&explanation, "missing_token", Check::Token, text, advice);
        assert!(!explanation.to_string().contains("a.b.c"), "{explanation}");
    }
}

#[test]
fn other_cookies_of_the_site_are_described() {
    let site = site(|builder| builder.describe_cookies([("theme", "contains the colours of the pages")]));
    let browser = Browser::default().with("theme", "dark").with("csrf_access_token", "1").with("other", "2");
    let explanation = explained(&site, &browser.with("log_in_state_AbCdEfGhIjKl", "3"), get());
    let step = explanation.refusal().map(|step| step.text.as_str()).unwrap_or_default();
    for part in [
        "only other cookies (4)",
        "The cookie `theme` contains the colours of the pages.",
        "The cookie `csrf_access_token` contains the CSRF value of the access token. Scripts send this value in the header",
        "The cookie `log_in_state_…` belongs to an unfinished log-in at another site",
    ] {
        assert!(step.contains(part), "{part}: {step}");
    }
    assert!(!step.contains("AbCdEf") && !step.contains("`other`"), "{step}");

    let of_field = site.auth.explain_cookies(b"__Host-Http-theme=dark; csrf_pre_session=1; other=2", "/", true);
    let names: Vec<_> = of_field.steps.iter().filter(|step| step.check == Check::Name).collect();
    assert_eq!(names.len(), 2, "{of_field}");
    assert!(names.iter().all(|step| step.verdict == Verdict::Skipped), "{of_field}");
    assert!(names[0].text.contains("`__Host-Http-theme` contains the colours"), "{of_field}");
    assert!(names[1].text.contains("`csrf_pre_session` protects forms"), "{of_field}");

    for (field, part) in [
        ("theme=dark; Path=/", "The cookie `theme` contains the colours"),
        ("csrf_access_token=1; Path=/", "The cookie `csrf_access_token` contains the CSRF value"),
    ] {
        let explanation = site.auth.explain_set_cookie(field, true);
        assert_eq!(explanation.outcome, Outcome::Accepted, "{explanation}");
        let has = |part: &str| explanation.steps.iter().any(|step| step.text.contains(part));
        assert!(has(part) && !has("a cookie with this name"), "{part}: {explanation}");
    }
}

/// A described name is reserved, so that no cookie of the policy can have the same name.
#[test]
fn described_cookies_are_reserved() {
    let builder = Authenticator::builder(KeySet::new(key())).describe_cookies([("theme", "contains colours")]);
    let error = builder.cookies(CookiePolicy::default().access_name("theme")).build().unwrap_err();
    assert_eq!(error, ConfigError::CookieNameReserved { name: "theme".into(), setter: "access_name" });
}

#[test]
fn another_site_is_the_cause_only_if_browsers_withhold_the_cookie() {
    use hardtack::cookie::SameSite;
    let navigation = || {
        let request = get().field("sec-fetch-site", "cross-site").field("sec-fetch-mode", "navigate");
        request.field("sec-fetch-dest", "document")
    };
    let nobody = Browser::default();
    let lax = explained(&site(|builder| builder), &nobody, navigation());
    assert!(!lax.to_string().contains("SameSite"), "browsers send Lax cookies with this request: {lax}");
    let strict = site(|builder| builder.cookies(CookiePolicy::default().same_site(SameSite::Strict)));
    let strict = explained(&strict, &nobody, navigation());
    refused(&strict, "missing_token", Check::Token, "SameSite=Strict", "SameSite::Lax");
    assert!(!strict.to_string().contains("SameSite::None"), "{strict}");
}

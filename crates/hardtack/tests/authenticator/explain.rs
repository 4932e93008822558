//! Explanations of refused requests, and the page that shows them.

use hardtack::config::ClaimsPolicy;
use hardtack::cookie::CookiePrefix;
use hardtack::explain::{Check, Explanation, Outcome, Verdict};
use hardtack::testing::TestRequest;
use hardtack::token_source::TokenSources;
use hardtack::{
    Authenticator, AuthenticatorBuilder, ConfigError, CookiePolicy, KeySet, MemorySessions, Need, RefreshMode,
    TokenLocation,
};

use crate::events::Log;
use crate::support::{Browser, Request, Site, block_on, key, page};

const HOST: &str = "localhost:3000";

/// A site in development that explains refusals.
fn site(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    site_with_keys(KeySet::new(key()), set)
}

fn site_with_keys(keys: KeySet, set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    Site::with_keys(keys, |builder| set(builder.base_url("http://localhost:3000").explain_refusals()))
}

fn get() -> Request {
    Request::get("/page").host(HOST)
}

fn post() -> Request {
    Request::post("/page").host(HOST)
}

/// Sends a request that needs an access token, and returns its explanation.
fn explained(site: &Site, browser: &Browser, request: Request) -> Explanation {
    explained_for(site, browser, request, Need::access())
}

fn explained_for(site: &Site, browser: &Browser, request: Request, need: Need) -> Explanation {
    site.respond(browser, request, page(need));
    let explanations = site.auth.explanations();
    no_secret(&explanations[0].to_string(), browser);
    explanations[0].clone()
}

/// Checks that a text contains no part of a cookie that is secret.
#[track_caller]
fn no_secret(text: &str, browser: &Browser) {
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        let value = browser.value(name).unwrap_or_default();
        for secret in value.split('.').filter(|part| part.len() > 8) {
            assert!(!text.contains(secret), "{secret} of {name} in {text}");
        }
    }
}

/// Checks which check refused a request, and that the texts contain the given parts.
#[track_caller]
fn refused(explanation: &Explanation, code: &str, check: Check, text: &str, advice: &str) {
    let step = explanation.refusal().unwrap_or_else(|| panic!("not refused: {explanation}"));
    assert_eq!((explanation.outcome.code(), step.check), (Some(code), check), "{explanation}");
    assert!(step.text.contains(text), "{text} is missing: {explanation}");
    let given = explanation.advice.as_deref().unwrap_or_default();
    assert!(given.contains(advice), "{advice} is missing: {explanation}");
    let after = explanation.steps.iter().skip_while(|step| step.verdict != Verdict::Refused).skip(1);
    assert!(after.clone().all(|step| step.verdict != Verdict::Passed || step.check == Check::Refresh), "{explanation}");
}

fn verdict(explanation: &Explanation, check: Check) -> Option<Verdict> {
    explanation.steps.iter().find(|step| step.check == check).map(|step| step.verdict)
}

#[test]
fn an_accepted_request_lists_every_check() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    let explanation = explained(&site, &alice, get());
    assert_eq!((explanation.outcome, explanation.what.as_str()), (Outcome::Accepted, "GET /page"));
    for check in [Check::Token, Check::Signature, Check::Claims, Check::Csrf, Check::Session] {
        assert_eq!(verdict(&explanation, check), Some(Verdict::Passed), "{check:?}: {explanation}");
    }
    assert_eq!(verdict(&explanation, Check::Freshness), Some(Verdict::Skipped));
    assert!(explanation.to_string().contains("user \"alice\""), "{explanation}");
    assert_eq!(site.auth.explanations().len(), 1, "a log-in is not a verification");
}

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
fn a_header_that_is_sent_twice_is_named() {
    let both = site(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let headers = site(|builder| builder.token_sources(TokenLocation::Headers));
    for site in [&both, &headers] {
        let twice = get().field("authorization", "Bearer a.b.c").field("authorization", "Bearer a.b.c");
        let explanation = explained(site, &Browser::default(), twice);
        let advice = "Send the header `Authorization` once, with one token.";
        refused(&explanation, "missing_token", Check::Token, "more than one token in the header", advice);
    }
    let alice = both.browser_of("alice");
    let csrf = alice.csrf();
    let explanation = explained(&both, &alice, Request::post("/page").csrf(&csrf).csrf(&csrf));
    let (text, advice) = ("the header with the CSRF token more than once", "Send the header `x-csrf-token` once.");
    refused(&explanation, "csrf_mismatch", Check::Csrf, text, advice);
}

#[test]
fn advice_about_a_value_that_is_no_token_names_its_place() {
    let plain = site(|builder| builder);
    let alice = plain.browser_of("alice");
    plain.advance(15 * 60);
    let bad_refresh = explained(&plain, &alice.replacing("refresh_token_cookie", "junk"), get());
    let advice = "cookie `refresh_token_cookie` and log in again. If another application sets a cookie with this name, \
                  change `CookiePolicy::refresh_name`";
    refused(&bad_refresh, "not_compact", Check::Refresh, "refresh cookie", advice);
    let bad_access = explained(&plain, &alice.replacing("access_token_cookie", "junk"), get());
    refused(&bad_access, "not_compact", Check::Signature, "three segments", "`CookiePolicy::access_name`");
    let bad_refresh = explained_for(&plain, &alice.replacing("refresh_token_cookie", "junk"), get(), Need::refresh());
    refused(&bad_refresh, "not_compact", Check::Signature, "three segments", "`CookiePolicy::refresh_name`");
    let headers = site(|builder| builder.token_sources(TokenLocation::Headers));
    let bad_header = explained(&headers, &Browser::default(), get().field("authorization", "Bearer junk"));
    refused(&bad_header, "not_compact", Check::Signature, "three segments", "Send the token that the log-in returned");
    assert!(!bad_header.to_string().contains("Delete the cookie"), "{bad_header}");
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

    for (field, of_steps, of_advice) in [
        ("theme=dark; Path=/", "The cookie `theme` contains the colours", ""),
        ("csrf_access_token=1; Path=/", "The cookie `csrf_access_token` contains the CSRF value", ""),
        ("Access_Token_Cookie=1; Path=/", "", "Case matters: the site reads `access_token_cookie`"),
        ("other=1; Path=/", "", "`access_token_cookie`"),
        ("other=1; Path=/", "", "`theme`"),
    ] {
        let explanation = site.auth.explain_set_cookie(field, true);
        assert_eq!(explanation.outcome, Outcome::Accepted, "{explanation}");
        let has = |part: &str| explanation.steps.iter().any(|step| step.text.contains(part));
        assert!(has(of_steps), "{of_steps}: {explanation}");
        let advice = explanation.advice.as_deref().unwrap_or_default();
        assert!(advice.contains(of_advice), "{of_advice}: {explanation}");
        assert_eq!(advice.contains("does not read a cookie with this name"), !of_advice.is_empty(), "{explanation}");
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

#[test]
fn a_token_of_another_key_is_explained() {
    let named = |id: &str| site_with_keys(KeySet::new(key().with_key_id(id)), |builder| builder);
    let (ours, theirs) = (named("ours"), named("theirs"));
    let foreign = explained(&ours, &theirs.browser_of("alice"), get());
    refused(&foreign, "missing_token", Check::Token, "another application on this host", "realm");
    assert!(foreign.to_string().contains("\"theirs\"") && foreign.to_string().contains("HS256 \"ours\""), "{foreign}");
    let (first, restarted) = (site(|builder| builder), site(|builder| builder));
    let forged = explained(&restarted, &first.browser_of("alice"), get());
    refused(&forged, "bad_signature", Check::Signature, "signature", "SigningKey::generate");
    let alice = restarted.browser_of("alice");
    let doubled = explained(&restarted, &alice.doubling("access_token_cookie", "a"), get());
    refused(&doubled, "duplicate_cookie", Check::Token, "2 times", "realm");
    let junk = explained(&restarted, &alice.replacing("access_token_cookie", "junk"), get());
    refused(&junk, "not_compact", Check::Signature, "three segments", "not one of this application's tokens");
}

#[test]
fn claims_that_do_not_fit_are_named() {
    let keys = KeySet::new(key());
    let of = |claims: ClaimsPolicy| site_with_keys(keys.clone(), |builder| builder.claims(claims));
    let (shop, blog) = (of(ClaimsPolicy::default().audience("shop")), of(ClaimsPolicy::default().audience("blog")));
    let other = explained(&blog, &shop.browser_of("alice"), get());
    refused(&other, "wrong_audience", Check::Claims, "\"blog\"", "decode_audience");
    assert_eq!(verdict(&other, Check::Signature), Some(Verdict::Passed));
    let ahead = of(ClaimsPolicy::default());
    ahead.advance(3600);
    let early = explained(&of(ClaimsPolicy::default()), &ahead.browser_of("alice"), get());
    assert_eq!(early.refusal().map(|step| step.check), Some(Check::Claims), "{early}");
    assert!(early.advice.as_deref().is_some_and(|advice| advice.contains("clock_skew")), "{early}");
}

#[test]
fn an_expired_token_is_explained_together_with_its_refresh() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    site.advance(15 * 60);
    let refreshed = explained(&site, &alice, get());
    assert_eq!(refreshed.outcome, Outcome::Accepted, "{refreshed}");
    assert_eq!(verdict(&refreshed, Check::Claims), Some(Verdict::Noted));
    assert_eq!(verdict(&refreshed, Check::Refresh), Some(Verdict::Passed));
    assert!(refreshed.to_string().contains("has replaced the access token"), "{refreshed}");
    let alone = explained(&site, &alice.without(&["refresh_token_cookie"]), get());
    refused(&alone, "expired", Check::Claims, "it expired", "there is no refresh token");
    site.advance(24 * 60 * 60);
    let away = explained(&site, &alice, get());
    refused(&away, "expired", Check::Claims, "it expired 24 hours ago", "refresh_lifetime");
    let unlayered = explained(&site, &alice, get().unlayered());
    assert_eq!(verdict(&unlayered, Check::Layer), Some(Verdict::Noted), "{unlayered}");
}

#[test]
fn a_refresh_by_redirect_or_by_the_client_is_explained() {
    let redirecting = site(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let alice = redirecting.browser_of("alice");
    redirecting.advance(15 * 60);
    let redirected = explained(&redirecting, &alice, get());
    refused(&redirected, "refresh_needed", Check::Refresh, "", "/token/refresh");
    let off = site(|builder| builder.refresh_mode(RefreshMode::Off));
    let alice = off.browser_of("alice");
    off.advance(15 * 60);
    refused(&explained(&off, &alice, get()), "expired", Check::Claims, "expired", "RefreshMode::Transparent");
}

#[test]
fn csrf_refusals_name_what_was_sent() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    let missing = explained(&site, &alice, post());
    refused(&missing, "csrf_missing", Check::Csrf, "no CSRF token", "`x-csrf-token`");
    let wrong = explained(&site, &alice, post().csrf("another-value"));
    refused(&wrong, "csrf_mismatch", Check::Csrf, "does not match", "Reload the page");
    let of_refresh = alice.value("csrf_refresh_token").unwrap_or_default().to_owned();
    if of_refresh != alice.csrf() {
        let mixed_up = explained(&site, &alice, post().csrf(&of_refresh));
        refused(&mixed_up, "csrf_mismatch", Check::Csrf, "does not match", "`csrf_access_token`");
    }
    let cross = post().field("origin", "http://evil.example").csrf(&alice.csrf());
    let cross = explained(&site, &alice, cross);
    refused(&cross, "csrf_cross_site", Check::Csrf, "`Origin` is \"http://evil.example\"", "trusted_origin");
    let accepted = explained(&site, &alice, post().csrf(&alice.csrf()));
    assert_eq!(accepted.outcome, Outcome::Accepted, "{accepted}");
}

#[test]
fn the_end_of_a_session_is_explained_by_what_ended_it() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    let copy = alice.clone();
    site.log_out(&mut alice);
    site.advance(5);
    let out = explained(&site, &copy, get());
    refused(&out, "revoked", Check::Session, "The user logged out 5 seconds ago", "events in the log");
    assert!(out.to_string().contains("According to the session store, the session ended 5 seconds ago"), "{out}");
    let bob = site.browser_of("bob");
    block_on(site.auth.revoke_all_sessions("bob")).unwrap();
    let ended = explained(&site, &bob, get());
    refused(&ended, "revoked", Check::Session, "ended the session", "Log in again");
    assert!(!ended.to_string().contains("logged out"), "the event belongs to another user: {ended}");
}

#[test]
fn a_session_that_the_store_has_forgotten_is_explained() {
    let keys = KeySet::new(key());
    let before = site_with_keys(keys.clone(), |builder| builder);
    let alice = before.browser_of("alice");
    let restarted = site_with_keys(keys, |builder| builder.sessions(MemorySessions::new()));
    restarted.advance(15 * 60);
    let forgotten = explained(&restarted, &alice, get());
    refused(
        &forgotten,
        "unknown_session",
        Check::Session,
        "does not know the refresh token's session",
        "MemorySessions",
    );
}

#[test]
fn a_reused_refresh_token_is_explained() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    let thief = alice.clone();
    site.advance(15 * 60);
    site.send(&mut alice, get(), page(Need::access()));
    site.send(&mut alice, get(), page(Need::access()));
    site.advance(60);
    let reused = explained(&site, &thief, get());
    refused(&reused, "refresh_reused", Check::Session, "already used", "race_window");
}

#[test]
fn other_refusals_are_explained() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    site.advance(15 * 60);
    site.send(&mut alice, get(), page(Need::access()));
    let stale = explained_for(&site, &alice, get(), Need::access().fresh());
    refused(&stale, "insufficient_user_authentication", Check::Freshness, "15 minutes", "/reauthenticate");
    site.respond(&alice, get(), |exchange| Err(exchange.forbid("Only for admins.")));
    let forbidden = site.auth.explanations().remove(0);
    refused(&forbidden, "forbidden", Check::Application, "Only for admins.", "auth.forbid");
    let junk = alice.replacing("access_token_cookie", "junk");
    let visitor = explained_for(&site, &junk, get(), Need::access().optional());
    assert_eq!(visitor.outcome, Outcome::Visitor);
    assert_eq!(visitor.refusal().map(|step| step.check), Some(Check::Signature), "{visitor}");
    let nobody = explained_for(&site, &Browser::default(), get(), Need::access().optional());
    assert_eq!((nobody.outcome, nobody.refusal()), (Outcome::Visitor, None), "{nobody}");
    let stateless = Site::stateless(|builder| builder.base_url("http://localhost:3000").explain_refusals());
    let accepted = explained(&stateless, &stateless.browser_of("alice"), get());
    assert!(accepted.to_string().contains("no session store is set"), "{accepted}");
}

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

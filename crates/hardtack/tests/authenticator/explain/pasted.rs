//! Explanations of header fields that were copied from a browser or a response.

use hardtack::cookie::CookiePrefix;
use hardtack::explain::{Check, Explanation, Outcome, Verdict};
use hardtack::{Authenticator, AuthenticatorBuilder, CookiePolicy, KeySet, RefreshMode};

use crate::support::{Browser, NOW, ORIGIN, Site, block_on, key};

/// The `Cookie` field of a browser.
fn field(browser: &Browser, site: &Site) -> String {
    use hardtack::clock::Clock;
    browser.cookies_for("/", site.clock.now()).unwrap_or_default()
}

fn step(explanation: &Explanation, check: Check) -> (Verdict, &str) {
    let step = explanation.steps.iter().find(|step| step.check == check);
    step.map(|step| (step.verdict, step.text.as_str())).unwrap_or_else(|| panic!("no {check:?} in {explanation}"))
}

#[test]
fn copied_cookies_are_explained() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let explain = |browser: &Browser| site.auth.explain_cookies(field(browser, &site).as_bytes(), "/", true);
    let valid = explain(&alice);
    assert_eq!(valid.outcome, Outcome::Accepted, "{valid}");
    assert_eq!(step(&valid, Check::Claims).0, Verdict::Passed);
    assert_eq!(step(&valid, Check::Session).0, Verdict::Skipped);
    let doubled = explain(&alice.doubling("access_token_cookie", "a"));
    assert_eq!(doubled.outcome, Outcome::Refused("duplicate_cookie"));
    let unsigned = alice.access().rsplit_once('.').unwrap().0.to_owned() + ".AAAA";
    let forged = explain(&alice.replacing("access_token_cookie", &unsigned));
    assert_eq!(forged.outcome, Outcome::Refused("bad_signature"), "{forged}");
    let other_name = site.auth.explain_cookies(format!("access_token_cookie={}", alice.access()).as_bytes(), "/", true);
    assert_eq!(other_name.outcome, Outcome::Refused("missing_token"));
    assert!(step(&other_name, Check::Token).1.contains("whose name is similar"), "{other_name}");
    site.advance(15 * 60);
    let refreshes = explain(&alice);
    assert_eq!(refreshes.outcome, Outcome::Accepted, "{refreshes}");
    assert!(step(&refreshes, Check::Refresh).1.contains("would replace the access token"), "{refreshes}");
    site.advance(24 * 60 * 60);
    assert_eq!(explain(&alice).outcome, Outcome::Refused("expired"));
    for explanation in [valid, doubled, forged, other_name, refreshes] {
        for secret in alice.access().split('.').chain(alice.refresh().split('.')) {
            assert!(!explanation.to_string().contains(secret) && !explanation.to_json().to_string().contains(secret));
        }
    }
}

#[test]
fn a_refresh_token_that_has_expired_needs_a_log_in_also_in_redirect_mode() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let alice = site.browser_of("alice");
    let pasted = alice.cookies_for("/token/refresh", NOW).unwrap();
    for (away, advice) in [(15 * 60, "redirected to \"/token/refresh\""), (24 * 60 * 60, "`.refresh_lifetime(…)` sets")]
    {
        site.advance(away);
        let explanation = site.auth.explain_cookies(pasted.as_bytes(), "/", true);
        assert_eq!(explanation.outcome, Outcome::Refused("refresh_needed"), "{explanation}");
        assert!(explanation.advice.as_ref().is_some_and(|text| text.contains(advice)), "{explanation}");
    }
}

#[test]
fn a_flawed_refresh_cookie_gives_the_code_of_the_server() {
    let site = Site::new();
    let alice = site.browser_of("alice").without(&["access_token_cookie"]);
    let name = "refresh_token_cookie";
    for (browser, code) in [
        (alice.doubling(name, "a"), "duplicate_cookie"),
        (alice.replacing(name, "junk"), "not_compact"),
        (alice.without(&[name]), "missing_token"),
    ] {
        let pasted = site.auth.explain_cookies(field(&browser, &site).as_bytes(), "/", true);
        assert_eq!(pasted.outcome, Outcome::Refused(code), "{pasted}");
        assert!(pasted.refusal().is_some() && pasted.advice.is_some(), "{pasted}");
    }
}

#[test]
fn without_keys_only_the_signature_is_unknown() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let other = Authenticator::builder(KeySet::new(key())).base_url(ORIGIN).clock(site.clock.clone()).build().unwrap();
    let explain = || other.explain_cookies(field(&alice, &site).as_bytes(), "/", false);
    let valid = explain();
    assert_eq!(valid.outcome, Outcome::Accepted, "{valid}");
    assert_eq!(step(&valid, Check::Signature).0, Verdict::Skipped);
    assert!(step(&valid, Check::Claims).1.contains("user \"alice\""));
    site.advance(15 * 60 + 24 * 60 * 60);
    let expired = explain();
    assert_eq!(expired.outcome, Outcome::Refused("expired"), "{expired}");
}

#[test]
fn a_set_cookie_field_is_explained_together_with_its_token() {
    let site = Site::new();
    let cookies = block_on(site.auth.log_in("alice")).unwrap();
    for field in cookies.iter() {
        let explanation = site.auth.explain_set_cookie(field, true);
        assert_eq!(explanation.outcome, Outcome::Accepted, "{explanation}");
        let value = field.split(['=', ';']).nth(1).unwrap();
        assert!(!explanation.to_string().contains(value), "{explanation}");
    }
    let access = cookies.iter().find(|field| field.contains("access_token_cookie")).unwrap();
    let explanation = site.auth.explain_set_cookie(access, true);
    assert_eq!(step(&explanation, Check::Signature).0, Verdict::Passed);
    assert_eq!(step(&explanation, Check::Scope).1, "Sent to site.example only, for all paths.");
    let insecure = site.auth.explain_set_cookie(&access.replace("; Secure", ""), true);
    assert_eq!(insecure.outcome, Outcome::Refused("ignored"));
    assert_eq!(insecure.refusal().map(|step| step.check), Some(Check::Name), "{insecure}");
    let json = explanation.to_json();
    assert_eq!((&json["outcome"], &json["steps"][0]["check"]), (&"accepted".into(), &"name".into()), "{json}");
}

/// Checks the step about the name in a `Set-Cookie` field that browsers accept.
#[track_caller]
fn names_noted(site: &Site, field: &str, text: &str, advice: &str) {
    let explanation = site.auth.explain_set_cookie(field, true);
    assert_eq!(explanation.outcome, Outcome::Accepted, "{explanation}");
    let noted = |step: &&hardtack::explain::Step| step.check == Check::Name && step.verdict == Verdict::Noted;
    let found = explanation.steps.iter().rfind(noted).map(|step| step.text.as_str()).unwrap_or_default();
    assert!(found.contains(text), "{text} is missing: {explanation}");
    assert!(explanation.advice.as_deref().unwrap_or_default().contains(advice), "{advice} is missing: {explanation}");
}

#[test]
fn a_set_cookie_field_with_a_similar_name_says_how_the_names_differ() {
    let site = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| Site::with(set);
    let (secure, realm) = (site(|builder| builder), site(|builder| builder.realm("shop")));
    let plain = site(|builder| builder.base_url("http://localhost:3000"));
    let unprefixed = site(|builder| builder.cookies(CookiePolicy::default().prefix(CookiePrefix::None)));
    let other = "This site does not read a cookie with this name, but it reads the cookie ";
    for (site, name, text, advice) in [
        (
            &secure,
            "access_token_cookie",
            "`__Host-access_token_cookie`, whose name is similar. The server",
            "over https",
        ),
        (
            &secure,
            "access_token_cookie",
            "with a prefix such as `__Host-`, because the base URL is https",
            "`.base_url(",
        ),
        (&secure, "refresh_token_cookie", "`__Host-Http-refresh_token_cookie`", "`.realm(…)`"),
        (&secure, "__host-csrf_access_token", "case matters", "`CookiePolicy::csrf_access_name(\"__host-csrf_access"),
        (&secure, "__Host-Http-Reauthentication_mark", "case matters", "Send the cookie as"),
        (&secure, "__Host-shop_access_token_cookie", "different realms", "`.realm(…)`"),
        (&realm, "__Host-access_token_cookie", "`__Host-shop_access_token_cookie`", "`.realm(…)`"),
        (&unprefixed, "__Host-access_token_cookie", "without a prefix such as `__Host-` (`CookiePolicy::prefix`)", ""),
    ] {
        let field = format!("{name}=secret-value; Path=/; Secure; HttpOnly; SameSite=Lax");
        names_noted(site, &field, other, "");
        names_noted(site, &field, text, advice);
        assert!(!site.auth.explain_set_cookie(&field, true).to_string().contains("secret-value"));
    }
    names_noted(&plain, "__host_access_token_cookie=1; Path=/", "different realms", "`.realm(…)`");
    let ignored = plain.auth.explain_set_cookie("__Host-access_token_cookie=1; Path=/; Secure; Domain=a", true);
    assert_eq!(ignored.outcome, Outcome::Refused("ignored"));
    assert!(ignored.to_string().contains("because the base URL is http."), "{ignored}");
    // What the browser refuses has to be changed first.
    assert!(ignored.advice.as_deref().is_some_and(|advice| advice.contains("requirements of the prefix")), "{ignored}");
}

#[test]
fn a_set_cookie_field_with_a_name_that_the_site_does_not_use_is_noted() {
    let site = Site::with(|builder| builder.describe_cookies([("theme", "contains colors")]));
    for part in [
        "neither sets nor reads a cookie with this name",
        "`__Host-access_token_cookie`",
        " and, with a prefix such as `__Host-Http-`, `theme`",
    ] {
        names_noted(&site, "other=1; Path=/; Secure; SameSite=Lax", part, "");
    }
    let unset = "This site never sets this cookie, because";
    let sliding = Site::with(|builder| builder.refresh_mode(RefreshMode::Sliding));
    for name in ["__Host-Http-refresh_token_cookie", "__Host-csrf_refresh_token"] {
        names_noted(&sliding, &format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax"), unset, "");
    }
    let hidden = Site::with(|builder| builder.cookies(CookiePolicy::default().csrf_cookies(false)));
    let csrf = "__Host-csrf_access_token=1; Path=/; Secure; SameSite=Lax";
    names_noted(&hidden, csrf, "(`CookiePolicy::csrf_cookies(false)`)", "");
    for own in [csrf, "__Host-Http-refresh_token_cookie=; Path=/; Secure; HttpOnly; SameSite=Lax"] {
        let explanation = site.auth.explain_set_cookie(own, true).to_string();
        assert!(!explanation.contains(unset) && !explanation.contains("a cookie with this name"), "{explanation}");
    }
}

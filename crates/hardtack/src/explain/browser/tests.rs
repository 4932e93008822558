//! Tests for the explanations of `Set-Cookie` fields.

use super::*;

fn explain(text: &str, base: &str) -> Explanation {
    let base = BaseUrl::parse_insecure_http(base).unwrap();
    explain_set_cookie(
        text,
        Some(&base),
        |name| name.ends_with("token"),
        SettingNames::default(),
        Timestamp::from_unix_seconds(1_000_000),
    )
}

/// If the browser ignores the field, returns the name of the check that failed. If the browser stores the cookie,
/// returns an empty string.
fn ignored_by(text: &str, base: &str) -> &'static str {
    let explanation = explain(text, base);
    let by = explanation.refusal().map(|step| step.check.name()).unwrap_or_default();
    assert_eq!(explanation.outcome.code().is_some(), !by.is_empty(), "{explanation}");
    by
}

#[test]
fn fields_that_browsers_ignore() {
    const HTTPS: &str = "https://shop.example";
    for (text, base, check) in [
        ("id=1; Path=/; Secure", HTTPS, ""),
        ("__Host-id=1; Path=/; Secure", HTTPS, ""),
        ("__Host-Http-id=1; Path=/; Secure; HttpOnly", HTTPS, ""),
        ("nothing; Path=/", HTTPS, ""),
        ("=1", HTTPS, ""),
        ("", HTTPS, "name"),
        ("=; Path=/", HTTPS, "name"),
        ("=__Host-id=1; Path=/; Secure", HTTPS, "name"),
        ("id=1\u{7f}", HTTPS, "name"),
        ("id=1; Path=/\u{1}", HTTPS, "name"),
        ("id=\t1; Path=/", HTTPS, ""),
        ("id=1; Partitioned", HTTPS, "scheme"),
        ("id=1; Partitioned; Secure", HTTPS, ""),
        ("__Host-id=1; Path=/", HTTPS, "name"),
        ("__Host-id=1; Secure", HTTPS, "name"),
        ("__Host-id=1; Path=/app; Secure", HTTPS, "name"),
        ("__Host-id=1; Path=/; Secure; Domain=shop.example", HTTPS, "name"),
        ("__Secure-id=1; Path=/", HTTPS, "name"),
        ("__Host-Http-id=1; Path=/; Secure", HTTPS, "name"),
        ("__http-id=1; Secure", HTTPS, "name"),
        ("id=1; Secure", "http://shop.example", "scheme"),
        ("id=1; Secure", "http://localhost:3000", ""),
        ("id=1; Domain=.shop.example", HTTPS, ""),
        ("id=1; Domain=example.org", HTTPS, "scope"),
        ("id=1; Domain=hop.example", HTTPS, "scope"),
        ("id=1; Domain=example", HTTPS, "scope"),
        ("id=1; Domain=shop.example", "https://www.shop.example", ""),
        ("id=1; Domain=1", "http://127.0.0.1", "scope"),
        ("id=1; Domain=co.uk", "https://shop.co.uk", "scope"),
        ("id=1; Domain=.CO.UK", "https://shop.co.uk", "scope"),
        ("id=1; Domain=shop.co.uk", "https://www.shop.co.uk", ""),
        ("id=1; Domain=github.io", "https://alice.github.io", "scope"),
        ("id=1; Domain=github.io", "https://github.io", ""),
        ("id=1; Domain=com.py", "https://shop.com.py", ""),
        ("id=1; Domain=localhost", "http://localhost:3000", ""),
        ("id=1; SameSite=None", HTTPS, "same_site"),
        ("id=1; SameSite=None; Secure", HTTPS, ""),
    ] {
        assert_eq!(ignored_by(text, base), check, "{text} from {base}");
    }
}

#[test]
fn every_attribute_is_put_into_words() {
    let text = |field: &str, check: Check| {
        let explanation = explain(field, "https://shop.example");
        let step = explanation.steps.into_iter().find(|step| step.check == check).unwrap();
        (step.verdict, step.text)
    };
    let starts = |field, check, verdict, start: &str| {
        let (found, words) = text(field, check);
        assert!(found == verdict && words.contains(start), "{field}: {found:?} {words}");
    };
    starts("id=1; Path=/a", Check::Scope, Verdict::Passed, "shop.example only, for \"/a\" and the paths below it");
    starts("id=1; Path=/; Domain=shop.example", Check::Scope, Verdict::Passed, "\"shop.example\" and all its sub");
    starts("id=1", Check::Scope, Verdict::Noted, "or below the directory of the request");
    starts("id=1; Path=/; Path=a", Check::Scope, Verdict::Noted, "or below the directory of the request");
    for (domain, base) in [("github.io", "https://github.io"), ("127.0.0.1", "http://127.0.0.1")] {
        let words = explain(&format!("id=1; Path=/; Domain={domain}"), base).to_string();
        assert!(words.contains(&format!("Sent to \"{domain}\" only")), "{words}");
    }
    let (verdict, words) = explain("id=1; Domain=com.py", "https://shop.com.py")
        .steps
        .into_iter()
        .find(|step| step.check == Check::Scope)
        .map(|step| (step.verdict, step.text))
        .unwrap();
    assert!(verdict == Verdict::Noted && words.contains("if \"com.py\" is a public suffix"), "{words}");
    starts("nothing", Check::Name, Verdict::Noted, "an empty name");
    starts("id=1", Check::Scheme, Verdict::Noted, "unencrypted");
    starts("id=1", Check::SameSite, Verdict::Noted, "no SameSite");
    starts("id=1; samesite=strict", Check::SameSite, Verdict::Passed, "Strict");
    starts("id=1; Max-Age=0", Check::Lifetime, Verdict::Noted, "deletes");
    starts("id=1; Max-Age=900", Check::Lifetime, Verdict::Passed, "15 minutes");
    starts("id=1; Max-Age=99999999999", Check::Lifetime, Verdict::Passed, "400 days");
    starts("id=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Check::Lifetime, Verdict::Noted, "deletes");
    starts("id=1", Check::Lifetime, Verdict::Passed, "until the browser is closed");
    starts("a_token=1", Check::Name, Verdict::Noted, "lacks HttpOnly");
    starts("a_token=1; HttpOnly", Check::Name, Verdict::Passed, "cannot read");
}

#[test]
fn the_advice_is_that_of_the_step_that_refuses() {
    let advice = |field: &str, base: &str| explain(field, base).advice.unwrap_or_default();
    // The first noted step has advice as well (Secure is missing).
    assert!(advice("id=1; Path=/; Domain=other.example", "https://shop.example").contains("Domain"));
    let insecure = advice("id=1; Path=/", "https://shop.example");
    assert!(insecure.contains("Add Secure") && !insecure.contains("base URL"), "{insecure}");
    let secure = advice("id=1; Path=/; Secure", "http://localhost:3000");
    assert!(secure.contains("Remove `CookiePolicy::secure(true)`") && !secure.contains("an http base"), "{secure}");
}

#[test]
fn advice_names_settings_as_the_program_does() {
    let program = SettingNames::new(|code| match code {
        "base_url" => Some("--base-url".to_owned()),
        "CookiePolicy::domain" => Some("COOKIE_DOMAIN".to_owned()),
        "CookiePolicy::same_site" => Some("COOKIE_SAMESITE".to_owned()),
        _ => None,
    });
    const HTTPS: Option<&str> = Some("https://shop.example");
    for (field, base, of_api, of_program) in [
        ("id=1; Domain=other.example", HTTPS, "(`CookiePolicy::domain`)", "(`COOKIE_DOMAIN`)"),
        ("id=1; Domain=co.uk; Secure", None, "(`CookiePolicy::domain`)", "(`COOKIE_DOMAIN`)"),
        ("id=1; Path=/; SameSite=None", HTTPS, "(`CookiePolicy::same_site`)", "(`COOKIE_SAMESITE`)"),
        ("__Host-id=1", HTTPS, "the domain (`CookiePolicy::prefix`).", "the domain."),
        ("id=1; Path=/", HTTPS, "remove `CookiePolicy::secure(false)`.", "Add Secure."),
        ("id=1; Path=/", None, "(`.base_url(…)`)", "URL (`--base-url`), so that Hardtack sets Secure cookies."),
        ("id=1; Secure", Some("http://shop.example"), "URL (`.base_url(…)`).", "URL (`--base-url`)."),
        ("id=1; Path=/; Secure", Some("http://localhost"), "`CookiePolicy::secure(true)`", "Leave out Secure while"),
    ] {
        let base = base.map(|base| BaseUrl::parse_insecure_http(base).unwrap());
        let advice = |names| {
            let at = Timestamp::from_unix_seconds(1_000_000);
            explain_set_cookie(field, base.as_ref(), |_| false, names, at).advice.unwrap_or_default()
        };
        let (api, own) = (advice(SettingNames::default()), advice(program));
        assert!(api.contains(of_api), "{field}: {api}");
        assert!(own.ends_with(of_program) || own.contains(of_program), "{field}: {own}");
        assert!(!own.contains("::") && !own.contains("(…)"), "{field}: {own}");
    }
}

#[test]
fn the_value_is_not_repeated() {
    assert!(!explain("secret-value; Path=/", "https://shop.example").to_string().contains("secret-value"));
    let explanation = explain("id=secret-value; Path=/; Secure", "https://shop.example");
    assert!(!explanation.to_string().contains("secret-value"));
    assert!(!explain("__Host-id=secret-value", "https://shop.example").to_string().contains("secret-value"));
}

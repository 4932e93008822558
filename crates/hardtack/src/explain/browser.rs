//! What a browser does with a `Set-Cookie` field from the site (RFC 6265bis §5.7 and §5.8).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Check, Explanation, Outcome, Step, Verdict, cookie_field::quoted, when};
use crate::base_url::BaseUrl;
use crate::clock::Timestamp;
use crate::cookie::{PublicSuffix, StoredCookie, public_suffix};

/// The longest time that browsers keep a cookie: 400 days (RFC 6265bis §5.5).
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Advice about a `Domain` that browsers refuse.
const OWN_DOMAIN: &str = "Set the Domain to the site's own domain, or leave out the Domain (CookiePolicy::domain).";

/// The code of a field that browsers ignore.
const IGNORED: &str = "ignored";

/// Explains what a browser does with a `Set-Cookie` field from the site at `base`. If `base` is `None`, assumes an
/// https site.
///
/// `secret` takes a cookie's name and returns whether that cookie contains a secret that scripts must not read.
pub(crate) fn explain_set_cookie(
    text: &str,
    base: Option<&BaseUrl>,
    secret: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Explanation {
    let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
    // A field without `=` contains only a value, which may be secret.
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (name.trim(), value.trim());
    let mut explanation = Explanation {
        at: now,
        what: format!("Set-Cookie {}", quoted(name)),
        outcome: Outcome::Accepted,
        steps: Vec::new(),
        advice: None,
    };
    let clock = UNIX_EPOCH + Duration::from_secs(u64::try_from(now.unix_seconds()).unwrap_or_default());
    let mut ignored = |text: &str, advice: &str| {
        explanation.steps.push(Step::new(Check::Name, Verdict::Refused, text));
        explanation.outcome = Outcome::Refused(IGNORED);
        explanation.advice = Some(advice.to_owned());
    };
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        ignored(
            "Browsers ignore this field, because it contains a control character.",
            "Leave out control characters, such as line breaks, or encode the value.",
        );
        return explanation;
    }
    let cookie = match name {
        // The parser requires a name.
        "" => StoredCookie::parse_at(&format!("-={value};{attributes}"), "/", clock)
            .filter(|_| !value.is_empty() && !has_prefix(value))
            .map(|mut cookie| {
                cookie.name.clear();
                cookie
            }),
        _ => StoredCookie::parse_at(text, "/", clock),
    };
    let Some(cookie) = cookie else {
        ignored(
            "Browsers ignore this field. Either it has neither a name nor a value, or it has no name and its value \
             begins with a prefix such as `__Host-`, or its name and value together have more than 4096 bytes.",
            "Send a name and a value (`name=value`) that together have at most 4096 bytes.",
        );
        return explanation;
    };
    let browser = Browser { cookie: &cookie, base, is_secret: secret(&cookie.name), now: clock };
    let steps = [browser.name(), browser.scheme(), browser.scope(), browser.same_site(), browser.lifetime()];
    let (mut of_refused, mut of_noted) = (None, None);
    for (step, advice) in steps {
        if step.verdict == Verdict::Refused {
            explanation.outcome = Outcome::Refused(IGNORED);
            of_refused = of_refused.or(advice);
        } else {
            of_noted = of_noted.or(advice);
        }
        explanation.steps.push(step);
    }
    let advice = if explanation.outcome == Outcome::Accepted { of_noted } else { of_refused };
    explanation.advice = advice.map(str::to_owned);
    explanation
}

/// Returns whether a value begins with a prefix that browsers enforce in names. A cookie without a name must not have
/// such a value, because servers would read the value as a name.
fn has_prefix(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["__host-", "__http-", "__secure-"].iter().any(|prefix| value.starts_with(prefix))
}

/// A browser that receives a cookie from the site.
struct Browser<'a> {
    cookie: &'a StoredCookie,
    base: Option<&'a BaseUrl>,
    is_secret: bool,
    now: SystemTime,
}

/// A step, and advice about what to change.
type Finding = (Step, Option<&'static str>);

impl Browser<'_> {
    fn is_https(&self) -> bool {
        self.base.is_none_or(BaseUrl::is_https)
    }

    /// Checks the name and its prefix.
    fn name(&self) -> Finding {
        if self.cookie.name.is_empty() {
            let text =
                "The field has no name, so browsers store the cookie with an empty name and send only its value.";
            return (Step::new(Check::Name, Verdict::Noted, text), Some("Send a name and a value (`name=value`)."));
        }
        let name = quoted(&self.cookie.name);
        let missing = self.cookie.missing_for_prefix();
        if !missing.is_empty() {
            let text = format!(
                "Browsers ignore this cookie, because the name {name} has a prefix that requires {}.",
                missing.join(" and ")
            );
            let advice = "Meet the requirements of the prefix, or let Hardtack set the cookie. Hardtack chooses the \
                          prefix based on the base URL, the path and the domain (CookiePolicy::prefix).";
            return (Step::new(Check::Name, Verdict::Refused, text), Some(advice));
        }
        let scripts = match (self.cookie.http_only, self.is_secret) {
            (true, _) => "Scripts cannot read the cookie (HttpOnly).",
            (false, true) => "The field lacks HttpOnly, so scripts can read the token.",
            (false, false) => "Scripts can read the cookie.",
        };
        let verdict = if self.is_secret && !self.cookie.http_only { Verdict::Noted } else { Verdict::Passed };
        (Step::new(Check::Name, verdict, format!("Browsers accept the name {name}. {scripts}")), None)
    }

    /// Returns whether the field has a `Path` that browsers accept. If the field contains several paths, the last one
    /// counts.
    fn has_path(&self) -> bool {
        let attributes = self.cookie.raw.split(';').skip(1).map(|text| text.split_once('=').unwrap_or((text, "")));
        let paths = attributes.filter(|(key, _)| key.trim().eq_ignore_ascii_case("path"));
        paths.last().is_some_and(|(_, path)| path.trim().starts_with('/'))
    }

    /// Checks the attribute `Secure`.
    fn scheme(&self) -> Finding {
        if self.cookie.partitioned && !self.cookie.secure {
            let text = "Browsers ignore this cookie, because Partitioned requires Secure.";
            return (Step::new(Check::Scheme, Verdict::Refused, text), Some("Add Secure, or leave out Partitioned."));
        }
        let is_loopback = self.base.is_some_and(BaseUrl::is_loopback);
        match (self.cookie.secure, self.is_https()) {
            (true, true) => (Step::new(Check::Scheme, Verdict::Passed, "Sent only over https (Secure)."), None),
            (true, false) if is_loopback => {
                let text = "The cookie is Secure, but the base URL is http. Chromium and Firefox make an exception for \
                            loopback addresses; other browsers, such as Safari, ignore the cookie.";
                let advice = "Remove CookiePolicy::secure(true), so that Hardtack sets cookies without Secure while \
                              the base URL is http. Or serve the site over https, and set an https base URL.";
                (Step::new(Check::Scheme, Verdict::Noted, text), Some(advice))
            }
            (true, false) => {
                let text = "Browsers ignore this cookie, because it is Secure but the base URL is http.";
                let advice = "Serve the site over https, and set the https address as the base URL.";
                (Step::new(Check::Scheme, Verdict::Refused, text), Some(advice))
            }
            (false, true) => {
                let text = "The field lacks Secure, so the cookie is also sent over unencrypted http.";
                let advice = match self.base {
                    Some(_) => "Add Secure. If Hardtack sets the cookie, remove CookiePolicy::secure(false).",
                    None => {
                        "Set an https base URL, so that Hardtack sets Secure cookies, and remove \
                         CookiePolicy::secure(false)."
                    }
                };
                (Step::new(Check::Scheme, Verdict::Noted, text), Some(advice))
            }
            (false, false) => {
                (Step::new(Check::Scheme, Verdict::Passed, "Also sent over http, because the base URL is http."), None)
            }
        }
    }

    /// Checks the attributes `Domain` and `Path`.
    fn scope(&self) -> Finding {
        let (path, host) = (&self.cookie.path, self.base.map(BaseUrl::host));
        let has_path = self.has_path();
        let paths = match path.as_str() {
            _ if !has_path => "URLs in or below the directory of the request's path. The field has no Path that \
                               begins with /"
                .to_owned(),
            "/" => "all paths".to_owned(),
            path => format!("{} and the paths below it", quoted(path)),
        };
        let stored = |text: String| match has_path {
            true => (Step::new(Check::Scope, Verdict::Passed, text), None),
            false => {
                let advice = "Add a Path, such as Path=/. Without a Path, a response to /account/login sets a cookie \
                              that browsers send only to /account and the paths below it.";
                (Step::new(Check::Scope, Verdict::Noted, text), Some(advice))
            }
        };
        let Some(domain) = self.cookie.domain.as_deref() else {
            let host = host.unwrap_or("the host that sets it");
            return stored(format!("Sent to {host} only, for {paths}."));
        };
        let is_ip = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
        let covers = |host: &str| {
            // A parent domain without a dot is a top-level domain, which browsers do not accept as a cookie's Domain.
            let is_parent = domain.contains('.') && host.ends_with(&format!(".{domain}"));
            host == domain || (is_parent && !is_ip(host))
        };
        match host {
            Some(host) if !covers(host) => {
                let text = format!(
                    "Browsers ignore this cookie, because its Domain is {}. The Domain must be the host {host} of the \
                     base URL, or a parent domain of this host.",
                    quoted(domain)
                );
                (Step::new(Check::Scope, Verdict::Refused, text), Some(OWN_DOMAIN))
            }
            // If the host itself is a public suffix, browsers store the cookie for this host only. An IP address has no
            // subdomains.
            Some(host) if host == domain && (public_suffix(domain) == PublicSuffix::Yes || is_ip(host)) => {
                stored(format!("Sent to {} only, for {paths}.", quoted(domain)))
            }
            Some(host) if host == domain => {
                stored(format!("Sent to {} and all its subdomains, for {paths}.", quoted(domain)))
            }
            None if domain == "localhost" => stored(format!("Sent to \"localhost\" only, for {paths}.")),
            _ if public_suffix(domain) == PublicSuffix::Yes => {
                let text = format!(
                    "Browsers ignore this cookie, because its Domain {} is a public suffix: anyone can register names \
                     under it.",
                    quoted(domain)
                );
                (Step::new(Check::Scope, Verdict::Refused, text), Some(OWN_DOMAIN))
            }
            _ if public_suffix(domain) == PublicSuffix::Perhaps => {
                let text = format!(
                    "Sent to {0} and all its subdomains, for {paths}. But if {0} is a public suffix, under which \
                     anyone can register names, browsers ignore this cookie.",
                    quoted(domain)
                );
                let advice = "Look up the Domain in the list of public suffixes at https://publicsuffix.org.";
                (Step::new(Check::Scope, Verdict::Noted, text), Some(advice))
            }
            _ => stored(format!("Sent to {} and all its subdomains, for {paths}.", quoted(domain))),
        }
    }

    /// Checks the attribute `SameSite`.
    fn same_site(&self) -> Finding {
        let value = self.cookie.same_site.as_deref().unwrap_or_default();
        let (verdict, text) = match value.to_ascii_lowercase().as_str() {
            "none" if !self.cookie.secure => {
                (Verdict::Refused, "Browsers ignore this cookie, because SameSite=None requires Secure.")
            }
            "none" => (Verdict::Passed, "Also sent with requests that other sites start (SameSite=None)."),
            "strict" => (
                Verdict::Passed,
                "Not sent with requests that other sites start. If the user follows a link on another site, the \
                 cookie is not sent either (SameSite=Strict).",
            ),
            "lax" => (
                Verdict::Passed,
                "Sent if the user follows a link on another site. Not sent with forms that other sites POST, or with \
                 requests from their scripts and frames (SameSite=Lax).",
            ),
            _ => (
                Verdict::Noted,
                "The field has no SameSite value that browsers recognize. Chromium treats the cookie as Lax. Other \
                 browsers may send the cookie with requests that other sites start.",
            ),
        };
        let advice = (verdict == Verdict::Refused).then_some("Add Secure, or choose another CookiePolicy::same_site.");
        (Step::new(Check::SameSite, verdict, text), advice)
    }

    /// Checks the attributes `Max-Age` and `Expires`.
    fn lifetime(&self) -> Finding {
        let passed = |text: String| (Step::new(Check::Lifetime, Verdict::Passed, text), None);
        if self.cookie.is_deletion() {
            let text = "The field deletes the cookie, because its Max-Age is not positive or its Expires date has \
                        passed. Browsers delete only a cookie with the same name, Domain and Path.";
            return (Step::new(Check::Lifetime, Verdict::Noted, text), None);
        }
        let Some(end) = self.cookie.expiry() else {
            return passed(
                "Kept until the browser is closed, because the field has neither Max-Age nor Expires.".to_owned(),
            );
        };
        let left = end.duration_since(self.now).unwrap_or_default();
        match left > LONGEST {
            true => passed("Kept for 400 days, the longest time that browsers allow.".to_owned()),
            false => passed(format!("Kept for {}.", when::span(left))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(text: &str, base: &str) -> Explanation {
        let base = BaseUrl::parse_insecure_http(base).unwrap();
        explain_set_cookie(text, Some(&base), |name| name.ends_with("token"), Timestamp::from_unix_seconds(1_000_000))
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
        assert!(secure.contains("Remove CookiePolicy::secure(true)") && !secure.contains("an http base"), "{secure}");
    }

    #[test]
    fn the_value_is_not_repeated() {
        assert!(!explain("secret-value; Path=/", "https://shop.example").to_string().contains("secret-value"));
        let explanation = explain("id=secret-value; Path=/; Secure", "https://shop.example");
        assert!(!explanation.to_string().contains("secret-value"));
        assert!(!explain("__Host-id=secret-value", "https://shop.example").to_string().contains("secret-value"));
    }
}

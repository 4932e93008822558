//! What a browser does with a `Set-Cookie` field from the site (RFC 6265bis §5.7 and §5.8).

mod scope;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Check, Explanation, Outcome, Step, Verdict, quoted, when};
use crate::base_url::BaseUrl;
use crate::clock::Timestamp;
use crate::config::SettingNames;
use crate::cookie::StoredCookie;

/// The longest time that browsers keep a cookie: 400 days (RFC 6265bis §5.5).
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The code of a field that browsers ignore.
const IGNORED: &str = "ignored";

/// Explains what a browser does with a `Set-Cookie` field from the site at `base`. If `base` is `None`, assumes an
/// https site.
///
/// `secret` takes a cookie's name and returns whether that cookie contains a secret that scripts must not read. Advice
/// refers to settings by these `names`.
pub(crate) fn explain_set_cookie(
    text: &str,
    base: Option<&BaseUrl>,
    secret: impl Fn(&str) -> bool,
    names: SettingNames,
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
    let browser = Browser { cookie: &cookie, base, is_secret: secret(&cookie.name), names, now: clock };
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
    explanation.advice = if explanation.outcome == Outcome::Accepted { of_noted } else { of_refused };
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
    names: SettingNames,
    now: SystemTime,
}

/// A step, and advice about what to change.
type Finding = (Step, Option<String>);

impl Browser<'_> {
    fn is_https(&self) -> bool {
        self.base.is_none_or(BaseUrl::is_https)
    }

    /// Checks the name and its prefix.
    fn name(&self) -> Finding {
        if self.cookie.name.is_empty() {
            let text =
                "The field has no name, so browsers store the cookie with an empty name and send only its value.";
            return (
                Step::new(Check::Name, Verdict::Noted, text),
                Some("Send a name and a value (`name=value`).".to_owned()),
            );
        }
        let name = quoted(&self.cookie.name);
        let missing = self.cookie.missing_for_prefix();
        if !missing.is_empty() {
            let text = format!(
                "Browsers ignore this cookie, because the name {name} has a prefix that requires {}.",
                missing.join(" and ")
            );
            let setting = self.names.find("CookiePolicy::prefix").map(|name| format!(" ({name})")).unwrap_or_default();
            let advice = format!(
                "Meet the requirements of the prefix, or let Hardtack set the cookie. Hardtack chooses the prefix \
                 based on the base URL, the path and the domain{setting}."
            );
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

    /// Checks the attribute `Secure`.
    fn scheme(&self) -> Finding {
        if self.cookie.partitioned && !self.cookie.secure {
            let text = "Browsers ignore this cookie, because Partitioned requires Secure.";
            return (
                Step::new(Check::Scheme, Verdict::Refused, text),
                Some("Add Secure, or leave out Partitioned.".to_owned()),
            );
        }
        let base_url = self.names.of(".base_url(…)");
        let is_loopback = self.base.is_some_and(BaseUrl::is_loopback);
        match (self.cookie.secure, self.is_https()) {
            (true, true) => (Step::new(Check::Scheme, Verdict::Passed, "Sent only over https (Secure)."), None),
            (true, false) if is_loopback => {
                let text = "The cookie is Secure, but the base URL is http. Chromium and Firefox make an exception for \
                            loopback addresses; other browsers, such as Safari, ignore the cookie.";
                let without = match self.names.find("CookiePolicy::secure(true)") {
                    Some(setting) => format!("Remove {setting}, so that Hardtack sets cookies without Secure while"),
                    None => "Leave out Secure while".to_owned(),
                };
                let advice = format!(
                    "{without} the base URL is http. Or serve the site over https, and set an https base URL \
                     ({base_url})."
                );
                (Step::new(Check::Scheme, Verdict::Noted, text), Some(advice))
            }
            (true, false) => {
                let text = "Browsers ignore this cookie, because it is Secure but the base URL is http.";
                let advice =
                    format!("Serve the site over https, and set the https address as the base URL ({base_url}).");
                (Step::new(Check::Scheme, Verdict::Refused, text), Some(advice))
            }
            (false, true) => {
                let text = "The field lacks Secure, so the cookie is also sent over unencrypted http.";
                let advice = match (self.base, self.names.find("CookiePolicy::secure(false)")) {
                    (Some(_), Some(setting)) => format!("Add Secure. If Hardtack sets the cookie, remove {setting}."),
                    (Some(_), None) => "Add Secure.".to_owned(),
                    (None, Some(setting)) => format!(
                        "Set an https base URL ({base_url}), so that Hardtack sets Secure cookies, and remove \
                         {setting}."
                    ),
                    (None, None) => {
                        format!("Set an https base URL ({base_url}), so that Hardtack sets Secure cookies.")
                    }
                };
                (Step::new(Check::Scheme, Verdict::Noted, text), Some(advice))
            }
            (false, false) => {
                (Step::new(Check::Scheme, Verdict::Passed, "Also sent over http, because the base URL is http."), None)
            }
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
        let advice = (verdict == Verdict::Refused).then(|| {
            let setting = self.names.of("CookiePolicy::same_site");
            format!("Add Secure, or choose another value for SameSite ({setting}).")
        });
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

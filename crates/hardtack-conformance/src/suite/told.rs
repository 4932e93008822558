//! A response in one line, and the rules that hold of every response.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::client::Response;
use crate::jar::StoredCookie;

/// What no client may ever be told: the text of the store's and the look-up's errors.
pub(super) const SECRET: &str = "details nobody outside may see";

const OWN_COOKIES: [&str; 5] =
    ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token", "csrf_pre_session"];

/// A response, however it was read.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), body: response.bytes().clone() }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Every cookie that is set, under its bare name.
    fn cookies(&self) -> Vec<(String, StoredCookie)> {
        let values = self.headers.get_all("set-cookie").iter();
        let cookies = values.filter_map(|value| StoredCookie::parse(value.to_str().ok()?, "/"));
        cookies.map(|cookie| (bare(&cookie.name).to_owned(), cookie)).collect()
    }

    fn is_problem(&self) -> bool {
        self.text("content-type") == Some("application/problem+json")
    }

    /// What is wrong with it, whatever it answers.
    pub(super) fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut rule = |holds: bool, text: &str| {
            if !holds {
                broken.push(format!("{text}: {} {:?}", self.status, self.headers));
            }
        };
        let cookies = self.cookies();
        if cookies.iter().any(|(name, _)| OWN_COOKIES.contains(&name.as_str())) {
            let all: Vec<_> = self.headers.get_all("cache-control").iter().collect();
            rule(all == ["private, no-store"], "a response that sets cookies is kept by no cache");
        }
        let mut places: Vec<_> = cookies.iter().map(|(_, cookie)| (&cookie.name, &cookie.path)).collect();
        places.sort_unstable();
        rule(places.windows(2).all(|pair| pair[0] != pair[1]), "no cookie is set twice (RFC 6265 §4.1.1)");
        if let Some(location) = self.text("location") {
            rule(location.starts_with('/') && !location.starts_with("//"), "a redirect stays on this origin");
        }
        rule(!String::from_utf8_lossy(&self.body).contains(SECRET), "an inner error is not told");
        if self.is_problem() {
            let problem = self.json();
            let text = |member: &str| problem[member].as_str().is_some_and(|text| !text.is_empty());
            rule(["type", "title", "detail", "code", "msg"].into_iter().all(text), "a problem has all its members");
            rule(problem["status"] == self.status.as_u16(), "a problem names its status (RFC 9457 §3.1.2)");
            rule(problem["msg"] == problem["detail"], "clients of Flask-JWT-Extended read msg");
            let challenge = self.text("www-authenticate").unwrap_or_default();
            rule(
                challenge.starts_with("Bearer") == (self.status == 401),
                "a 401, and nothing else, has a challenge (RFC 9110 §15.5.2)",
            );
        }
        broken
    }
}

/// The name without `__Host-` or `__Secure-`.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix("__Host-").or_else(|| name.strip_prefix("__Secure-")).unwrap_or(name)
}

/// `401 missing_token`, `303 → /login?next=%2Fprotected`, `200 +access +refresh`: the status, where to or
/// why, and which token cookies are set (`+`) or deleted (`-`).
pub(super) fn told(answer: &Answer) -> String {
    let mut line = answer.status.as_u16().to_string();
    if let Some(location) = answer.text("location") {
        line += &format!(" → {location}");
    } else if let Some(location) = answer.text("hx-redirect") {
        line += &format!(" htmx → {location}");
    } else if answer.is_problem() {
        line += &format!(" {}", answer.json()["code"].as_str().unwrap_or("without a code"));
    }
    let mut seen = Vec::new();
    for (name, cookie) in answer.cookies() {
        let Some(kind) = name.strip_suffix("_token_cookie") else { continue };
        let word = format!(" {}{kind}", if cookie.is_deletion() { '-' } else { '+' });
        // One for each path.
        if !seen.contains(&word) {
            line += &word;
            seen.push(word);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Answer, told};

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers: HeaderMap = headers.iter().map(pair).collect();
        Answer { status: status.try_into().unwrap(), headers, body: body.into() }
    }

    #[test]
    fn one_line() {
        assert_eq!(told(&answer(200, &[("set-cookie", "theme=dark")], "")), "200");
        let set = ("set-cookie", "__Host-access_token_cookie=a; Path=/");
        assert_eq!(told(&answer(303, &[("location", "/a"), set], "")), "303 → /a +access");
        let unset = ("set-cookie", "refresh_token_cookie=; Max-Age=0; Path=/");
        let problem = ("content-type", "application/problem+json");
        assert_eq!(told(&answer(401, &[unset, problem], "{\"code\":\"expired\"}")), "401 expired -refresh");
        assert_eq!(told(&answer(401, &[("hx-redirect", "/a")], "")), "401 htmx → /a");
    }

    #[test]
    fn rules_of_every_response() {
        let broken = |headers: &[_], body| answer(401, headers, body).broken_rules().len();
        let set = ("set-cookie", "access_token_cookie=a; Path=/");
        let kept = ("cache-control", "private, no-store");
        assert_eq!(broken(&[set, kept], ""), 0);
        assert_eq!(broken(&[set], ""), 1, "a cache keeps it");
        assert_eq!(broken(&[set, kept, ("cache-control", "public")], ""), 1, "two wishes");
        assert_eq!(broken(&[set, set, kept], ""), 1, "set twice");
        assert_eq!(broken(&[("location", "//evil.example")], ""), 1, "another origin");
        assert_eq!(broken(&[], "details nobody outside may see"), 1, "an inner error");
        assert_eq!(broken(&[("content-type", "application/problem+json")], "{}"), 3, "an empty problem");
    }
}

//! Describes a response in one line, and checks the rules that every response must follow.

use bytes::Bytes;
use hardtack::testing::{FailingSessions, StoredCookie};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::client::Response;

const OWN_COOKIES: [&str; 5] =
    ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token", "csrf_pre_session"];

/// A response that was read by [`Client`](crate::Client), a raw connection or an HTTP/2 client.
#[derive(Clone, Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl From<&Response> for RawResponse {
    fn from(response: &Response) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), body: response.bytes().clone() }
    }
}

impl From<&Self> for RawResponse {
    fn from(response: &Self) -> Self {
        response.clone()
    }
}

impl RawResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns every cookie that the response sets or deletes, together with the cookie's name
    /// [without its prefix](without_prefix).
    fn cookies(&self) -> Vec<(String, StoredCookie)> {
        let values = self.headers.get_all("set-cookie").iter();
        let cookies = values.filter_map(|value| StoredCookie::parse(value.to_str().ok()?, "/"));
        cookies.map(|cookie| (without_prefix(&cookie.name).to_owned(), cookie)).collect()
    }

    fn is_problem(&self) -> bool {
        self.header("content-type") == Some("application/problem+json")
    }

    /// Checks the rules that every response must follow. Returns a message for each rule that this response breaks.
    pub(crate) fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut rule = |holds: bool, text: &str| {
            if !holds {
                broken.push(format!("{text}: {} {:?}", self.status, self.headers));
            }
        };
        let cookies = self.cookies();
        if cookies.iter().any(|(name, _)| OWN_COOKIES.contains(&name.as_str())) {
            let all: Vec<_> = self.headers.get_all("cache-control").iter().collect();
            rule(all == ["private, no-store"], "a response that sets Hardtack's cookies must not be cached");
        }
        let mut places: Vec<_> = cookies.iter().map(|(_, cookie)| (&cookie.name, &cookie.path)).collect();
        places.sort_unstable();
        rule(places.windows(2).all(|pair| pair[0] != pair[1]), "a cookie is set only once (RFC 6265 §4.1.1)");
        if let Some(location) = self.header("location") {
            rule(location.starts_with('/') && !location.starts_with("//"), "a redirect stays on this origin");
        }
        let body = String::from_utf8_lossy(&self.body);
        rule(!body.contains(FailingSessions::ERROR), "the text of an internal error is not in a response");
        if self.is_problem() {
            let problem = self.json();
            let text = |member: &str| problem[member].as_str().is_some_and(|text| !text.is_empty());
            rule(["type", "title", "detail", "code", "msg"].into_iter().all(text), "a problem has all its members");
            rule(problem["status"] == self.status.as_u16(), "a problem names its status (RFC 9457 §3.1.2)");
            rule(problem["msg"] == problem["detail"], "msg, for clients of Flask-JWT-Extended, equals detail");
            let challenge = self.header("www-authenticate").unwrap_or_default();
            let lacks_scope = self.status == 403 && challenge.starts_with("Bearer error=\"insufficient_scope\"");
            rule(
                lacks_scope || challenge.starts_with("Bearer") == (self.status == 401),
                "a 401 has a challenge (RFC 9110 §15.5.2), and no other response has one, except a 403 for a bearer \
                 token (RFC 6750 §3.1)",
            );
        }
        broken
    }
}

/// Returns a cookie's name without its prefix (`__Host-Http-`, `__Host-` or `__Secure-`).
pub(crate) fn without_prefix(name: &str) -> &str {
    ["__Host-Http-", "__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Describes a response in one line: the status, the redirect target or the code of the problem document, and the token
/// cookies that the response sets (`+`) or deletes (`-`).
///
/// Examples: `401 missing_token`, `303 → /login?next=%2Fprotected`, `200 +access +refresh`.
pub(crate) fn summary(response: &RawResponse) -> String {
    let mut line = response.status.as_u16().to_string();
    if let Some(location) = response.header("location") {
        line += &format!(" → {location}");
    } else if let Some(location) = response.header("hx-redirect") {
        line += &format!(" htmx → {location}");
    } else if response.is_problem() {
        line += &format!(" {}", response.json()["code"].as_str().unwrap_or("without a code"));
    }
    let mut seen = Vec::new();
    for (name, cookie) in response.cookies() {
        let Some(kind) = name.strip_suffix("_token_cookie") else { continue };
        let word = format!(" {}{kind}", if cookie.is_deletion() { '-' } else { '+' });
        // If the access cookie has several paths, the response contains one cookie for each path.
        if !seen.contains(&word) {
            line += &word;
            seen.push(word);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use hardtack::testing::FailingSessions;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{RawResponse, summary};

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> RawResponse {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers: HeaderMap = headers.iter().map(pair).collect();
        RawResponse { status: status.try_into().unwrap(), headers, body: body.into() }
    }

    #[test]
    fn one_line() {
        assert_eq!(summary(&response(200, &[("set-cookie", "theme=dark")], "")), "200");
        let set = ("set-cookie", "__Host-access_token_cookie=a; Path=/");
        assert_eq!(summary(&response(303, &[("location", "/a"), set], "")), "303 → /a +access");
        let unset = ("set-cookie", "refresh_token_cookie=; Max-Age=0; Path=/");
        let problem = ("content-type", "application/problem+json");
        assert_eq!(summary(&response(401, &[unset, problem], "{\"code\":\"expired\"}")), "401 expired -refresh");
        assert_eq!(summary(&response(401, &[("hx-redirect", "/a")], "")), "401 htmx → /a");
    }

    #[test]
    fn rules_of_every_response() {
        let broken = |headers: &[_], body| response(401, headers, body).broken_rules().len();
        let set = ("set-cookie", "access_token_cookie=a; Path=/");
        let no_store = ("cache-control", "private, no-store");
        assert_eq!(broken(&[set, no_store], ""), 0);
        assert_eq!(broken(&[set], ""), 1, "it can be cached");
        assert_eq!(broken(&[set, no_store, ("cache-control", "public")], ""), 1, "two Cache-Control fields");
        assert_eq!(broken(&[set, set, no_store], ""), 1, "a cookie set twice");
        assert_eq!(broken(&[("location", "//evil.example")], ""), 1, "another origin");
        assert_eq!(broken(&[], FailingSessions::ERROR), 1, "an internal error");
        assert_eq!(broken(&[("content-type", "application/problem+json")], "{}"), 3, "an empty problem");
    }
}

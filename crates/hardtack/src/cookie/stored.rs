//! A cookie as a browser stores it: a `Set-Cookie` field, parsed according to RFC 6265 §5.2 and RFC 6265bis.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::cookie_date;

/// The maximum length of a cookie's name and value together, in bytes. Browsers ignore a longer cookie (RFC 6265bis
/// §5.6).
const LONGEST_PAIR: usize = 4096;

/// A cookie with all the attributes that the server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCookie {
    /// The name, as sent.
    pub name: String,
    /// The value, as sent: quotes and percent-encoding are kept.
    pub value: String,
    /// The `Path` attribute, or the request's default path (RFC 6265 §5.1.4).
    pub path: String,
    /// The `Domain` attribute without its leading dot. The domain is not checked, so it might not match the host.
    pub domain: Option<String>,
    /// The `Max-Age` attribute, in seconds.
    pub max_age: Option<i64>,
    /// The `Expires` attribute.
    pub expires: Option<SystemTime>,
    /// Whether the cookie has the `Secure` attribute.
    pub secure: bool,
    /// Whether the cookie has the `HttpOnly` attribute.
    pub http_only: bool,
    /// The `SameSite` attribute, as sent.
    pub same_site: Option<String>,
    /// Whether the cookie has the `Partitioned` attribute.
    pub partitioned: bool,
    /// The full text of the `Set-Cookie` field.
    pub raw: String,
    stored: SystemTime,
}

impl StoredCookie {
    /// Parses the text of a `Set-Cookie` field that was received in response to a request for `request_path`.
    ///
    /// Returns `None` if browsers would ignore the field. They do so if the field has no `=`, if the cookie's name is
    /// empty, or if its name and value together are longer than 4096 bytes.
    pub fn parse(raw: &str, request_path: &str) -> Option<Self> {
        Self::parse_at(raw, request_path, SystemTime::now())
    }

    pub(crate) fn parse_at(raw: &str, request_path: &str, now: SystemTime) -> Option<Self> {
        let (pair, attributes) = raw.split_once(';').unwrap_or((raw, ""));
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        if name.is_empty() || name.len() + value.len() > LONGEST_PAIR {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            path: default_path(request_path).to_owned(),
            domain: None,
            max_age: None,
            expires: None,
            secure: false,
            http_only: false,
            same_site: None,
            partitioned: false,
            raw: raw.to_owned(),
            stored: now,
        };
        for attribute in attributes.split(';') {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim_matches([' ', '\t']);
            match key.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "path" => cookie.path = default_path(request_path).to_owned(),
                "domain" if !value.is_empty() => {
                    cookie.domain = Some(value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase());
                }
                "max-age" => cookie.max_age = max_age(value).or(cookie.max_age),
                "expires" => cookie.expires = cookie_date::parse(value).or(cookie.expires),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.to_owned()),
                "partitioned" => cookie.partitioned = true,
                _ => {}
            }
        }
        Some(cookie)
    }

    /// Returns the time at which the cookie expires, or `None` if it lasts until the browser is closed. `Max-Age` takes
    /// precedence over `Expires`.
    pub fn expiry(&self) -> Option<SystemTime> {
        match self.max_age {
            Some(seconds) if seconds <= 0 => Some(UNIX_EPOCH),
            Some(seconds) => self.stored.checked_add(Duration::from_secs(seconds.unsigned_abs())),
            None => self.expires,
        }
    }

    /// Returns whether this `Set-Cookie` deletes the cookie.
    pub fn is_deletion(&self) -> bool {
        self.is_expired(self.stored)
    }

    /// Returns whether the cookie is sent with a request for `path` (RFC 6265 §5.1.4).
    pub fn matches_path(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }

    pub(crate) fn is_expired(&self, now: SystemTime) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// Returns the requirements of the name's prefix that the cookie fails to meet (RFC 6265bis §4.1.3 and §5.7). The
    /// prefixes `__Secure-`, `__Host-`, `__Http-` and `__Host-Http-`, in upper or lower case, impose requirements, and
    /// browsers ignore a cookie that does not meet them. The result is empty if the cookie meets all requirements, or
    /// if its name has none of these prefixes.
    pub(crate) fn missing_for_prefix(&self) -> Vec<&'static str> {
        let name = self.name.to_ascii_lowercase();
        let is_http = name.starts_with("__host-http-") || name.starts_with("__http-");
        let is_host = name.starts_with("__host-");
        // `__Host-` requires an explicit `Path` attribute. A default path of "/" is not enough.
        let has_path = || self.raw.split(';').skip(1).any(|a| a.trim().to_ascii_lowercase().starts_with("path"));
        let rules = [
            ("Secure", (is_http || is_host || name.starts_with("__secure-")) && !self.secure),
            ("HttpOnly", is_http && !self.http_only),
            ("Path=/", is_host && (self.path != "/" || !has_path())),
            ("no Domain", is_host && self.domain.is_some()),
        ];
        rules.into_iter().filter_map(|(what, is_missing)| is_missing.then_some(what)).collect()
    }
}

/// Returns the directory of the request's path (RFC 6265 §5.1.4).
fn default_path(request_path: &str) -> &str {
    let path = request_path.split(['?', '#']).next().unwrap_or_default();
    match path.rfind('/') {
        Some(last) if path.starts_with('/') && last > 0 => &path[..last],
        _ => "/",
    }
}

fn max_age(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(if value.starts_with('-') { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::StoredCookie;

    #[test]
    fn every_attribute_is_recorded() {
        let raw = "a=b=c; Path=/token; DOMAIN=.Site.Example; max-age=60; Secure; HttpOnly; SameSite=Lax; Partitioned";
        let cookie = StoredCookie::parse(raw, "/login").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value.as_str(), cookie.path.as_str()), ("a", "b=c", "/token"));
        assert_eq!(cookie.domain.as_deref(), Some("site.example"));
        assert_eq!((cookie.max_age, cookie.same_site.as_deref()), (Some(60), Some("Lax")));
        assert!(cookie.secure && cookie.http_only && cookie.partitioned && !cookie.is_deletion());
        assert_eq!(cookie.raw, raw);
    }

    #[test]
    fn invalid_cookies_are_ignored() {
        assert!(StoredCookie::parse("no pair; Path=/", "/").is_none());
        assert!(StoredCookie::parse("=value", "/").is_none());
        assert!(StoredCookie::parse(&format!("a={}", "x".repeat(4096)), "/").is_none());
        assert_eq!(StoredCookie::parse("a=1; Max-Age=6x", "/").unwrap().max_age, None);
    }

    #[test]
    fn default_path_is_the_directory_of_the_request() {
        for (request, path) in [("/", "/"), ("/login", "/"), ("/token/refresh?a=/b/c", "/token"), ("", "/")] {
            assert_eq!(StoredCookie::parse("a=1", request).unwrap().path, path, "{request}");
            assert_eq!(StoredCookie::parse("a=1; Path=relative", request).unwrap().path, path, "{request}");
        }
    }
}

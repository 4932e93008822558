//! The names of a request's cookies. They help explain why a cookie is missing.

use crate::request::RequestHead;

/// The cookies of a request.
pub(crate) struct CookieField {
    names: Vec<String>,
}

/// The prefixes that browsers enforce, in lower case (RFC 6265bis §4.1.3).
const PREFIXES: [&str; 4] = ["__host-http-", "__host-", "__http-", "__secure-"];

impl CookieField {
    /// Reads the names of a request's cookies. The values are left out, because they might be secret.
    pub(crate) fn of(head: &RequestHead<'_>) -> Self {
        let pairs = head.header_all("cookie").flat_map(|field| field.split(|byte| *byte == b';'));
        let names = pairs.filter_map(|pair| {
            let end = pair.iter().position(|byte| *byte == b'=')?;
            let name = pair.get(..end).unwrap_or_default().trim_ascii();
            Some(String::from_utf8_lossy(name).into_owned())
        });
        Self { names: names.collect() }
    }

    /// Returns whether the request has no cookies at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns how many cookies the request has.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the cookie names, in the order in which the request lists them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns the first cookie name that differs from `name` only in its prefix, realm or case. `realm` is the realm
    /// in `name`.
    pub(crate) fn resembling(&self, name: &str, realm: Option<&str>) -> Option<&str> {
        self.names().find(|other| resembles(other, name, realm))
    }
}

/// Returns whether the name `sent` differs from `expected`, but only in its prefix, realm or case. `realm` is the realm
/// in `expected`.
pub(crate) fn resembles(sent: &str, expected: &str, realm: Option<&str>) -> bool {
    let wanted = bare(expected);
    let realm = realm.map(|realm| format!("{}_", realm.to_ascii_lowercase())).unwrap_or_default();
    let wanted = wanted.strip_prefix(&realm).unwrap_or(&wanted);
    let is_realm = |text: &str| text.is_empty() || text.ends_with('_');
    sent != expected && bare(sent).strip_suffix(wanted).is_some_and(is_realm)
}

/// How a cookie's name differs from the name that the server expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The names differ only in upper and lower case.
    Case,
    /// The names have different prefixes, or only one of them has a prefix.
    Prefix,
    /// The names belong to different realms.
    Realm,
}

impl Difference {
    /// Compares the name of a cookie in a request with the similar name that the server expects.
    pub(crate) fn between(sent: &str, expected: &str) -> Self {
        if sent.eq_ignore_ascii_case(expected) {
            Self::Case
        } else if bare(sent) == bare(expected) {
            Self::Prefix
        } else {
            Self::Realm
        }
    }
}

/// Returns the name without its prefix, in lower case.
fn bare(name: &str) -> String {
    without_prefix(name).to_ascii_lowercase()
}

/// Returns the name without its prefix. Browsers compare prefixes without regard to case.
pub(crate) fn without_prefix(name: &str) -> &str {
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let prefix = PREFIXES.iter().find(|prefix| begins(prefix)).map(|prefix| prefix.len()).unwrap_or_default();
    name.get(prefix..).unwrap_or(name)
}

/// Puts a string from a request in quotes. Escapes control characters, and cuts the string off after 80 characters.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;

    #[test]
    fn names_that_look_like_ours_are_found() {
        let resembling = |cookie: &str, name: &str| {
            let request = TestRequest::new("GET", "/").field("cookie", cookie);
            let realm = name.contains("shop").then_some("shop");
            CookieField::of(&request.head()).resembling(name, realm).unwrap_or_default().to_owned()
        };
        for (cookie, name, found) in [
            ("access_token_cookie=a", "__Host-access_token_cookie", "access_token_cookie"),
            ("__Host-access_token_cookie=a", "access_token_cookie", "__Host-access_token_cookie"),
            ("__host-access_token_cookie=a", "__Host-access_token_cookie", "__host-access_token_cookie"),
            ("shop_access_token_cookie=a", "access_token_cookie", "shop_access_token_cookie"),
            ("__Host-access_token_cookie=a", "__Host-shop_access_token_cookie", "__Host-access_token_cookie"),
            ("__Host-access_token_cookie=a", "__Host-access_token_cookie", ""),
            ("Access_Token_Cookie=a", "access_token_cookie", "Access_Token_Cookie"),
            ("theme=dark; id=1; cookie=2; refresh_token_cookie=3", "access_token_cookie", ""),
        ] {
            assert_eq!(resembling(cookie, name), found, "{cookie} beside {name}");
        }
    }

    #[test]
    fn similar_names_differ_in_case_prefix_or_realm() {
        for (sent, expected, difference) in [
            ("Access_Token_Cookie", "access_token_cookie", Difference::Case),
            ("__host-access_token_cookie", "__Host-access_token_cookie", Difference::Case),
            ("access_token_cookie", "__Host-access_token_cookie", Difference::Prefix),
            ("Access_Token_Cookie", "__Host-access_token_cookie", Difference::Prefix),
            ("__Secure-access_token_cookie", "__Host-access_token_cookie", Difference::Prefix),
            ("shop_access_token_cookie", "access_token_cookie", Difference::Realm),
            ("__Host-access_token_cookie", "__Host-shop_access_token_cookie", Difference::Realm),
        ] {
            assert_eq!(Difference::between(sent, expected), difference, "{sent} beside {expected}");
        }
        for (name, bare) in
            [("__HOST-HTTP-Id", "Id"), ("__Http-id", "id"), ("__Host", "__Host"), ("id\u{e9}", "id\u{e9}")]
        {
            assert_eq!(without_prefix(name), bare);
        }
    }

    #[test]
    fn cookies_are_counted() {
        let request = TestRequest::new("GET", "/").field("cookie", "a=1; b=2").field("cookie", "a =3; x");
        let field = CookieField::of(&request.head());
        assert_eq!((field.len(), field.is_empty()), (3, false));
    }

    #[test]
    fn quoted_text_is_short_and_plain() {
        assert_eq!(quoted("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 83);
    }
}

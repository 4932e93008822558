//! `next`: the page that the browser returns to. It is always a page on this site.

use std::fmt;

use super::resolve_path;

/// The maximum length of an accepted `next` path, in bytes, both before and after percent-encoding.
const MAX_LEN: usize = 2048;

/// A path on this site that is safe in a `Location` header (ASVS 5.0 V3.7.2).
///
/// A path is created only from text that browsers resolve to a URL on this site. Dot segments are removed the way
/// browsers remove them (WHATWG URL Standard).
///
/// ```
/// use hardtack::request::NextPath;
/// assert_eq!(NextPath::parse("/orders?page=2").unwrap().as_str(), "/orders?page=2");
/// assert!(NextPath::parse("//evil.example").is_none());
/// assert!(NextPath::parse("/\\evil.example").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPath(String);

impl NextPath {
    /// Parses an absolute path on this site. Returns `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= MAX_LEN
            && text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\');
        if !plain {
            return None;
        }
        // `resolve_path` removes dot segments. This can leave an empty first segment, as in `/.//evil.example`. It also
        // percent-encodes some characters, so the text becomes longer.
        resolve_path(text).filter(|resolved| !resolved.starts_with("//") && resolved.len() <= MAX_LEN).map(Self)
    }

    /// Returns the path with its query and fragment.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path in the form that is compared with routes: percent-decoded, without the query and without empty
    /// segments.
    fn plain_path(&self) -> String {
        let path = self.0.split(['?', '#']).next().unwrap_or_default().replace('+', "%2B");
        let decoded: String =
            form_urlencoded::parse(path.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default();
        without_empty_segments(&decoded)
    }

    /// Returns whether the path is one of `routes`, which are paths such as `/login`. The query, percent-encoding and
    /// empty segments do not matter, because a proxy or a nested router may drop empty segments.
    ///
    /// ```
    /// use hardtack::request::NextPath;
    /// let next = NextPath::parse("/auth//l%6fgin/?next=%2F").unwrap();
    /// assert!(next.is_any_of(["/auth/login", "/auth/logout"]));
    /// ```
    pub fn is_any_of<'r>(&self, routes: impl IntoIterator<Item = &'r str>) -> bool {
        let path = self.plain_path();
        routes.into_iter().any(|route| path == without_empty_segments(route))
    }

    /// Returns the path without the query parameters for which `is_removed` returns `true`. The arguments of `is_removed`
    /// are a parameter's name and value, percent-decoded. The other parameters and the fragment stay as they are.
    ///
    /// ```
    /// use hardtack::request::NextPath;
    /// let next = NextPath::parse("/orders?done=1&page=%32#last").unwrap();
    /// assert_eq!(next.without_parameters(|name, _| name == "done").as_str(), "/orders?page=%32#last");
    /// ```
    #[must_use]
    pub fn without_parameters(&self, is_removed: impl Fn(&str, &str) -> bool) -> Self {
        let (url, fragment) = self.0.find('#').map_or((&*self.0, ""), |at| self.0.split_at(at));
        let Some((path, query)) = url.split_once('?') else { return self.clone() };
        let is_kept = |pair: &&str| {
            let parsed = form_urlencoded::parse(pair.as_bytes()).next();
            !parsed.is_some_and(|(name, value)| is_removed(&name, &value))
        };
        let kept = query.split('&').filter(is_kept).collect::<Vec<_>>().join("&");
        let mark = if kept.is_empty() { "" } else { "?" };
        Self(format!("{path}{mark}{kept}{fragment}"))
    }

    /// Returns `url` with this path, percent-encoded, as the query parameter `next`.
    pub fn append_to(&self, url: &str) -> String {
        let separator = if url.contains('?') { '&' } else { '?' };
        let encoded: String = form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        format!("{url}{separator}next={encoded}")
    }
}

fn without_empty_segments(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty()).flat_map(|segment| ["/", segment]).collect()
}

impl fmt::Display for NextPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn s61_hostile_values_are_refused() {
        for hostile in [
            "",
            "evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "http://site.example@evil.example",
            "@evil.example",
            "/\u{ff0f}evil.example",
            "/\0",
        ] {
            assert_eq!(NextPath::parse(hostile), None, "{hostile:?}");
        }
        assert_eq!(NextPath::parse(&format!("/{}", "a".repeat(4000))), None);
    }

    /// If `parse` accepts a path, it also accepts the path that it returns for it. This matters because a page puts the
    /// returned path into a form or a URL, and the server then parses that path again.
    #[test]
    fn a_path_that_becomes_too_long_is_refused() {
        for (text, accepted) in [("a".repeat(2047), true), ("a".repeat(2048), false), ("\"".repeat(700), false)] {
            let next = NextPath::parse(&format!("/{text}"));
            assert_eq!(next.is_some(), accepted, "{}", text.len());
            if let Some(next) = next {
                assert_eq!(NextPath::parse(next.as_str()), Some(next));
            }
        }
    }

    #[test]
    fn disguised_routes_are_recognised() {
        for login in ["/login", "/login/", "/%6cogin", "/x/../login", "/login?next=/a", "/login#a", "/login//"] {
            let next = NextPath::parse(login).unwrap();
            assert!(next.is_any_of(["/logout", "/login"]), "{login}");
        }
        assert!(!NextPath::parse("/loginx").unwrap().is_any_of(["/login"]));
        assert!(!NextPath::parse("/").unwrap().is_any_of(["/login"]));
    }

    #[test]
    fn only_the_named_parameters_are_removed() {
        for (text, left) in [
            ("/a?x=1", "/a"),
            ("/a?%78=1&y=2#x=1", "/a?y=2#x=1"),
            ("/a?x=keep&x=1&x", "/a?x=keep"),
            ("/a?y=x&&z", "/a?y=x&&z"),
            ("/a#?x=1", "/a#?x=1"),
            ("/x", "/x"),
        ] {
            let next = NextPath::parse(text).unwrap();
            let next = next.without_parameters(|name, value| name == "x" && value != "keep");
            assert_eq!(next.as_str(), left, "{text}");
            assert_eq!(NextPath::parse(left), Some(next));
        }
    }

    #[test]
    fn a_next_path_is_encoded_in_a_query() {
        let next = NextPath::parse("/a?b=c&d=e").unwrap();
        assert_eq!(next.append_to("/login"), "/login?next=%2Fa%3Fb%3Dc%26d%3De");
    }

    proptest! {
        #[test]
        fn s61_whatever_is_taken_stays_on_the_origin(text in "[/\\\\a-z.:@%?#\\t\\n 0-9-]{0,24}") {
            if let Some(next) = NextPath::parse(&text) {
                for base in ["https://site.example/login", "http://127.0.0.1:8080/a/b"] {
                    let base = Url::parse(base).unwrap();
                    prop_assert_eq!(base.join(next.as_str()).unwrap().origin(), base.origin());
                }
            }
        }
    }
}

//! Finding a cookie in a request.

use std::ops::ControlFlow;

use memchr::memmem::Finder;

use crate::request::RequestHead;

/// The error for a request that has more than one cookie with the same name.
///
/// An attacker on a sibling domain can add a second cookie with the same name. Hardtack then uses neither cookie,
/// because choosing one of them would decide who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request carries this cookie more than once")]
pub struct DuplicateCookie;

/// The full name of a cookie, including its prefix, prepared for searching `Cookie` headers.
///
/// ```
/// use hardtack::cookie::CookieName;
///
/// let theme = CookieName::new("theme");
/// assert_eq!(theme.find_in([&b"lang=en; theme=dark"[..]]), Ok(Some(&b"dark"[..])));
/// ```
#[derive(Clone, Debug)]
pub struct CookieName {
    name: String,
    /// Searches for the name, followed by an equals sign.
    start: Finder<'static>,
}

impl CookieName {
    /// Creates a cookie name. The text must not contain an equals sign.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let start = Finder::new(&format!("{name}=")).into_owned();
        Self { name, start }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the value of the cookie with exactly this name, or `None` if the request has no such cookie.
    ///
    /// Names are compared byte for byte. Nothing is percent-decoded, so `%5F%5FHost-id` is not `__Host-id`. Only spaces
    /// and tabs are trimmed (RFC 6265 section 4.2.1). Other cookies can contain any bytes. All `Cookie` fields are
    /// searched, because a request over HTTP/2 can have several of them (RFC 9113 section 8.2.3).
    ///
    /// # Errors
    /// Returns [`DuplicateCookie`] if the request has more than one cookie with this name, whether in one field or in
    /// several.
    pub fn find<'a>(&self, head: &RequestHead<'a>) -> Result<Option<&'a [u8]>, DuplicateCookie> {
        match head.headers().first_two("cookie") {
            [None, _] => Ok(None),
            [Some(field), None] => self.find_in([field]),
            [Some(_), Some(_)] => self.find_in(head.header_all("cookie")),
        }
    }

    /// Searches the values of `Cookie` fields, and returns the value of the cookie with this name, or `None` if no
    /// cookie has this name.
    ///
    /// # Errors
    /// Returns [`DuplicateCookie`] if there is more than one cookie with this name.
    #[inline]
    pub fn find_in<'a>(&self, fields: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, DuplicateCookie> {
        let mut found = None;
        let visited = self.visit(fields, |value| match found.replace(value) {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        });
        if visited.is_break() { Err(DuplicateCookie) } else { Ok(found) }
    }

    /// Returns the values of all cookies with this name, in order. Use this method for operations that must handle each
    /// of these cookies.
    pub(crate) fn find_all<'a>(&self, head: &RequestHead<'a>) -> Vec<&'a [u8]> {
        let mut found = Vec::new();
        let _ = self.visit(head.header_all("cookie"), |value| {
            found.push(value);
            ControlFlow::Continue(())
        });
        found
    }

    /// Calls `visit` with the value of each cookie that has this name, until `visit` returns [`ControlFlow::Break`].
    #[inline]
    fn visit<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a [u8]>,
        mut visit: impl FnMut(&'a [u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for field in fields {
            // Search the whole header for the name. Splitting the header into cookies would take longer, because most
            // cookies belong to other applications.
            let mut rest = field;
            while let Some(offset) = self.start.find(rest) {
                let at = field.len() - rest.len() + offset;
                let Some((before, pair)) = field.split_at_checked(at) else { break };
                let value = pair.get(self.start.needle().len()..).unwrap_or_default();
                // Continue after the equals sign. No other match can begin before it, because the only equals sign in a
                // match is its last byte.
                rest = value;
                if !matches!(trim_end(before), [] | [.., b';']) {
                    continue;
                }
                let end = memchr::memchr(b';', value).unwrap_or(value.len());
                let (value, behind) = value.split_at_checked(end).unwrap_or_default();
                visit(trim_end(value))?;
                rest = behind;
            }
        }
        ControlFlow::Continue(())
    }
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;
    use proptest::prelude::*;

    fn find(fields: &[&[u8]], name: &str) -> Result<Option<Vec<u8>>, DuplicateCookie> {
        let request = TestRequest::new("GET", "/").fields(fields.iter().map(|field| ("cookie", field)));
        CookieName::new(name).find(&request.head()).map(|found| found.map(<[u8]>::to_vec))
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(find(&[b"a=1; id=x.y.z; b=2"], "id"), Ok(Some(b"x.y.z".to_vec())));
        assert_eq!(find(&[b"a=1", b"id=x"], "id"), Ok(Some(b"x".to_vec())));
        assert_eq!(find(&[b"a=1;id=x"], "id"), Ok(Some(b"x".to_vec())));
        assert_eq!(find(&[b"a=1"], "id"), Ok(None));
        assert_eq!(find(&[], "id"), Ok(None));
    }

    #[test]
    fn s05_disguised_names_are_other_cookies() {
        for cookie in
            ["%5F%5FHost-id=x", "\u{a0}__Host-id=x", "\u{2003}__Host-id=x", "__host-id=x", "x__Host-id=y", "__Host-id"]
        {
            assert_eq!(find(&[cookie.as_bytes()], "__Host-id"), Ok(None), "{cookie:?}");
        }
    }

    #[test]
    fn a_name_is_found_only_at_the_start_of_a_pair() {
        assert_eq!(find(&[b"a=id=x"], "id"), Ok(None));
        assert_eq!(find(&[b"a=b id=x"], "id"), Ok(None));
        assert_eq!(find(&[b"id=id=x"], "id"), Ok(Some(b"id=x".to_vec())));
        assert_eq!(find(&[b"id= x \t; a=1"], "id"), Ok(Some(b" x".to_vec())));
        assert_eq!(find(&[b"id =x;\t id=; a=1"], "id"), Ok(Some(b"".to_vec())));
    }

    #[test]
    fn s06_the_same_name_twice_is_refused() {
        assert_eq!(find(&[b"id=a; id=b"], "id"), Err(DuplicateCookie));
        assert_eq!(find(&[b"id=a; id=a"], "id"), Err(DuplicateCookie));
        assert_eq!(find(&[b"id=a", b"id=a"], "id"), Err(DuplicateCookie));
    }

    #[test]
    fn e09_all_values_of_a_name_can_be_asked_for() {
        let request = TestRequest::new("POST", "/").field("cookie", "id=a; x=1; id=b").field("cookie", "id=; xid=c");
        assert_eq!(CookieName::new("id").find_all(&request.head()), [&b"a"[..], b"b", b""]);
    }

    #[test]
    fn s07_junk_neighbours_do_not_matter() {
        assert_eq!(find(&[b"\xff\xfe=\x80; ;;=; =; a; id=x; \"b=\xc3"], "id"), Ok(Some(b"x".to_vec())));
    }

    /// Finds the cookie's values by splitting the field into pairs. Tests compare the results of the real search with
    /// those of this function.
    fn by_pairs<'a>(field: &'a [u8], name: &str) -> Vec<&'a [u8]> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let pairs = field.split(|byte| *byte == b';').map(|pair| {
            let start = pair.iter().position(|byte| !blank(byte)).unwrap_or(pair.len());
            &pair[start..pair.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1)]
        });
        pairs.filter_map(|pair| pair.strip_prefix(format!("{name}=").as_bytes())).collect()
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4)) {
            let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            let _ = find(&fields, "id");
        }

        /// Several `Cookie` fields count as one list (RFC 9113 section 8.2.3).
        #[test]
        fn fields_are_read_like_one_field(
            fields in prop::collection::vec("(id|x|ID|\\t|=|;| |,|\"|%69d|\u{e9}){0,12}", 0..4),
        ) {
            let apart: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
            prop_assert_eq!(find(&apart, "id"), find(&[fields.join("; ").as_bytes()], "id"));
            let request = TestRequest::new("GET", "/").fields(apart.iter().map(|field| ("cookie", field)));
            let all = CookieName::new("id").find_all(&request.head());
            prop_assert_eq!(all, apart.iter().flat_map(|field| by_pairs(field, "id")).collect::<Vec<_>>());
        }

        #[test]
        fn the_search_agrees_with_parsing_every_pair(
            parts in prop::collection::vec(
                prop::sample::select(vec!["id", "i", "=", ";", "; ", " ", "\t", "x", "id=", "; id=", "a-long-neighbour"]),
                0..40,
            ),
            name in prop::sample::select(vec!["id", "i", "idid", "__Host-a-name-of-more-than-thirty-two-bytes"]),
        ) {
            let field = parts.concat().replace("id", name);
            let all = by_pairs(field.as_bytes(), name);
            let expected = if all.len() > 1 { Err(DuplicateCookie) } else { Ok(all.first().map(|value| value.to_vec())) };
            prop_assert_eq!(find(&[field.as_bytes()], name), expected);
        }
    }
}

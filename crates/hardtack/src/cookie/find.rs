//! One cookie's value out of a request's `Cookie` fields.

use crate::request::RequestHead;

/// The same cookie name twice in one request. Which of them a server takes decides who is logged
/// in, and an attacker on a sibling domain can add one: so neither is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request carries this cookie more than once")]
pub struct DuplicateCookie;

/// The value of the cookie called exactly `name`.
///
/// Names are compared byte for byte: nothing is percent-decoded and only spaces and tabs separate
/// (RFC 6265 §4.2.1), so that `%5F%5FHost-id` is not `__Host-id`. What neighbouring cookies hold
/// does not matter. HTTP/2 may split the field (RFC 9113 §8.2.3); all parts are read.
pub fn find<'a>(head: &RequestHead<'a>, name: &str) -> Result<Option<&'a [u8]>, DuplicateCookie> {
    match head.headers().first_two("cookie") {
        [None, _] => Ok(None),
        [Some(field), None] => find_in([field], name),
        [Some(_), Some(_)] => find_in(head.header_all("cookie"), name),
    }
}

#[inline]
fn find_in<'a>(fields: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Result<Option<&'a [u8]>, DuplicateCookie> {
    let mut found = None;
    for field in fields {
        let mut start = 0;
        for end in memchr::memchr_iter(b';', field).chain([field.len()]) {
            let pair = field.get(start..end).unwrap_or_default();
            start = end + 1;
            let Some(value) = value_of(trim_start(pair), name.as_bytes()) else { continue };
            if found.replace(trim_end(value)).is_some() {
                return Err(DuplicateCookie);
            }
        }
    }
    Ok(found)
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // The length first: it tells most other cookies apart at the cost of one byte.
    let value = pair.get(name.len()..)?.strip_prefix(b"=")?;
    pair.starts_with(name).then_some(value)
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
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

    fn look(fields: &[&[u8]], name: &str) -> Result<Option<Vec<u8>>, DuplicateCookie> {
        let request = TestRequest::new("GET", "/").fields(fields.iter().map(|field| ("cookie", field)));
        find(&request.head(), name).map(|found| found.map(<[u8]>::to_vec))
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(look(&[b"a=1; id=x.y.z; b=2"], "id"), Ok(Some(b"x.y.z".to_vec())));
        assert_eq!(look(&[b"a=1", b"id=x"], "id"), Ok(Some(b"x".to_vec())));
        assert_eq!(look(&[b"a=1;id=x"], "id"), Ok(Some(b"x".to_vec())));
        assert_eq!(look(&[b"a=1"], "id"), Ok(None));
        assert_eq!(look(&[], "id"), Ok(None));
    }

    #[test]
    fn s05_disguised_names_are_other_cookies() {
        for cookie in
            ["%5F%5FHost-id=x", "\u{a0}__Host-id=x", "\u{2003}__Host-id=x", "__host-id=x", "x__Host-id=y", "__Host-id"]
        {
            assert_eq!(look(&[cookie.as_bytes()], "__Host-id"), Ok(None), "{cookie:?}");
        }
    }

    #[test]
    fn s06_the_same_name_twice_is_refused() {
        assert_eq!(look(&[b"id=a; id=b"], "id"), Err(DuplicateCookie));
        assert_eq!(look(&[b"id=a; id=a"], "id"), Err(DuplicateCookie));
        assert_eq!(look(&[b"id=a", b"id=a"], "id"), Err(DuplicateCookie));
    }

    #[test]
    fn s07_junk_neighbours_do_not_matter() {
        assert_eq!(look(&[b"\xff\xfe=\x80; ;;=; =; a; id=x; \"b=\xc3"], "id"), Ok(Some(b"x".to_vec())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4)) {
            let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            let _ = look(&fields, "id");
        }
    }
}

//! Extracts the text of a token from a location, without verifying the token.

use std::borrow::Cow;

use super::{TokenLocation, TokenSources};
use crate::body::{JsonTokens, Member, is_json};
use crate::cookie::{CookieName, DuplicateCookie};
use crate::jwt::TokenKind;
use crate::request::RequestHead;

/// What was found in a location.
pub(crate) enum Extracted<'a> {
    /// The location contains no token. Search the next location.
    Absent(Absence),
    /// The location contains something that cannot be a token. Do not search the next location.
    Malformed,
    /// The location contains more than one token. Do not search the next location.
    Twice,
    /// The body was not read to its end, so it is not known whether it contains a token.
    Unread,
    /// The location contains this token, which has not been verified.
    Token(Cow<'a, [u8]>),
}

/// Why a location contains no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The header is missing or empty.
    Field,
    /// The header has no value with the expected scheme, such as `Bearer`.
    Type,
    /// The header has several values with the expected scheme.
    SeveralValues,
    /// The cookie is missing or empty.
    Cookie,
    /// The query parameter is missing or empty.
    Parameter,
    /// The `Content-Type` of the body is not JSON.
    NoJson,
    /// The body is not a JSON object, or its member for the token is missing or empty.
    Member,
}

/// Searches one location for a token. `json` contains the tokens that were read from the body. `cookie` is the full
/// name of the cookie for tokens of this kind.
pub(crate) fn extract<'a>(
    location: TokenLocation,
    kind: TokenKind,
    head: &RequestHead<'a>,
    sources: &'a TokenSources,
    cookie: &CookieName,
    json: Option<&'a JsonTokens>,
) -> Extracted<'a> {
    match location {
        TokenLocation::Headers => in_headers(head, sources),
        TokenLocation::Cookies => match cookie.find(head) {
            Err(DuplicateCookie) => Extracted::Twice,
            // Treat an empty value as a missing cookie: some clients keep a deleted cookie and send it with an empty
            // value.
            Ok(None | Some(b"")) => Extracted::Absent(Absence::Cookie),
            Ok(Some(token)) => Extracted::Token(token.into()),
        },
        TokenLocation::QueryString => in_query(head, sources),
        TokenLocation::Json => in_json(kind, head, json),
    }
}

/// Searches the query for a token. Refuses a parameter that occurs more than once, because another program, such as a
/// proxy, may have read a different value. The Flask preset reads the first value, as Flask-JWT-Extended does.
fn in_query<'a>(head: &RequestHead<'a>, sources: &TokenSources) -> Extracted<'a> {
    let mut values = head.query_all(&sources.query_name);
    match (values.next(), values.next()) {
        (Some(_), Some(_)) if !sources.flask => Extracted::Twice,
        (Some(value), _) if !value.is_empty() => match value.strip_prefix(&sources.query_prefix) {
            Some(token) => Extracted::Token(token.as_bytes().to_vec().into()),
            None => Extracted::Malformed,
        },
        _ => Extracted::Absent(Absence::Parameter),
    }
}

/// Searches the header for a token. Several fields with the same name are equivalent to one field whose values are
/// separated by commas (RFC 9110 section 5.2).
fn in_headers<'a>(head: &RequestHead<'a>, sources: &'a TokenSources) -> Extracted<'a> {
    let mut fields = head.header_all(&sources.header_lower);
    let field = match (fields.next(), fields.next()) {
        (None, _) => return Extracted::Absent(Absence::Field),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let all: Vec<&[u8]> = [first, second].into_iter().chain(fields).collect();
            Cow::Owned(all.join(&b','))
        }
    };
    match field {
        Cow::Borrowed(field) => in_field(field, sources),
        Cow::Owned(field) => match in_field(&field, sources) {
            Extracted::Token(token) => Extracted::Token(token.into_owned().into()),
            Extracted::Absent(absence) => Extracted::Absent(absence),
            _ => Extracted::Malformed,
        },
    }
}

fn in_field<'a>(field: &'a [u8], sources: &TokenSources) -> Extracted<'a> {
    let header_type = sources.header_type.as_bytes();
    let words = |value: &'a [u8]| value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let values = || field.split(|byte| *byte == b',').filter(move |value| words(value).next().is_some());
    if values().next().is_none() {
        return Extracted::Absent(Absence::Field);
    }
    if header_type.is_empty() {
        // If no scheme is configured, the whole header is the token.
        let mut words = words(trim_commas(field));
        return match (words.next(), words.next()) {
            (Some(token), None) => Extracted::Token(token.into()),
            _ => Extracted::Malformed,
        };
    }
    let is_scheme = |word: &[u8]| match sources.flask {
        true => word == header_type,
        // The case of a scheme does not matter (RFC 9110 section 11.1).
        false => word.eq_ignore_ascii_case(header_type),
    };
    let mut ours = values().filter(|value| words(value).next().is_some_and(is_scheme));
    let value = match (ours.next(), ours.next()) {
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Extracted::Absent(Absence::SeveralValues),
        (None, _) => return Extracted::Absent(Absence::Type),
    };
    let mut words = words(value).skip(1);
    match (words.next(), words.next()) {
        (Some(token), None) => Extracted::Token(token.into()),
        _ => Extracted::Malformed,
    }
}

fn trim_commas(field: &[u8]) -> &[u8] {
    let mut field = field.trim_ascii();
    while let [b',', rest @ ..] | [rest @ .., b','] = field {
        field = rest;
    }
    field
}

fn in_json<'a>(kind: TokenKind, head: &RequestHead<'a>, json: Option<&'a JsonTokens>) -> Extracted<'a> {
    if !is_json(head) {
        return Extracted::Absent(Absence::NoJson);
    }
    match json {
        None | Some(JsonTokens::BeyondPeek) => Extracted::Unread,
        Some(JsonTokens::None) => Extracted::Absent(Absence::Member),
        Some(JsonTokens::Read { access, refresh }) => match if kind == TokenKind::Refresh { refresh } else { access } {
            Member::Absent => Extracted::Absent(Absence::Member),
            Member::Unfit => Extracted::Malformed,
            Member::Twice => Extracted::Twice,
            Member::Text(token) => Extracted::Token(token.as_bytes().into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;

    /// Returns the token or, if there is none, the name of the [`Absence`] or [`Extracted`] variant.
    fn describe(extracted: Extracted<'_>) -> String {
        match extracted {
            Extracted::Absent(absence) => format!("{absence:?}"),
            Extracted::Malformed => "Malformed".into(),
            Extracted::Twice => "Twice".into(),
            Extracted::Unread => "Unread".into(),
            Extracted::Token(token) => String::from_utf8_lossy(&token).into_owned(),
        }
    }

    fn header(fields: &[&str], header_type: &str) -> String {
        let request = TestRequest::new("GET", "/").fields(fields.iter().map(|value| ("authorization", value)));
        let sources = TokenSources { header_type: header_type.into(), ..TokenSources::default() };
        describe(extract(
            TokenLocation::Headers,
            TokenKind::Access,
            &request.head(),
            &sources,
            &CookieName::new("id"),
            None,
        ))
    }

    #[test]
    fn a_header_field_is_read_as_flask_jwt_extended_reads_it() {
        for (field, expected) in [
            ("Bearer a.b.c", "a.b.c"),
            ("  Bearer   a.b.c ", "a.b.c"),
            ("Bearer a.b.c,", "a.b.c"),
            (",Bearer a.b.c", "a.b.c"),
            ("Basic xyz, Bearer a.b.c", "a.b.c"),
            ("Basic xyz,Bearer a.b.c", "a.b.c"),
            ("", "Field"),
            (" ", "Field"),
            (",", "Field"),
            ("Basic xyz", "Type"),
            ("bearer a.b.c", "a.b.c"),
            ("Bearer a, bearer b", "SeveralValues"),
            ("Bearer a, Bearer b", "SeveralValues"),
            ("Bearer", "Malformed"),
            ("Bearer a b", "Malformed"),
        ] {
            assert_eq!(header(&[field], "Bearer"), expected, "{field:?}");
        }
        assert_eq!(header(&[], "Bearer"), "Field");
        assert_eq!(header(&["Basic xyz", "Bearer a.b.c"], "Bearer"), "a.b.c");
        assert_eq!(header(&["Bearer a.b.c", "Bearer a.b.c"], "Bearer"), "SeveralValues");
    }

    #[test]
    fn e11_the_scheme_may_have_any_case() {
        for field in ["bearer a.b.c", "BEARER a.b.c", "bEaReR a.b.c", "Basic xyz, bearer a.b.c"] {
            assert_eq!(header(&[field], "Bearer"), "a.b.c", "{field:?}");
        }
        assert_eq!(header(&["jwt a.b.c"], "JWT"), "a.b.c");
        assert_eq!(header(&["bearer"], "Bearer"), "Malformed");
        assert_eq!(header(&["bearers a.b.c"], "Bearer"), "Type");
    }

    #[test]
    fn without_a_type_the_whole_field_is_the_token() {
        assert_eq!(header(&["a.b.c"], ""), "a.b.c");
        assert_eq!(header(&["a.b.c,"], ""), "a.b.c");
        assert_eq!(header(&["Bearer a.b.c"], ""), "Malformed");
    }

    /// Extracts the token from the query of `target`.
    fn in_query(sources: &TokenSources, target: &str) -> String {
        let (request, cookie) = (TestRequest::new("GET", target), CookieName::new("id"));
        let head = request.head();
        describe(extract(TokenLocation::QueryString, TokenKind::Access, &head, sources, &cookie, None))
    }

    #[test]
    fn a_query_parameter_needs_its_prefix() {
        let sources = TokenSources { query_prefix: "Bearer ".into(), ..TokenSources::default() };
        let query = |target| in_query(&sources, target);
        assert_eq!(query("/?jwt=Bearer+a.b.c"), "a.b.c");
        assert_eq!(query("/?jwt=a.b.c"), "Malformed");
        assert_eq!(query("/?jwt="), "Parameter");
        assert_eq!(query("/?other=a"), "Parameter");
    }

    #[test]
    fn a_query_parameter_that_comes_twice_is_no_token() {
        let query = |flask, target| in_query(&TokenSources { flask, ..TokenSources::default() }, target);
        for twice in ["/?jwt=a.b.c&jwt=a.b.c", "/?jwt=a.b.c&x=1&jwt=", "/?jwt=&jwt=a.b.c", "/?jwt=a.b.c&%6Awt=d.e.f"] {
            assert_eq!(query(false, twice), "Twice", "{twice}");
        }
        assert_eq!(query(true, "/?jwt=a.b.c&jwt=d.e.f"), "a.b.c");
        assert_eq!(query(true, "/?jwt=&jwt=d.e.f"), "Parameter");
    }
}

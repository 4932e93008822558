//! Finds a form's CSRF field before the handler runs.

use std::fmt;

use super::multipart;
use crate::jwt::TokenKind;
use crate::request::RequestHead;

/// The longest CSRF value that is accepted, in bytes.
const MAX_VALUE: usize = 256;

/// The result of searching the beginning of a form for a CSRF field.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum FormToken {
    /// The body was not read.
    #[default]
    Unread,
    /// The form was read to the end and does not contain the field.
    Absent,
    /// The value of the field.
    Found(String),
    /// The field occurs several times with different values, or its value is too long.
    Ambiguous,
    /// The form is too long to be read whole, and the part that was read does not contain the field.
    BeyondPeek,
}

/// Omits the value.
impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "Unread",
            Self::Absent => "Absent",
            Self::Found(_) => "Found(..)",
            Self::Ambiguous => "Ambiguous",
            Self::BeyondPeek => "BeyondPeek",
        })
    }
}

/// The results of searching the beginning of a form for the access token's CSRF field and the refresh token's CSRF
/// field. The two tokens may use different fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormTokens {
    /// The result for the access token's CSRF field.
    pub(crate) access: FormToken,
    /// The result for the refresh token's CSRF field.
    pub(crate) refresh: FormToken,
}

impl FormTokens {
    /// Returns the result for a kind of token.
    pub(crate) const fn of(&self, kind: TokenKind) -> &FormToken {
        match kind {
            TokenKind::Access => &self.access,
            TokenKind::Refresh => &self.refresh,
        }
    }
}

/// A form that is being read, chunk by chunk, until its CSRF field is found.
pub(crate) struct FormPeek {
    kind: Kind,
    /// The name of the access token's CSRF field.
    access_field: String,
    /// The name of the refresh token's CSRF field. `None` if both tokens use the same field.
    refresh_field: Option<String>,
    limit: usize,
    seen: Vec<u8>,
    scan_at: usize,
    found: Option<FormTokens>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    UrlEncoded,
    Multipart { boundary: Vec<u8> },
}

/// Omits the bytes that were read, because they may contain a password.
impl fmt::Debug for FormPeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormPeek").field("bytes", &self.seen.len()).field("found", &self.found).finish_non_exhaustive()
    }
}

impl FormPeek {
    /// Starts reading if the body is a form, that is, urlencoded or multipart with a boundary. Otherwise, returns
    /// `None`.
    pub(crate) fn start(head: &RequestHead<'_>, access_field: &str, refresh_field: &str, limit: usize) -> Option<Self> {
        let kind = kind_of(head)?;
        let refresh_field = (refresh_field != access_field).then(|| refresh_field.to_owned());
        let access_field = access_field.to_owned();
        Some(Self { kind, access_field, refresh_field, limit, seen: Vec::new(), scan_at: 1024, found: None })
    }

    pub(crate) fn is_form(head: &RequestHead<'_>) -> bool {
        kind_of(head).is_some()
    }

    /// Reads the next chunk and returns whether more chunks are needed. If the result is `false`, the chunk is not
    /// kept.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> bool {
        let (kept, room) = (self.seen.len(), self.limit - self.seen.len());
        self.seen.extend_from_slice(&chunk[..chunk.len().min(room)]);
        let full = chunk.len() >= room;
        // Scan again only when the length has doubled. Otherwise, a body of many small chunks would be scanned once per
        // chunk.
        if full || self.seen.len() >= self.scan_at {
            self.scan_at = self.seen.len() * 2;
            let mut found = self.scan(false);
            if full {
                for token in [&mut found.access, &mut found.refresh] {
                    if *token == FormToken::Absent {
                        *token = FormToken::BeyondPeek;
                    }
                }
            }
            if full || (found.access != FormToken::Absent && found.refresh != FormToken::Absent) {
                self.found = Some(found);
            }
        }
        if self.found.is_some() {
            self.seen.truncate(kept);
        }
        self.found.is_none()
    }

    /// Returns the result and the chunks that were kept. Call this method when the body has ended or [`Self::push`] has
    /// returned `false`.
    pub(crate) fn finish(mut self) -> (FormTokens, Vec<u8>) {
        let found = self.found.take().unwrap_or_else(|| self.scan(true));
        (found, self.seen)
    }

    fn scan(&self, complete: bool) -> FormTokens {
        let access = self.scan_for(&self.access_field, complete);
        let refresh = self.refresh_field.as_deref().map(|field| self.scan_for(field, complete));
        FormTokens { refresh: refresh.unwrap_or_else(|| access.clone()), access }
    }

    fn scan_for(&self, field: &str, complete: bool) -> FormToken {
        match &self.kind {
            Kind::UrlEncoded => {
                let end = if complete {
                    self.seen.len()
                } else {
                    // Stop before the last pair, because it may continue in the next chunk.
                    self.seen.iter().rposition(|byte| *byte == b'&').unwrap_or(0)
                };
                let pairs = form_urlencoded::parse(&self.seen[..end]);
                single(pairs.filter(|(name, _)| *name == field).map(|(_, value)| value.into_owned()))
            }
            Kind::Multipart { boundary } => {
                single(multipart::values(&self.seen, boundary, field.as_bytes()).map(|value| {
                    // If a value is not UTF-8, use a string that matches no CSRF value.
                    std::str::from_utf8(value).map(str::to_owned).unwrap_or_else(|_| "\u{fffd}".to_owned())
                }))
            }
        }
    }
}

fn single(mut values: impl Iterator<Item = String>) -> FormToken {
    match values.next() {
        None => FormToken::Absent,
        Some(first) if first.len() > MAX_VALUE || values.any(|other| other != first) => FormToken::Ambiguous,
        Some(first) => FormToken::Found(first),
    }
}

fn kind_of(head: &RequestHead<'_>) -> Option<Kind> {
    let content_type = head.header_text("content-type")?;
    let (media, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Some(Kind::UrlEncoded);
    }
    if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    // A boundary is 1 to 70 characters long (RFC 2046 section 5.1.1).
    (1..=70).contains(&boundary.len()).then(|| Kind::Multipart { boundary: boundary.as_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::limit::MAX_BYTES;
    use crate::testing::TestRequest;
    use proptest::prelude::*;

    const MULTIPART: &str = "multipart/form-data; boundary=\"edge\"";

    fn peek(content_type: &'static str, body: &[u8], chunk: usize) -> Option<FormToken> {
        let request = TestRequest::new("POST", "/").field("content-type", content_type);
        let mut peek = FormPeek::start(&request.head(), "csrf_token", "csrf_token", MAX_BYTES)?;
        let mut kept = 0;
        for chunk in body.chunks(chunk) {
            if !peek.push(chunk) {
                break;
            }
            kept += chunk.len();
        }
        let (found, chunks) = peek.finish();
        assert_eq!(chunks, &body[..kept]);
        Some(found.access)
    }

    fn part(disposition: &str, value: &str) -> String {
        format!("--edge\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n")
    }

    #[test]
    fn the_field_is_found_however_the_body_is_chunked() {
        let urlencoded = "a=1&csrf_token=to%2Bken&b=2";
        let multipart = format!(
            "{}{}{}--edge--\r\n",
            part("form-data; name=\"file\"; filename=\"csrf_token\"", "csrf_token=no"),
            part("form-data; name=\"csrf_token\"", "to+ken"),
            part("form-data; name=b", "2"),
        );
        for chunk in [1, 2, 7, 64, 4096] {
            let expected = Some(FormToken::Found("to+ken".into()));
            assert_eq!(peek("application/x-www-form-urlencoded", urlencoded.as_bytes(), chunk), expected);
            assert_eq!(peek(MULTIPART, multipart.as_bytes(), chunk), expected);
        }
    }

    #[test]
    fn other_content_types_are_left_alone() {
        assert_eq!(peek("application/json", b"{}", 9), None);
        assert_eq!(peek("multipart/form-data", b"", 9), None);
        assert_eq!(peek("application/x-www-form-urlencoded;charset=UTF-8", b"a=b", 9), Some(FormToken::Absent));
    }

    #[test]
    fn two_different_values_are_ambiguous() {
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(peek(kind, b"csrf_token=a&csrf_token=b", 99), Some(FormToken::Ambiguous));
        assert_eq!(peek(kind, b"csrf_token=a&csrf_token=a", 99), Some(FormToken::Found("a".into())));
    }

    #[test]
    fn two_fields_are_told_apart() {
        let request = TestRequest::new("POST", "/").field("content-type", "application/x-www-form-urlencoded");
        let mut peek = FormPeek::start(&request.head(), "one", "two", MAX_BYTES).unwrap();
        assert!(peek.push(b"one=a&x=y&"));
        assert!(peek.push(b"two=b"));
        let expected = FormTokens { access: FormToken::Found("a".into()), refresh: FormToken::Found("b".into()) };
        assert_eq!(peek.finish().0, expected);
    }

    #[test]
    fn a_body_over_the_limit_is_beyond_the_peek() {
        let body = vec![b'x'; MAX_BYTES * 3];
        assert_eq!(peek("application/x-www-form-urlencoded", &body, 1000), Some(FormToken::BeyondPeek));
        assert_eq!(peek(MULTIPART, &body, body.len()), Some(FormToken::BeyondPeek));
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..300), chunk in 1usize..50) {
            peek("application/x-www-form-urlencoded", &body, chunk);
            peek(MULTIPART, &body, chunk);
        }

        #[test]
        fn mangled_multipart_is_read_without_a_panic(
            body in "(--edge|\r\n|name=\"csrf_token\"|Content-Disposition: form-data; |[a-z;=\":-]){0,40}",
            chunk in 1usize..50,
        ) {
            peek(MULTIPART, body.as_bytes(), chunk);
        }
    }
}

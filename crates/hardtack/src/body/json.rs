//! Finds a token in a JSON body before the handler runs.

use std::fmt;

use serde_json::Value;

use crate::error::JsonMembers;
use crate::request::RequestHead;

/// The tokens in a JSON body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum JsonTokens {
    /// The body is not a JSON object.
    None,
    /// The body is too long to be read before the handler runs.
    BeyondPeek,
    /// The body is a JSON object whose members for tokens have these values.
    Read {
        /// The member that should contain the access token.
        access: Member,
        /// The member that should contain the refresh token.
        refresh: Member,
    },
}

/// A member of a JSON object.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// The member is missing, null, false, zero or empty. Flask-JWT-Extended treats all these cases alike.
    Absent,
    /// The member is present but is not a string.
    Unfit,
    /// The member occurs more than once.
    Twice,
    /// The member is a string that is not empty.
    Text(String),
}

/// Omits the values.
impl fmt::Debug for JsonTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::BeyondPeek => "BeyondPeek",
            Self::Read { .. } => "Read(..)",
        })
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Unfit => "Unfit",
            Self::Twice => "Twice",
            Self::Text(_) => "Text(..)",
        })
    }
}

/// A JSON body that is being read, chunk by chunk, until it ends or is too long.
pub(crate) struct JsonPeek {
    access_key: String,
    refresh_key: String,
    last_wins: bool,
    limit: usize,
    seen: Vec<u8>,
    too_long: bool,
}

/// Omits the bytes that were read, because they may contain a password.
impl fmt::Debug for JsonPeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonPeek").field("bytes", &self.seen.len()).finish_non_exhaustive()
    }
}

impl JsonPeek {
    /// Starts reading if the media type of the body is JSON. Otherwise, returns `None`.
    ///
    /// If the member for a token occurs more than once in the body, the token is refused, because another program, such
    /// as a proxy, might have read a different value. If `last_wins` is true, the last value is used instead, as in
    /// Flask-JWT-Extended.
    pub(crate) fn start(
        head: &RequestHead<'_>,
        access_key: &str,
        refresh_key: &str,
        last_wins: bool,
        limit: usize,
    ) -> Option<Self> {
        is_json(head).then(|| Self {
            access_key: access_key.to_owned(),
            refresh_key: refresh_key.to_owned(),
            last_wins,
            limit,
            seen: Vec::new(),
            too_long: false,
        })
    }

    /// Reads the next chunk and returns whether more chunks are needed. If the result is `false`, the chunk is not
    /// kept.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> bool {
        self.too_long |= chunk.len() > self.limit - self.seen.len();
        if self.too_long {
            return false;
        }
        self.seen.extend_from_slice(chunk);
        true
    }

    /// Returns the result and the chunks that were kept. Call this method when the body has ended or [`Self::push`] has
    /// returned `false`.
    pub(crate) fn finish(self) -> (JsonTokens, Vec<u8>) {
        (self.tokens(), self.seen)
    }

    fn tokens(&self) -> JsonTokens {
        if self.too_long {
            return JsonTokens::BeyondPeek;
        }
        let Ok(JsonMembers(members)) = serde_json::from_slice(&self.seen) else { return JsonTokens::None };
        let value = |key: &str| {
            let mut values = members.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
            let last = values.next_back();
            if values.next().is_none() || self.last_wins { Ok(last) } else { Err(()) }
        };
        let member = |key: &str| match value(key) {
            Err(()) => Member::Twice,
            Ok(value) => Member::of(value),
        };
        JsonTokens::Read { access: member(&self.access_key), refresh: member(&self.refresh_key) }
    }
}

impl Member {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null | Value::Bool(false)) => Self::Absent,
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => Self::Absent,
            Some(Value::String(text)) if text.is_empty() => Self::Absent,
            Some(Value::Array(items)) if items.is_empty() => Self::Absent,
            Some(Value::Object(members)) if members.is_empty() => Self::Absent,
            Some(Value::String(text)) => Self::Text(text.clone()),
            Some(_) => Self::Unfit,
        }
    }
}

/// Returns whether the media type of the body is `application/json`, or ends with `+json` (RFC 6839 section 3.1).
pub(crate) fn is_json(head: &RequestHead<'_>) -> bool {
    let content_type = head.header_text("content-type").unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::limit::MAX_BYTES;
    use crate::testing::TestRequest;
    use proptest::prelude::*;

    fn peek(body: &[u8], chunk: usize) -> JsonTokens {
        peek_with(false, body, chunk)
    }

    fn peek_with(last_wins: bool, body: &[u8], chunk: usize) -> JsonTokens {
        let request = TestRequest::new("POST", "/").field("content-type", "application/json; charset=utf-8");
        let mut peek = JsonPeek::start(&request.head(), "access_token", "refresh_token", last_wins, MAX_BYTES).unwrap();
        for chunk in body.chunks(chunk) {
            if !peek.push(chunk) {
                break;
            }
        }
        peek.finish().0
    }

    fn access(body: &str) -> Member {
        match peek(body.as_bytes(), 3) {
            JsonTokens::Read { access, .. } => access,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn members_are_found_however_the_body_is_chunked() {
        let body = br#"{"other": {"access_token": "no"}, "access_token": "a.b.c", "refresh_token": "d.e.f"}"#;
        for chunk in [1, 7, 999] {
            let expected =
                JsonTokens::Read { access: Member::Text("a.b.c".into()), refresh: Member::Text("d.e.f".into()) };
            assert_eq!(peek(body, chunk), expected);
        }
    }

    #[test]
    fn falsy_members_are_absent_and_other_types_unfit() {
        for absent in ["null", "false", "0", "\"\"", "[]", "{}"] {
            assert_eq!(access(&format!("{{\"access_token\": {absent}}}")), Member::Absent, "{absent}");
        }
        for unfit in ["true", "5", "[1]", "{\"a\": 1}"] {
            assert_eq!(access(&format!("{{\"access_token\": {unfit}}}")), Member::Unfit, "{unfit}");
        }
        for none in ["", "[1]", "5", "{", "{\"access_token\": \"a\"} x"] {
            assert_eq!(peek(none.as_bytes(), 2), JsonTokens::None, "{none}");
        }
    }

    #[test]
    fn s19_a_token_that_occurs_twice_in_a_body_is_refused() {
        for body in [
            r#"{"access_token":"a.b.c","access_token":"d.e.f"}"#,
            r#"{"access_token":"d.e.f","access_token":"d.e.f"}"#,
            r#"{"access_token":null,"x":1,"access_token":"d.e.f"}"#,
            r#"{"\u0061ccess_token":"a.b.c","access_token":"d.e.f"}"#,
        ] {
            assert_eq!(access(body), Member::Twice, "{body}");
            let expected = JsonTokens::Read { access: Member::Text("d.e.f".into()), refresh: Member::Absent };
            assert_eq!(peek_with(true, body.as_bytes(), 9), expected, "{body}");
        }
        // Members that do not contain tokens may occur twice, and so may members of nested objects, because they belong
        // to the application.
        let body = r#"{"x":1,"x":{"access_token":"n","access_token":"n"},"access_token":"a.b.c"}"#;
        assert_eq!(access(body), Member::Text("a.b.c".into()));
    }

    #[test]
    fn a_body_over_the_limit_is_beyond_the_peek() {
        let mut body = vec![b' '; MAX_BYTES - 2];
        body.extend_from_slice(b"{}");
        assert!(matches!(peek(&body, 1000), JsonTokens::Read { .. }));
        body.push(b' ');
        assert_eq!(peek(&body, 1000), JsonTokens::BeyondPeek);
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..300), chunk in 1usize..50) {
            peek(&body, chunk);
        }
    }
}

//! Says what is wrong with a JSON body, without repeating its values.

use std::fmt;

use serde::de::IgnoredAny;

/// The maximum length of a member's name in a message, in characters. Longer names are cut off.
const MAX_NAME: usize = 64;

/// serde_json reads at most 127 nested arrays and objects.
const MAX_DEPTH: usize = 127;

/// Why a body cannot be read as JSON.
///
/// The `Display` implementation returns a sentence to send to the client. The sentence can contain the name of a
/// member, but never a value, because a value might be a password.
///
/// ```
/// use hardtack::error::JsonFlaw;
///
/// let of = |body: &str| {
///     let error = serde_json::from_str::<serde_json::Value>(body).unwrap_err();
///     JsonFlaw::of(body.as_bytes(), &error).to_string()
/// };
/// assert_eq!(of("{\"age\": }"), "The body is not valid JSON. The error is at line 1, column 9.");
/// assert_eq!(of("{\"age\": 1e999}"), "The member \"age\" contains a number that is out of range.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonFlaw {
    /// The body is not JSON (RFC 8259).
    Syntax {
        /// The line of the error, counted from 1.
        line: usize,
        /// The column of the error in bytes, counted from 1, or 0 if the error is at the beginning of a line.
        column: usize,
    },
    /// The body is JSON, but is nested more than 127 levels deep. If the body is an object, this variant contains the
    /// name of the member that is too deep.
    TooDeep(Option<String>),
    /// The body is JSON, but contains a number that does not fit into a 64-bit floating-point number. If the body is an
    /// object, this variant contains the name of the member with that number.
    NumberOutOfRange(Option<String>),
    /// The body is valid JSON, but a member has the wrong type or is unacceptable for another reason. If the body is an
    /// object, this variant contains the member's name.
    WrongMember(Option<String>),
}

impl JsonFlaw {
    /// Finds out what is wrong with a body. `error` is the error that [`serde_json::from_slice`] returned for the body.
    pub fn of(body: &[u8], error: &serde_json::Error) -> Self {
        let scan = || Scan::of(body);
        if error.is_data() {
            let at = offset(body, error.line(), error.column());
            return Self::WrongMember(scan().name_before(at));
        }
        // serde_json applies no limits to values that it skips, so this fails only if the body is not JSON.
        if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
            let scan = scan();
            if let Some(at) = scan.too_deep {
                return Self::TooDeep(scan.name_before(at));
            }
            if let Some(at) = scan.out_of_range {
                return Self::NumberOutOfRange(scan.name_before(at));
            }
        }
        Self::Syntax { line: error.line(), column: error.column() }
    }
}

impl fmt::Display for JsonFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |name: &Option<String>| name.as_ref().map_or("body".to_owned(), |name| format!("member {name:?}"));
        match self {
            Self::Syntax { line, column } => {
                write!(f, "The body is not valid JSON. The error is at line {line}, column {column}.")
            }
            Self::TooDeep(name) => {
                write!(f, "The {} has more than {MAX_DEPTH} nested arrays and objects.", place(name))
            }
            Self::NumberOutOfRange(name) => write!(f, "The {} contains a number that is out of range.", place(name)),
            Self::WrongMember(Some(name)) => write!(f, "The member {name:?} has the wrong type."),
            Self::WrongMember(None) => f.write_str("The body must be a JSON object."),
        }
    }
}

/// Converts a line and a column, as serde_json reports them, to a byte offset.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let ends = body.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let start = std::iter::once(0).chain(ends).nth(line.saturating_sub(1)).unwrap_or_default();
    start + column
}

/// The result of scanning the bytes of valid JSON.
#[derive(Default)]
struct Scan {
    /// The names of the outermost object's members, each with the offset just past the name.
    names: Vec<(usize, String)>,
    /// The offset of the first array or object that is nested too deep.
    too_deep: Option<usize>,
    /// The offset of the first number that is out of range.
    out_of_range: Option<usize>,
}

impl Scan {
    fn of(body: &[u8]) -> Self {
        let mut scan = Self::default();
        let (mut at, mut depth, mut expects_name) = (0, 0_usize, false);
        while let Some(byte) = body.get(at) {
            let end = match byte {
                b'"' => end_of_string(body, at),
                b'-' | b'0'..=b'9' => end_of_number(body, at),
                _ => at + 1,
            };
            let token = body.get(at..end).unwrap_or_default();
            match byte {
                b'"' if depth == 1 && expects_name => {
                    if let Ok(name) = serde_json::from_slice::<String>(token) {
                        scan.names.push((end, name.chars().take(MAX_NAME).collect()));
                    }
                    expects_name = false;
                }
                b'-' | b'0'..=b'9' => {
                    let number = std::str::from_utf8(token).ok().and_then(|text| text.parse::<f64>().ok());
                    if number.is_some_and(f64::is_infinite) {
                        scan.out_of_range.get_or_insert(at);
                    }
                }
                b'{' | b'[' => {
                    depth += 1;
                    expects_name = depth == 1 && *byte == b'{';
                    if depth > MAX_DEPTH {
                        scan.too_deep.get_or_insert(at);
                    }
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                // A comma precedes a name only if the outermost value is an object, not an array.
                b',' if depth == 1 => expects_name = body.trim_ascii_start().starts_with(b"{"),
                _ => {}
            }
            at = end;
        }
        scan
    }

    /// Returns the name of the member whose value is at this offset.
    fn name_before(&self, at: usize) -> Option<String> {
        self.names.iter().rev().find(|(end, _)| *end <= at).map(|(_, name)| name.clone())
    }
}

/// Returns the offset just past the string that begins at `start`.
fn end_of_string(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Returns the offset just past the number that begins at `start`.
fn end_of_number(body: &[u8], start: usize) -> usize {
    let rest = body.get(start..).unwrap_or_default();
    let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    start + rest.iter().take_while(|byte| is_part(byte)).count()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only the errors are of interest")]
    struct Form {
        name: String,
        age: Option<f64>,
    }

    fn flaw<T: serde::de::DeserializeOwned>(body: &str) -> JsonFlaw {
        let error = serde_json::from_slice::<T>(body.as_bytes()).err().unwrap();
        JsonFlaw::of(body.as_bytes(), &error)
    }

    #[test]
    fn a_flaw_says_what_is_wrong_and_in_which_member() {
        let member = |name: &str| Some(name.to_owned());
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (body, expected) in [
            ("{".to_owned(), JsonFlaw::Syntax { line: 1, column: 1 }),
            ("{\n\"a\": nan}".to_owned(), JsonFlaw::Syntax { line: 2, column: 7 }),
            (r#"{"a": "\ud800"}"#.to_owned(), JsonFlaw::Syntax { line: 1, column: 14 }),
            ("1e999".to_owned(), JsonFlaw::NumberOutOfRange(None)),
            ("[1, -1E+400]".to_owned(), JsonFlaw::NumberOutOfRange(None)),
            (r#"{"a": "1e999 [[", "b": [1e999]}"#.to_owned(), JsonFlaw::NumberOutOfRange(member("b"))),
            (r#"{"a": {"c": 1}, "b\u0041": 1e999}"#.to_owned(), JsonFlaw::NumberOutOfRange(member("bA"))),
            (format!("{{\"a\": 1, \"b\": {}}}", deep(127)), JsonFlaw::TooDeep(member("b"))),
            (deep(128), JsonFlaw::TooDeep(None)),
        ] {
            assert_eq!(flaw::<serde_json::Value>(&body), expected, "{body}");
        }
        // The body is not valid JSON, so the error is about the syntax, not the number.
        assert!(matches!(flaw::<serde_json::Value>(r#"{"a": 1e999, "#), JsonFlaw::Syntax { line: 1, .. }));
        // serde_json has the same limit.
        assert!(serde_json::from_str::<serde_json::Value>(&deep(127)).is_ok());
        for (body, expected) in [
            (r#"{"age": 1, "name": 1}"#, JsonFlaw::WrongMember(member("name"))),
            ("{\n  \"name\": \"a\",\n  \"age\": \"old\"\n}", JsonFlaw::WrongMember(member("age"))),
            (r#"{"name": {"x": "y"}}"#, JsonFlaw::WrongMember(member("name"))),
            ("1", JsonFlaw::WrongMember(None)),
            (r#"{"name": 1e999}"#, JsonFlaw::NumberOutOfRange(member("name"))),
        ] {
            assert_eq!(flaw::<Form>(body), expected, "{body}");
        }
    }

    #[test]
    fn a_sentence_repeats_no_value() {
        for body in [r#"{"name": 1, "age": "hunter2"}"#, r#"{"age": "hunter2"}"#, r#"{"name": ["hunter2"]}"#] {
            let text = flaw::<Form>(body).to_string();
            assert!(text.starts_with("The member ") && !text.contains("hunter2"), "{text}");
        }
        let long = format!("{{\"{}\": 1e999}}", "x".repeat(500));
        assert!(flaw::<serde_json::Value>(&long).to_string().len() < 130);
    }
}

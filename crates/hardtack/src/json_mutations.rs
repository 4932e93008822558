//! JSON objects and compact JWSs that are valid except for a few random changes, for property tests.
//!
//! Most mutations keep the grammar intact, so the mutated text passes a parser's first checks and reaches the later
//! ones. Random bytes rarely get that far.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The members of a JSON object: names and values, both as JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Members(pub(crate) Vec<(String, String)>);

impl Members {
    pub(crate) fn new(members: &[(&str, &str)]) -> Self {
        Self(members.iter().map(|(name, value)| (format!("{name:?}"), (*value).to_owned())).collect())
    }

    /// Writes the object as JSON, with `space` around each name, around each value and around the whole object.
    pub(crate) fn to_json(&self, space: &str) -> String {
        let members: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{space}{name}{space}:{space}{value}{space}")).collect();
        format!("{space}{{{}}}{space}", members.join(","))
    }

    /// Returns the names, without escapes.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| serde_json::from_str(name).unwrap()).collect()
    }

    /// Returns whether any name occurs more than once.
    pub(crate) fn has_duplicates(&self) -> bool {
        let mut names = self.names();
        names.sort();
        let all = names.len();
        names.dedup();
        names.len() < all
    }

    /// Returns the value of the member with this name, which must be unique.
    pub(crate) fn get(&self, name: &str) -> Option<serde_json::Value> {
        let (_, value) = self.0.iter().find(|(own, _)| serde_json::from_str::<String>(own).unwrap() == name)?;
        Some(serde_json::from_str(value).unwrap())
    }
}

/// Values that a parser could easily mistake for other values.
const VALUES: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1e3",
    "1.5",
    "4000000000",
    "253402300800",
    "\"\"",
    "\" \"",
    "\"JWT\"",
    "\"application/jwt\"",
    "\"none\"",
    "\"hs256\"",
    "\"\\u0048S256\"",
    "\"sig\"",
    "\"a\\u0000b\"",
    "[]",
    "[\"verify\"]",
    "{}",
    "{\"alg\":\"none\",\"crit\":[]}",
    "\"\u{e9}\u{301}\u{202e}\"",
];

/// Returns `members` with up to three changes. Each change removes, repeats or moves a member, changes its value,
/// writes its name with an escape, or adds a member with one of the names in `others`.
pub(crate) fn changed(members: Members, others: &'static [&'static str]) -> impl Strategy<Value = Members> {
    let change = (0..7_u8, any::<Index>(), any::<Index>(), select(&VALUES[..]), select(others));
    vec(change, 0..4).prop_map(move |changes| {
        let Members(mut members) = members.clone();
        for (kind, at, to, value, other) in changes {
            if members.is_empty() {
                break;
            }
            let (at, to) = (at.index(members.len()), to.index(members.len()));
            match kind {
                0 => drop(members.remove(at)),
                1 => members.insert(to, members[at].clone()),
                2 => members.swap(at, to),
                3 => members[at].1 = value.to_owned(),
                4 => members[at].1 = members[to].1.clone(),
                // Keep the name, but write its first character as an escape.
                5 if members[at].0.is_char_boundary(2) => {
                    let first = members[at].0.as_bytes()[1];
                    if first.is_ascii_alphanumeric() {
                        members[at].0.replace_range(1..2, &format!("\\u{first:04x}"));
                    }
                }
                _ => members.insert(to, (format!("{other:?}"), value.to_owned())),
            }
        }
        Members(members)
    })
}

/// Whitespace of JSON.
pub(crate) fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t\r ")]
}

/// How a segment of a token is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Canonical base64url.
    Canonical,
    /// With padding, which is not allowed even if its length is right.
    Padded,
    /// With the last character replaced by a different one that decodes to the same bytes, if there is such a
    /// character.
    StrayBits,
    /// With a character that is not in the base64url alphabet.
    Foreign(u8),
    /// Without its last character.
    Cut,
}

pub(crate) fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        12 => Just(Spelling::Canonical),
        1 => Just(Spelling::Padded),
        1 => Just(Spelling::StrayBits),
        1 => select(&b" \n+/=,\0\xff\""[..]).prop_map(Spelling::Foreign),
        1 => Just(Spelling::Cut),
    ]
}

impl Spelling {
    /// Encodes `bytes`. Also returns whether the result is a canonical encoding, either of `bytes` or of a different
    /// byte string.
    pub(crate) fn encode(self, bytes: &[u8]) -> (Vec<u8>, bool) {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes).into_bytes();
        match self {
            Self::Canonical => {}
            Self::Padded => {
                text.push(b'=');
                text.resize(text.len().next_multiple_of(4), b'=');
            }
            Self::StrayBits => {
                let unused = [0, 0, 4, 2][text.len() % 4];
                if let Some(last) = text.last_mut().filter(|_| unused > 0) {
                    let value = ALPHABET.iter().position(|byte| byte == last).unwrap();
                    *last = ALPHABET[value | 1];
                }
            }
            Self::Foreign(byte) => text.insert(text.len() / 2, byte),
            Self::Cut => drop(text.pop()),
        }
        let canonical = text.iter().all(|byte| ALPHABET.contains(byte)) && text.len() % 4 != 1 && {
            let unused = [0, 0, 4, 2][text.len() % 4];
            let last = text.last().and_then(|last| ALPHABET.iter().position(|byte| byte == last)).unwrap_or(0);
            last & ((1 << unused) - 1) == 0
        };
        (text, canonical)
    }
}

#[test]
fn the_changes_reach_valid_and_invalid_texts() {
    let encoded = |spelling: Spelling, bytes: &[u8]| {
        let (text, canonical) = spelling.encode(bytes);
        (String::from_utf8_lossy(&text).into_owned(), canonical)
    };
    assert_eq!(encoded(Spelling::Canonical, b"{}"), ("e30".to_owned(), true));
    assert_eq!(encoded(Spelling::Padded, b"{}"), ("e30=".to_owned(), false));
    assert_eq!(encoded(Spelling::Padded, b"{}{"), ("e317====".to_owned(), false));
    assert_eq!(encoded(Spelling::StrayBits, b"{}"), ("e31".to_owned(), false));
    assert_eq!(encoded(Spelling::StrayBits, b"{}{"), ("e317".to_owned(), true));
    assert_eq!(encoded(Spelling::Cut, b"{}{"), ("e31".to_owned(), false));
    assert_eq!(encoded(Spelling::Cut, b"{}"), ("e3".to_owned(), false));
    let members = Members(vec![("\"a\"".into(), "1".into()), ("\"\\u0061\"".into(), "2".into())]);
    assert_eq!(members.to_json(" "), " { \"a\" : 1 , \"\\u0061\" : 2 } ");
    assert!(members.has_duplicates());
    assert!(!Members::new(&[("a", "1"), ("b", "1")]).has_duplicates());
}

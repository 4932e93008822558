//! The members of a JSON object, including duplicates.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The members of a JSON object, in the order in which they were sent. Unlike a [`serde_json::Map`], this type keeps
/// all members even if several have the same name, so you can refuse a body with duplicates. Parsers disagree about
/// which duplicate to use (RFC 8259 section 4).
///
/// ```
/// use hardtack::error::JsonMembers;
///
/// let JsonMembers(members) = serde_json::from_str(r#"{"role": "user", "role": "admin"}"#)?;
/// assert_eq!(members[0], ("role".to_owned(), "user".into()));
/// assert_eq!(members[1], ("role".to_owned(), "admin".into()));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct JsonMembers(pub Vec<(String, Value)>);

/// Omits the members, which may contain a password.
impl fmt::Debug for JsonMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonMembers").field("count", &self.0.len()).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for JsonMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = JsonMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<JsonMembers, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(JsonMembers(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_kept_in_order() {
        let read = |json: &str| serde_json::from_str::<JsonMembers>(json).map(|JsonMembers(members)| members);
        let sent = [("b".to_owned(), Value::from(1)), ("a".to_owned(), Value::Null), ("b".to_owned(), Value::from(2))];
        assert_eq!(read(r#"{"b": 1, "a": null, "\u0062": 2}"#).unwrap(), sent);
        assert_eq!(read("{}").unwrap(), []);
        for other in ["[]", "1", "null", "\"a\"", "{", "{} {}"] {
            assert!(read(other).is_err(), "{other}");
        }
        let secret = JsonMembers(vec![("password".to_owned(), Value::from("hunter2"))]);
        assert_eq!(format!("{secret:?}"), "JsonMembers { count: 1, .. }");
    }
}

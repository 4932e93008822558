//! Reads a JSON object strictly, in one pass. Refuses an object that has two members with the same name, at any depth.
//!
//! If two members have the same name, some parsers use the first and others use the last. Two programs could then read
//! different claims from the same token. RFC 7515 §4 and RFC 7519 §4 allow a reader to refuse such a token.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::jwt::error::TokenError;

/// A JSON value. Strings are borrowed from the text unless they contain escapes.
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative,
    Float(f64),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Returns the string, or `None` if the value has a different type.
    pub(in crate::jwt) fn into_string(self) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Parses `text` as one JSON object, and calls `each` once per member, in order, with the name and the value.
///
/// # Errors
/// [`TokenError::Malformed`] if the text is not one JSON object, [`TokenError::DuplicateMember`], or the error that
/// `each` returned.
pub(crate) fn read_object<'a, F>(text: &'a [u8], each: F) -> Result<(), TokenError>
where
    F: FnMut(&str, Json<'a>) -> Result<(), TokenError>,
{
    // serde's errors can contain only text, so this cell keeps the reason for a failure.
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let seed = ObjectSeed { each, fault: &fault };
    seed.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|_| fault.get().unwrap_or(TokenError::Malformed))
}

struct ObjectSeed<'f, F> {
    each: F,
    fault: &'f Cell<Option<TokenError>>,
}

impl<'a, F> DeserializeSeed<'a> for ObjectSeed<'_, F>
where
    F: FnMut(&str, Json<'a>) -> Result<(), TokenError>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a, F> Visitor<'a> for ObjectSeed<'_, F>
where
    F: FnMut(&str, Json<'a>) -> Result<(), TokenError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, members: M) -> Result<(), M::Error> {
        read_members(members, self.fault, |name, value| (self.each)(name, value))
    }
}

fn read_members<'a, M: MapAccess<'a>>(
    mut members: M,
    fault: &Cell<Option<TokenError>>,
    mut each: impl FnMut(&Cow<'a, str>, Json<'a>) -> Result<(), TokenError>,
) -> Result<(), M::Error> {
    let refuse = |reason| {
        fault.set(Some(reason));
        M::Error::custom(reason)
    };
    let mut names: Vec<Cow<'a, str>> = Vec::new();
    while let Some(name) = members.next_key_seed(NameSeed)? {
        let value = members.next_value_seed(JsonSeed { fault })?;
        each(&name, value).map_err(refuse)?;
        names.push(name);
    }
    // Sort the names and compare neighbors. Sorting is fast even if an attacker sends thousands of members.
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(refuse(TokenError::DuplicateMember));
    }
    Ok(())
}

/// Reads the name of a member. The name is borrowed from the text unless it contains escapes.
struct NameSeed;

impl<'a> DeserializeSeed<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

struct JsonSeed<'f> {
    fault: &'f Cell<Option<TokenError>>,
}

impl<'a> DeserializeSeed<'a> for JsonSeed<'_> {
    type Value = Json<'a>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for JsonSeed<'_> {
    type Value = Json<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Json::Negative, Json::Unsigned))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(JsonSeed { fault: self.fault })? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<M: MapAccess<'a>>(self, members: M) -> Result<Self::Value, M::Error> {
        let mut object = Vec::new();
        read_members(members, self.fault, |name, value| {
            object.push((name.clone(), value));
            Ok(())
        })?;
        Ok(Json::Object(object))
    }
}

//! Values of the types that SQLite and PostgreSQL have in common.

use std::borrow::Cow;
use std::fmt;

/// A value for a placeholder in a [`Statement`](crate::Statement). `Debug` shows only the value's type, because the
/// value might be a secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'q> {
    /// `BOOLEAN`; 0 or 1 in SQLite.
    Bool(bool),
    /// `BIGINT`; `INTEGER` in SQLite.
    Integer(Option<i64>),
    /// `TEXT`. PostgreSQL rejects text that contains a NUL character.
    Text(Option<Cow<'q, str>>),
    /// `BYTEA`; `BLOB` in SQLite.
    Bytes(Cow<'q, [u8]>),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool(..)",
            Self::Integer(_) => "Integer(..)",
            Self::Text(_) => "Text(..)",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Cow::Owned))
    }
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(value: &'q str) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(value: &'q String) -> Self {
        Self::from(value.as_str())
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(value: Option<&'q str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

impl<'q> From<Option<Cow<'q, str>>> for Value<'q> {
    fn from(value: Option<Cow<'q, str>>) -> Self {
        Self::Text(value)
    }
}

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(value: &'q [u8]) -> Self {
        Self::Bytes(value.into())
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value.into())
    }
}

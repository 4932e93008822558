//! SQL that both databases understand, with its values.

use std::borrow::Cow;

use sqlx::{SqlSafeStr, SqlStr};

/// A statement with its values, for whichever database it is run on.
///
/// Placeholders are `$1`, `$2`, …, which SQLite and PostgreSQL both know.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'q> {
    pub(crate) sql: SqlStr,
    pub(crate) values: Vec<Value<'q>>,
}

impl<'q> Statement<'q> {
    /// SQL without its values yet.
    pub fn new(sql: impl SqlSafeStr) -> Self {
        Self { sql: sql.into_sql_str(), values: Vec::new() }
    }

    /// Adds the value of the next placeholder.
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A value of a [`Statement`]: of the kinds that SQLite and PostgreSQL both have. No `Debug` of what is
/// in it, since it may be a secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'q> {
    /// `BOOLEAN`; 0 or 1 in SQLite.
    Bool(bool),
    /// `BIGINT`, or `INTEGER` in SQLite.
    Integer(Option<i64>),
    /// `TEXT`, without NUL, which PostgreSQL does not take.
    Text(Option<Cow<'q, str>>),
    /// `BYTEA`, or `BLOB` in SQLite.
    Bytes(Cow<'q, [u8]>),
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

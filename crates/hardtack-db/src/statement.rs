//! SQL with its values.

use sqlx::{SqlSafeStr, SqlStr};

use crate::value::Value;

/// An SQL statement with its values, for SQLite or PostgreSQL.
///
/// The values replace `$1`, `$2`, … in the SQL. Both SQLite and PostgreSQL understand these placeholders.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'q> {
    /// The SQL for both databases, or for SQLite alone if `postgres` is set.
    sql: SqlStr,
    postgres: Option<&'static str>,
    values: Vec<Value<'q>>,
}

impl<'q> Statement<'q> {
    /// Creates a statement from SQL that both databases understand. Add its values with [`Self::bind`].
    pub fn new(sql: impl SqlSafeStr) -> Self {
        Self { sql: sql.into_sql_str(), postgres: None, values: Vec::new() }
    }

    /// Creates a statement with different SQL for each database. Both SQL strings must use the same placeholders.
    pub fn per_database(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sql: sqlite.into_sql_str(), postgres: Some(postgres), values: Vec::new() }
    }

    /// Adds the value for the next placeholder.
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn for_sqlite(self) -> (SqlStr, Vec<Value<'q>>) {
        (self.sql, self.values)
    }

    /// Returns whether the statement for PostgreSQL is a `SELECT`.
    #[cfg(feature = "postgres")]
    pub(crate) fn only_reads(&self) -> bool {
        self.postgres.unwrap_or_else(|| self.sql.as_str()).trim_start().starts_with("SELECT ")
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn for_postgres(self) -> (SqlStr, Vec<Value<'q>>) {
        (self.postgres.map_or(self.sql, SqlStr::from_static), self.values)
    }
}

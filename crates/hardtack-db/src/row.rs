//! Types that a database row can be read into.

/// A type that a row from either database can be read into.
///
/// Tuples of column types implement this trait. A struct implements this trait if it implements sqlx's `FromRow` for
/// the row type of each enabled database: `SqliteRow` (feature `sqlite`) and `PgRow` (feature `postgres`).
pub trait FromAnyRow: sqlite::FromSqliteRow + postgres::FromPgRow + Send + Unpin {}

impl<T: sqlite::FromSqliteRow + postgres::FromPgRow + Send + Unpin> FromAnyRow for T {}

#[cfg(feature = "sqlite")]
mod sqlite {
    use sqlx::FromRow;
    use sqlx::sqlite::SqliteRow;

    pub trait FromSqliteRow: for<'r> FromRow<'r, SqliteRow> {}
    impl<T: for<'r> FromRow<'r, SqliteRow>> FromSqliteRow for T {}
}

#[cfg(not(feature = "sqlite"))]
mod sqlite {
    pub trait FromSqliteRow {}
    impl<T> FromSqliteRow for T {}
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::FromRow;
    use sqlx::postgres::PgRow;

    pub trait FromPgRow: for<'r> FromRow<'r, PgRow> {}
    impl<T: for<'r> FromRow<'r, PgRow>> FromPgRow for T {}
}

#[cfg(not(feature = "postgres"))]
mod postgres {
    pub trait FromPgRow {}
    impl<T> FromPgRow for T {}
}

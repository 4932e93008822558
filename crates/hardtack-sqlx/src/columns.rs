//! What a statement answers.

/// A row of a statement's answer: a tuple of what its columns hold, each of a type that every database
/// of this build can read. Implemented for all that qualifies.
pub trait Columns: of_sqlite::Columns + of_postgres::Columns + Send + Unpin {}

impl<T: of_sqlite::Columns + of_postgres::Columns + Send + Unpin> Columns for T {}

#[cfg(feature = "sqlite")]
mod of_sqlite {
    use sqlx::FromRow;
    use sqlx::sqlite::SqliteRow;

    pub trait Columns: for<'r> FromRow<'r, SqliteRow> {}
    impl<T: for<'r> FromRow<'r, SqliteRow>> Columns for T {}
}

#[cfg(not(feature = "sqlite"))]
mod of_sqlite {
    pub trait Columns {}
    impl<T> Columns for T {}
}

#[cfg(feature = "postgres")]
mod of_postgres {
    use sqlx::FromRow;
    use sqlx::postgres::PgRow;

    pub trait Columns: for<'r> FromRow<'r, PgRow> {}
    impl<T: for<'r> FromRow<'r, PgRow>> Columns for T {}
}

#[cfg(not(feature = "postgres"))]
mod of_postgres {
    pub trait Columns {}
    impl<T> Columns for T {}
}

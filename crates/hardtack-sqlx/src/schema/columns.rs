//! The columns of the `sessions` table.

use std::sync::{Arc, LazyLock};

use hardtack::clock::Timestamp;
use hardtack::session::Session;
use hardtack_db::Statement;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, FromRow, Row, Type};

use super::error::RowError;
use super::values::{decode_id, is_storable, to_signed, to_storable, to_unsigned};

/// Generates everything that depends on the list of columns: the type [`SessionRow`], the code that reads and inserts a
/// row, and the macro `session_columns!()`, which lists the columns for `SELECT` and `RETURNING`.
macro_rules! session_row {
    ($first:ident: $first_type:ty, $($column:ident: $type:ty,)*) => {
        /// A row of the `sessions` table, in SQLite or PostgreSQL.
        #[cfg_attr(test, derive(Default))]
        pub(crate) struct SessionRow {
            $first: $first_type,
            $($column: $type,)*
        }

        /// The names of all columns, separated by commas.
        macro_rules! column_list {
            () => { concat!(stringify!($first) $(, ", ", stringify!($column))*) };
        }

        const COLUMN_COUNT: usize = [stringify!($first) $(, stringify!($column))*].len();

        impl SessionRow {
            fn bind_to(self, statement: Statement<'static>) -> Statement<'static> {
                statement.bind(self.$first)$(.bind(self.$column))*
            }
        }

        impl<'r, R: Row> FromRow<'r, R> for SessionRow
        where
            for<'i> &'i str: ColumnIndex<R>,
            String: Decode<'r, R::Database> + Type<R::Database>,
            Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
            i64: Decode<'r, R::Database> + Type<R::Database>,
            bool: Decode<'r, R::Database> + Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $first: row.try_get(stringify!($first))?,
                    $($column: row.try_get(stringify!($column))?,)*
                })
            }
        }
    };
}

session_row! {
    id: String,
    subject: String,
    generation: i64,
    created_at: i64,
    rotated_at: i64,
    confirmed: bool,
    expires_at: i64,
    absolute_expires_at: i64,
    auth_time: i64,
    salt: Vec<u8>,
    claims: Option<String>,
    user_agent: Option<String>,
    address: Option<String>,
    revoked_at: Option<i64>,
    persistent: bool,
    replaced: bool,
    outdated_generation: i64,
    bound_key: Option<String>,
    bound_at: Option<i64>,
}
pub(crate) use column_list as session_columns;

/// `INSERT INTO sessions (id, …) VALUES ($1, …)`
static INSERT: LazyLock<Arc<str>> = LazyLock::new(|| {
    let placeholders: Vec<String> = (1..=COLUMN_COUNT).map(|number| format!("${number}")).collect();
    format!("INSERT INTO sessions ({}) VALUES ({})", column_list!(), placeholders.join(", ")).into()
});

impl SessionRow {
    /// Converts a session to a row.
    pub(crate) fn encode(session: &Session) -> Result<Self, RowError> {
        if !is_storable(&session.subject) {
            return Err(RowError::Subject { id: session.id.to_string() });
        }
        let text = |text: &Option<String>| text.as_deref().map(|text| to_storable(text).into_owned());
        Ok(Self {
            id: session.id.to_string(),
            subject: session.subject.clone(),
            generation: to_signed(session.id, "generation", session.generation)?,
            created_at: session.created_at.unix_seconds(),
            rotated_at: session.rotated_at.unix_seconds(),
            confirmed: session.confirmed,
            expires_at: session.expires_at.unix_seconds(),
            absolute_expires_at: session.absolute_expires_at.unix_seconds(),
            auth_time: session.auth_time.unix_seconds(),
            salt: session.salt.to_vec(),
            claims: text(&session.claims),
            user_agent: text(&session.user_agent),
            address: text(&session.address),
            revoked_at: session.revoked_at.map(Timestamp::unix_seconds),
            persistent: session.persistent,
            replaced: session.replaced,
            outdated_generation: to_signed(session.id, "outdated_generation", session.outdated_generation)?,
            bound_key: text(&session.bound_key),
            bound_at: session.bound_at.map(Timestamp::unix_seconds),
        })
    }

    /// Converts the row to a session.
    pub(crate) fn decode(self) -> Result<Session, RowError> {
        let id = self.id;
        let salt =
            <[u8; 16]>::try_from(self.salt).map_err(|salt| RowError::Salt { id: id.clone(), length: salt.len() })?;
        let mut session =
            Session::from_stored(decode_id(&id)?, self.subject, Timestamp::from_unix_seconds(self.created_at), salt);
        session.generation = to_unsigned(&id, "generation", self.generation)?;
        session.rotated_at = Timestamp::from_unix_seconds(self.rotated_at);
        session.confirmed = self.confirmed;
        session.expires_at = Timestamp::from_unix_seconds(self.expires_at);
        session.absolute_expires_at = Timestamp::from_unix_seconds(self.absolute_expires_at);
        session.auth_time = Timestamp::from_unix_seconds(self.auth_time);
        session.claims = self.claims;
        session.user_agent = self.user_agent;
        session.address = self.address;
        session.revoked_at = self.revoked_at.map(Timestamp::from_unix_seconds);
        session.persistent = self.persistent;
        session.replaced = self.replaced;
        session.outdated_generation = to_unsigned(&id, "outdated_generation", self.outdated_generation)?;
        session.bound_key = self.bound_key;
        session.bound_at = self.bound_at.map(Timestamp::from_unix_seconds);
        Ok(session)
    }

    /// Returns the statement that inserts the row.
    pub(crate) fn insert(self) -> Statement<'static> {
        self.bind_to(Statement::new(AssertSqlSafe(Arc::clone(&INSERT))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> SessionRow {
        let id = "0123456789abcdef0123456789abcdef".into();
        SessionRow { id, subject: "alice".into(), generation: 1, salt: vec![0; 16], ..SessionRow::default() }
    }

    fn error(damage: impl FnOnce(&mut SessionRow)) -> String {
        let mut row = row();
        damage(&mut row);
        row.decode().unwrap_err().to_string()
    }

    #[test]
    fn a_damaged_row_is_an_error_that_says_what_is_wrong() {
        assert!(row().decode().is_ok());
        assert_eq!(
            error(|row| row.id = "0123456789ABCDEF0123456789ABCDEF".into()),
            "a stored session id is \"0123456789ABCDEF0123456789ABCDEF\"; expected 32 lower-case hexadecimal digits"
        );
        assert_eq!(
            error(|row| row.generation = -1),
            "session 0123456789abcdef0123456789abcdef: generation is -1; expected at least 0"
        );
        assert_eq!(
            error(|row| row.salt = vec![0; 17]),
            "session 0123456789abcdef0123456789abcdef: the salt has 17 bytes; expected 16"
        );
    }
}

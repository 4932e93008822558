//! A row, and the session in it.

use std::borrow::Cow;

use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::Session;
use hardtack::session::{Revocation, RevocationKind, RevocationPage};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::error::RowError;

/// The columns of `sessions` in the order of the statement that inserts.
macro_rules! columns {
    () => {
        "id, subject, generation, created_at, rotated_at, confirmed, expires_at, absolute_expires_at, \
         auth_time, salt, claims, user_agent, address, revoked_at, persistent, replaced, outdated_generation"
    };
}
pub(crate) use columns;

/// A row of `sessions`, of whichever database.
#[cfg_attr(test, derive(Default))]
pub(crate) struct Columns {
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
}

/// By hand, since tuples end at sixteen columns.
impl<'r, R: Row> FromRow<'r, R> for Columns
where
    for<'i> &'i str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            subject: row.try_get("subject")?,
            generation: row.try_get("generation")?,
            created_at: row.try_get("created_at")?,
            rotated_at: row.try_get("rotated_at")?,
            confirmed: row.try_get("confirmed")?,
            expires_at: row.try_get("expires_at")?,
            absolute_expires_at: row.try_get("absolute_expires_at")?,
            auth_time: row.try_get("auth_time")?,
            salt: row.try_get("salt")?,
            claims: row.try_get("claims")?,
            user_agent: row.try_get("user_agent")?,
            address: row.try_get("address")?,
            revoked_at: row.try_get("revoked_at")?,
            persistent: row.try_get("persistent")?,
            replaced: row.try_get("replaced")?,
            outdated_generation: row.try_get("outdated_generation")?,
        })
    }
}

/// A row of a page of the log: its head, and an entry unless there is none, with the generation that is
/// outdated unless the session has ended.
pub(crate) type LogColumns = (i64, Option<i64>, Option<String>, Option<i64>, Option<bool>, Option<i64>);

/// The session in a row.
pub(crate) fn decode(row: Columns) -> Result<Session, RowError> {
    let id = row.id;
    let salt = <[u8; 16]>::try_from(row.salt).map_err(|salt| RowError::Salt { id: id.clone(), length: salt.len() })?;
    let mut session =
        Session::from_stored(decode_id(&id)?, row.subject, Timestamp::from_unix_seconds(row.created_at), salt);
    session.generation = unsigned(&id, "generation", row.generation)?;
    session.rotated_at = Timestamp::from_unix_seconds(row.rotated_at);
    session.confirmed = row.confirmed;
    session.expires_at = Timestamp::from_unix_seconds(row.expires_at);
    session.absolute_expires_at = Timestamp::from_unix_seconds(row.absolute_expires_at);
    session.auth_time = Timestamp::from_unix_seconds(row.auth_time);
    session.claims = row.claims;
    session.user_agent = row.user_agent;
    session.address = row.address;
    session.revoked_at = row.revoked_at.map(Timestamp::from_unix_seconds);
    session.persistent = row.persistent;
    session.replaced = row.replaced;
    session.outdated_generation = unsigned(&id, "outdated_generation", row.outdated_generation)?;
    Ok(session)
}

/// A session and a generation of it.
pub(crate) fn decode_generation((id, generation): (String, i64)) -> Result<(SessionId, u64), RowError> {
    Ok((decode_id(&id)?, unsigned(&id, "generation", generation)?))
}

/// The page of the log in its rows.
pub(crate) fn decode_page(rows: Vec<LogColumns>) -> Result<RevocationPage, RowError> {
    let mut page = RevocationPage::default();
    for (head, sequence, session, at, replaced, outdated) in rows {
        page.head = unsigned("revocation_head", "sequence", head)?;
        if let (Some(sequence), Some(session), Some(at), Some(replaced)) = (sequence, session, at, replaced) {
            let kind = match outdated {
                Some(generation) => {
                    RevocationKind::Outdated(unsigned(&session, "its generation in the log", generation)?)
                }
                None if replaced => RevocationKind::Replaced,
                None => RevocationKind::Ended,
            };
            let sequence = unsigned(&session, "its sequence in the log", sequence)?;
            let at = Timestamp::from_unix_seconds(at);
            page.entries.push(Revocation::new(sequence, decode_id(&session)?, at, kind));
        }
    }
    Ok(page)
}

/// The id in a row.
pub(crate) fn decode_id(id: &str) -> Result<SessionId, RowError> {
    id.parse().map_err(|_| RowError::Id(id.into()))
}

/// A session's generation as its column holds it.
pub(crate) fn encode_generation(id: SessionId, value: u64) -> Result<i64, RowError> {
    i64::try_from(value).map_err(|_| RowError::Generation { id: id.to_string(), value })
}

/// A session's subject as its column holds it.
pub(crate) fn encode_subject(session: &Session) -> Result<&str, RowError> {
    if is_text(&session.subject) { Ok(&session.subject) } else { Err(RowError::Subject { id: session.id.to_string() }) }
}

/// Whether a text can be in a row: PostgreSQL takes no NUL.
pub(crate) fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// A text that a client chose, such as its browser's name: a NUL in it is shown as what it is, unreadable.
pub(crate) fn encode_text(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(|text| if is_text(text) { text.into() } else { text.replace('\0', "\u{fffd}").into() })
}

fn unsigned(id: &str, column: &'static str, value: i64) -> Result<u64, RowError> {
    u64::try_from(value).map_err(|_| RowError::Negative { id: id.into(), column, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let id = "0123456789abcdef0123456789abcdef".into();
        Columns { id, subject: "alice".into(), generation: 1, salt: vec![0; 16], ..Columns::default() }
    }

    fn error(spoil: impl FnOnce(&mut Columns)) -> String {
        let mut row = columns();
        spoil(&mut row);
        decode(row).unwrap_err().to_string()
    }

    #[test]
    fn a_row_that_nobody_wrote_is_an_error_that_says_what_is_wrong() {
        assert!(decode(columns()).is_ok());
        assert_eq!(
            error(|row| row.id = "0123456789ABCDEF0123456789ABCDEF".into()),
            "a session's id is \"0123456789ABCDEF0123456789ABCDEF\"; expected 32 lower-case hexadecimal digits"
        );
        assert_eq!(
            error(|row| row.generation = -1),
            "session 0123456789abcdef0123456789abcdef: generation is -1; expected no negative number"
        );
        assert_eq!(
            error(|row| row.salt = vec![0; 17]),
            "session 0123456789abcdef0123456789abcdef: the salt has 17 bytes; expected 16"
        );
    }

    #[test]
    fn a_number_beyond_the_column_is_refused() {
        let error = encode_generation(SessionId::random(), u64::MAX).unwrap_err().to_string();
        assert!(error.ends_with("is too large; the largest is 2^63 - 1"), "{error}");
    }
}

//! A row, and the session in it.

use std::borrow::Cow;

use hardtack::session::{Revocation, RevocationPage};
use hardtack::{Session, SessionId, Timestamp};

use crate::error::RowError;

/// The columns of `sessions` in the order of [`Columns`] and of the statement that inserts.
macro_rules! columns {
    () => {
        "id, subject, generation, created_at, rotated_at, confirmed, expires_at, absolute_expires_at, \
         auth_time, salt, claims, user_agent, address, revoked_at, persistent, replaced"
    };
}
pub(crate) use columns;

/// A row of `sessions`. A tuple, since every database's rows decode into tuples.
pub(crate) type Columns = (
    String,
    String,
    i64,
    i64,
    i64,
    bool,
    i64,
    i64,
    i64,
    Vec<u8>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    bool,
    bool,
);

/// A row of a page of the log: its head, and an entry unless there is none.
pub(crate) type LogColumns = (i64, Option<i64>, Option<String>, Option<i64>, Option<bool>);

/// The session in a row.
pub(crate) fn decode(columns: Columns) -> Result<Session, RowError> {
    let (
        id,
        subject,
        generation,
        created_at,
        rotated_at,
        confirmed,
        expires_at,
        absolute_expires_at,
        auth_time,
        salt,
        claims,
        user_agent,
        address,
        revoked_at,
        persistent,
        replaced,
    ) = columns;
    let salt = <[u8; 16]>::try_from(salt).map_err(|salt| RowError::Salt { id: id.clone(), length: salt.len() })?;
    Ok(Session {
        id: decode_id(&id)?,
        subject,
        generation: unsigned(&id, "generation", generation)?,
        created_at: Timestamp::from_unix_seconds(created_at),
        rotated_at: Timestamp::from_unix_seconds(rotated_at),
        confirmed,
        expires_at: Timestamp::from_unix_seconds(expires_at),
        absolute_expires_at: Timestamp::from_unix_seconds(absolute_expires_at),
        auth_time: Timestamp::from_unix_seconds(auth_time),
        salt,
        claims,
        user_agent,
        address,
        revoked_at: revoked_at.map(Timestamp::from_unix_seconds),
        persistent,
        replaced,
    })
}

/// The page of the log in its rows.
pub(crate) fn decode_page(rows: Vec<LogColumns>) -> Result<RevocationPage, RowError> {
    let mut page = RevocationPage::default();
    for (head, sequence, session, at, replaced) in rows {
        page.head = unsigned("revocation_head", "sequence", head)?;
        if let (Some(sequence), Some(session), Some(at), Some(replaced)) = (sequence, session, at, replaced) {
            page.entries.push(Revocation {
                sequence: unsigned(&session, "its sequence in the log", sequence)?,
                session: decode_id(&session)?,
                at: Timestamp::from_unix_seconds(at),
                replaced,
            });
        }
    }
    Ok(page)
}

/// The id in a row.
pub(crate) fn decode_id(id: &str) -> Result<SessionId, RowError> {
    id.parse().map_err(|_| RowError::Id(id.into()))
}

/// A session's generation as its column holds it.
pub(crate) fn encode_generation(session: &Session) -> Result<i64, RowError> {
    let value = session.generation;
    i64::try_from(value).map_err(|_| RowError::Generation { id: session.id.to_string(), value })
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
    use hardtack::session::SessionRules;

    fn columns() -> Columns {
        let id = "0123456789abcdef0123456789abcdef".into();
        (id, "alice".into(), 1, 0, 0, true, 0, 0, 0, vec![0; 16], None, None, None, None, false, false)
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
            error(|row| row.0 = "0123456789ABCDEF0123456789ABCDEF".into()),
            "a session's id is \"0123456789ABCDEF0123456789ABCDEF\"; expected 32 lower-case hexadecimal digits"
        );
        assert_eq!(
            error(|row| row.2 = -1),
            "session 0123456789abcdef0123456789abcdef: generation is -1; expected no negative number"
        );
        assert_eq!(
            error(|row| row.9 = vec![0; 17]),
            "session 0123456789abcdef0123456789abcdef: the salt has 17 bytes; expected 16"
        );
    }

    #[test]
    fn a_number_beyond_the_column_is_refused() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let session = Session { generation: u64::MAX, ..Session::begin("alice", now, &SessionRules::default()) };
        assert!(
            encode_generation(&session).unwrap_err().to_string().ends_with("is too large; the largest is 2^63 - 1")
        );
    }
}

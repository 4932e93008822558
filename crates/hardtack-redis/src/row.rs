//! The format of rows and log entries.
//!
//! A row is a string that consists of three parts:
//! 1. A line with the version of the format, which is 1, and the fields that the scripts read and change: `1 generation
//!    rotated_at confirmed expires_at absolute_expires_at auth_time revoked_at length`. `revoked_at` is the time at
//!    which the session ended, in Unix seconds, or `-` if the session has not ended. If a new session replaced the
//!    ended one, the letter `r` follows the time.
//! 2. The subject, which is `length` bytes long.
//! 3. The session's other fields, as JSON ([`Details`]).

use std::str::FromStr;

use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::Session;
use hardtack::session::{Revocation, RevocationKind};
use serde::{Deserialize, Serialize};

use crate::error::RowError;

/// The third part of a session's row in Redis. Only `outdate.lua` and `bind.lua` change it. The other scripts only read
/// `created_at` and check whether `bound_key` is present.
#[derive(Serialize, Deserialize)]
struct Details {
    created_at: i64,
    persistent: bool,
    salt: String,
    claims: Option<String>,
    user_agent: Option<String>,
    address: Option<String>,
    /// Stored as text, because numbers in Lua are exact only up to 53 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outdated_generation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_at: Option<i64>,
}

pub(crate) fn encode(session: &Session) -> Result<Vec<u8>, serde_json::Error> {
    let details = Details {
        created_at: session.created_at.unix_seconds(),
        persistent: session.persistent,
        salt: format!("{:032x}", u128::from_be_bytes(session.salt)),
        claims: session.claims.clone(),
        user_agent: session.user_agent.clone(),
        address: session.address.clone(),
        outdated_generation: (session.outdated_generation > 0).then(|| session.outdated_generation.to_string()),
        bound_key: session.bound_key.clone(),
        bound_at: session.bound_at.map(Timestamp::unix_seconds),
    };
    let mut row = format!(
        "1 {} {} {} {} {} {} {} {}\n{}",
        session.generation,
        session.rotated_at,
        u8::from(session.confirmed),
        session.expires_at,
        session.absolute_expires_at,
        session.auth_time,
        revoked_at(session),
        session.subject.len(),
        session.subject,
    )
    .into_bytes();
    serde_json::to_writer(&mut row, &details)?;
    Ok(row)
}

/// Returns the field `revoked_at`: when the session ended, and whether it was replaced.
fn revoked_at(session: &Session) -> String {
    let replaced = session.replaced && session.revoked_at.is_some();
    time(session.revoked_at) + if replaced { "r" } else { "" }
}

/// Formats a time as the Lua scripts do: Unix seconds, or `-` if there is no time.
pub(crate) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

pub(crate) fn decode(id: SessionId, row: &[u8]) -> Result<Session, RowError> {
    let version = || RowError::Version { id: id.to_string() };
    let row = std::str::from_utf8(row).map_err(|_| version())?;
    let (line, body) = row.split_once('\n').ok_or_else(version)?;
    let fields: Vec<&str> = line.split(' ').collect();
    let ["1", generation, rotated_at, confirmed, expires_at, absolute_expires_at, auth_time, revoked_at, length] =
        fields[..]
    else {
        return Err(version());
    };
    let (revoked_at, replaced) = revoked_at.strip_suffix('r').map_or((revoked_at, false), |at| (at, true));
    let length: usize = number(id, "the subject's length", length)?;
    let (subject, details) =
        body.split_at_checked(length).ok_or_else(|| RowError::Field { id: id.to_string(), field: "the subject" })?;
    let details: Details =
        serde_json::from_str(details).map_err(|source| RowError::Details { id: id.to_string(), source })?;
    let mut session =
        Session::from_stored(id, subject, Timestamp::from_unix_seconds(details.created_at), salt(id, &details.salt)?);
    session.generation = number(id, "generation", generation)?;
    session.rotated_at = timestamp(id, "rotated_at", rotated_at)?;
    session.confirmed = number::<u8>(id, "confirmed", confirmed)? == 1;
    session.expires_at = timestamp(id, "expires_at", expires_at)?;
    session.absolute_expires_at = timestamp(id, "absolute_expires_at", absolute_expires_at)?;
    session.auth_time = timestamp(id, "auth_time", auth_time)?;
    session.persistent = details.persistent;
    session.replaced = replaced;
    session.outdated_generation = match details.outdated_generation {
        None => 0,
        Some(generation) => number(id, "outdated_generation", &generation)?,
    };
    session.bound_key = details.bound_key;
    session.bound_at = details.bound_at.map(Timestamp::from_unix_seconds);
    session.claims = details.claims;
    session.user_agent = details.user_agent;
    session.address = details.address;
    session.revoked_at = match revoked_at {
        "-" => None,
        at => Some(timestamp(id, "revoked_at", at)?),
    };
    Ok(session)
}

fn number<T: FromStr>(id: SessionId, field: &'static str, text: &str) -> Result<T, RowError> {
    text.parse().map_err(|_| RowError::Field { id: id.to_string(), field })
}

fn timestamp(id: SessionId, field: &'static str, text: &str) -> Result<Timestamp, RowError> {
    number(id, field, text).map(Timestamp::from_unix_seconds)
}

fn salt(id: SessionId, text: &str) -> Result<[u8; 16], RowError> {
    let bits = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    bits.map(u128::to_be_bytes).ok_or_else(|| RowError::Field { id: id.to_string(), field: "the salt" })
}

/// Parses a session id.
pub(crate) fn decode_id(text: &str) -> Result<SessionId, RowError> {
    text.parse().map_err(|_| RowError::Field { id: text.to_owned(), field: "the id" })
}

/// Parses a session id and a generation number.
pub(crate) fn decode_generation(id: &str, generation: &str) -> Result<(SessionId, u64), RowError> {
    let id = decode_id(id)?;
    Ok((id, number(id, "generation", generation)?))
}

/// A log entry: its stream id and its fields. The id is `0-` followed by the sequence number. `append` (in `log.lua`)
/// determines the order of the fields.
pub(crate) type LogEntry = (String, Vec<String>);

pub(crate) fn decode_revocation((sequence, fields): LogEntry) -> Result<Revocation, RowError> {
    let broken = || RowError::LogEntry { sequence: sequence.clone() };
    let [kind, session, _, at, more @ ..] = &fields[..] else { return Err(broken()) };
    let session = decode_id(session)?;
    let kind = match (kind.as_str(), more) {
        ("session", []) => RevocationKind::Ended,
        ("replaced", []) => RevocationKind::Replaced,
        ("outdated", [_, generation]) => RevocationKind::Outdated(number(session, "generation", generation)?),
        _ => return Err(broken()),
    };
    let number = sequence.strip_prefix("0-").and_then(|number| number.parse().ok());
    let at = at.parse().map_err(|_| broken())?;
    let sequence = number.ok_or_else(broken)?;
    Ok(Revocation::new(sequence, session, Timestamp::from_unix_seconds(at), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_row_is_refused() {
        let session = hardtack::testing::session("a\nb 1", Timestamp::from_unix_seconds(7));
        let row = String::from_utf8(encode(&session).unwrap()).unwrap();
        assert_eq!(decode(session.id, row.as_bytes()).unwrap(), session);
        let newer = row.replacen('1', "2", 1);
        let short = row.replacen(" 5\n", " 5000\n", 1);
        let salt = row.replace("\"salt\":\"", "\"salt\":\"+");
        let cut = &row[..row.len() - 1];
        for (row, text) in [
            (newer.as_str(), "the row is not in format version 1"),
            ("", "the row is not in format version 1"),
            (&short, "the subject is not valid"),
            (&salt, "the salt is not valid"),
            (cut, "the JSON at the end of the row is not valid"),
        ] {
            let error = decode(session.id, row.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("session {}: {text}", session.id)), "{error}");
        }
    }
}

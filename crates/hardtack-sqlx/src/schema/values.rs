//! Values of columns: session ids, counters and text.

use std::borrow::Cow;

use hardtack::SessionId;

use super::error::RowError;

/// Reads a session id.
pub(crate) fn decode_id(id: &str) -> Result<SessionId, RowError> {
    id.parse().map_err(|_| RowError::Id(id.into()))
}

/// Reads a number that is never negative from a column of the session `id`.
pub(crate) fn to_unsigned(id: &str, column: &'static str, value: i64) -> Result<u64, RowError> {
    u64::try_from(value).map_err(|_| RowError::Negative { id: id.into(), column, value })
}

/// Converts a number for a column of the session `id`. Columns hold signed numbers.
pub(crate) fn to_signed(id: SessionId, column: &'static str, value: u64) -> Result<i64, RowError> {
    i64::try_from(value).map_err(|_| RowError::TooLarge { id: id.to_string(), column, value })
}

/// Whether a column can hold a text: PostgreSQL rejects NUL characters.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Replaces the NUL characters of a text that a client chose, such as its user agent, by U+FFFD.
pub(crate) fn to_storable(text: &str) -> Cow<'_, str> {
    if is_storable(text) { text.into() } else { text.replace('\0', "\u{fffd}").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beyond_the_column_is_refused() {
        let error = to_signed(SessionId::random(), "generation", u64::MAX).unwrap_err().to_string();
        assert!(error.ends_with("is 18446744073709551615; expected at most 2^63 - 1"), "{error}");
    }
}

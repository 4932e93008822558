//! Column values: session ids, counters and text.

use std::borrow::Cow;

use hardtack::SessionId;

use super::error::RowError;

/// Reads a session id.
pub(crate) fn decode_id(id: &str) -> Result<SessionId, RowError> {
    id.parse().map_err(|_| RowError::Id(id.into()))
}

/// Converts a number from a column to an unsigned number. If the number is negative, the error contains `column` and
/// `id`. For a row of `sessions` or `revocations`, `id` is the session's id. For other rows, it is the name of the
/// table.
pub(crate) fn to_unsigned(id: &str, column: &'static str, value: i64) -> Result<u64, RowError> {
    u64::try_from(value).map_err(|_| RowError::Negative { id: id.into(), column, value })
}

/// Converts a number to the signed type that the columns use. If the number is too large for this type, the error
/// contains `column` and the session's `id`.
pub(crate) fn to_signed(id: SessionId, column: &'static str, value: u64) -> Result<i64, RowError> {
    i64::try_from(value).map_err(|_| RowError::TooLarge { id: id.to_string(), column, value })
}

/// Returns whether a column can store `text`. PostgreSQL rejects text that contains NUL characters.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Replaces each NUL character in `text` with U+FFFD. Clients choose some of the stored strings, such as the user
/// agent.
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

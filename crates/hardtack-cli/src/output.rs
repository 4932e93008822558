//! What commands print: results to standard output, errors and warnings to standard error.

use std::fmt;
use std::io::{self, Write};

use hardtack::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// Prints a line to standard output.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Error> {
    write(text).map_err(|error| Error::runtime(unwritable(&error)))
}

/// Prints the result of a command that has changed something. If standard output cannot be written, the error contains
/// `done`, which says what was changed and which command comes next. Otherwise, the user might take the error for a
/// failure, and repeat the command.
pub(crate) fn print_result(text: impl fmt::Display, done: impl fmt::Display) -> Result<(), Error> {
    write(text).map_err(|error| Error::runtime(format_args!("{}, but {done}", unwritable(&error))))
}

fn write(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

fn unwritable(error: &io::Error) -> String {
    format!("standard output cannot be written: {error}")
}

/// Prints an error or a warning to standard error. If standard error is closed, the text is lost, because there is
/// nowhere else to print it.
pub(crate) fn print_error(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "hardtack: {text}");
}

/// Escapes the control characters in a stored text, so that the text can be printed to a terminal. If another program
/// has stored a name with such characters, they could change or hide other lines.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |char: char| match char.is_control() {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Formats a time in UTC (RFC 3339).
pub(crate) fn date(at: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| at.unix_seconds().to_string())
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escaped("mike\u{1b}[31m\u{9b}2J\nfake line"), "mike\\u{1b}[31m\\u{9b}2J\\nfake line");
        assert_eq!(escaped("Zoë"), "Zoë");
    }
}

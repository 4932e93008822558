//! What the program says: answers on the standard output, complaints on the standard error.

use std::fmt;
use std::io::{self, Write};

use hardtack::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// Prints an answer that was asked for.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| Error::runtime(format_args!("the standard output cannot be written: {error}")))
}

/// Says something to whoever started the program. If nobody listens, there is nobody to tell.
pub(crate) fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "hardtack: {text}");
}

/// A time as RFC 3339 writes it, in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| at.unix_seconds().to_string())
}

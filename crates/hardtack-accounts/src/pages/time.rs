//! Times as text.

use hardtack::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time as text: for people, and for the attribute `datetime`.
#[derive(Clone)]
pub(crate) struct TimeText {
    /// `23 Nov 2026, 14:05 UTC`: short enough for one line on a phone.
    pub text: String,
    /// RFC 3339.
    pub machine: String,
}

impl TimeText {
    /// Formats a time to the minute.
    pub(crate) fn new(at: Timestamp) -> Self {
        let time = date_time(at);
        let (day, month, year) = (time.day(), time.month().to_string(), time.year());
        let text = format!("{day} {month:.3} {year}, {:02}:{:02} UTC", time.hour(), time.minute());
        Self { text, machine: time.format(&Rfc3339).unwrap_or_default() }
    }
}

/// Formats a date: `23 November 2026`.
pub(crate) fn date(at: Timestamp) -> String {
    let time = date_time(at);
    format!("{} {} {}", time.day(), time.month(), time.year())
}

fn date_time(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_in_utc() {
        let at = Timestamp::from_unix_seconds(1_796_047_500);
        let time = TimeText::new(at);
        assert_eq!((time.text.as_str(), time.machine.as_str()), ("30 Nov 2026, 14:05 UTC", "2026-11-30T14:05:00Z"));
        assert_eq!(date(at), "30 November 2026");
    }
}

//! Formats times for sentences.

use std::time::{Duration, UNIX_EPOCH};

use crate::clock::Timestamp;

/// Formats a past time, such as `16 minutes ago (Mon, 30 Nov 2026 10:31:02 GMT)`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({})", span(now.since(at)), date(at))
}

/// Formats a future time, such as `in 14 minutes (Mon, 30 Nov 2026 10:31:02 GMT)`.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> String {
    format!("in {} ({})", span(at.since(now)), date(at))
}

/// Formats a time span in one unit, such as minutes, rounded down.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn date(at: Timestamp) -> String {
    // Dates after the year 9999 cannot be formatted.
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(at.unix_seconds()).unwrap_or_default().min(LAST);
    httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_largest_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7199, "119 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        let at = Timestamp::from_unix_seconds;
        assert_eq!(ago(at(784_111_777), at(784_111_778)), "1 second ago (Sun, 06 Nov 1994 08:49:37 GMT)");
        assert_eq!(until(at(784_111_777), at(784_111_647)), "in 2 minutes (Sun, 06 Nov 1994 08:49:37 GMT)");
        assert!(until(at(i64::MAX), at(0)).contains("9999"));
    }
}

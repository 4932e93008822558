//! Times as text.

use hardtack::clock::Timestamp;
use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time as text, both for people and for the `datetime` attribute.
#[derive(Clone)]
pub(crate) struct TimeText {
    /// How long ago this time was, such as `5 minutes ago`. If it was more than a month ago, this text is empty.
    pub ago: String,
    /// The time in UTC, such as `23 Nov 2026, 14:05 UTC`. It is short enough for one line on a phone. A script replaces
    /// it with the local time.
    pub clock: String,
    /// The time in RFC 3339 format.
    pub machine: String,
}

impl TimeText {
    /// Formats a time to the minute.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        let machine = date_time(at).format(&Rfc3339).unwrap_or_default();
        Self { ago: ago(now.since(at).as_secs()), clock: clock(at), machine }
    }

    /// Renders the element `time`.
    pub(super) fn render(&self) -> Markup {
        html! {
            time datetime=(self.machine) {
                @if self.ago.is_empty() { span.clock { (self.clock) } }
                @else { (self.ago) " " span.whole { "(" span.clock { (self.clock) } ")" } }
            }
        }
    }
}

fn ago(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..MINUTE => return "Just now".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    match count {
        1 => format!("1 {unit} ago"),
        2..=30 => format!("{count} {unit}s ago"),
        _ if unit == "day" => String::new(),
        _ => format!("{count} {unit}s ago"),
    }
}

/// Formats a time for pages and emails: `23 Nov 2026, 14:05 UTC`.
pub(crate) fn clock(at: Timestamp) -> String {
    let time = date_time(at);
    let (day, month, year) = (time.day(), time.month().to_string(), time.year());
    format!("{day} {month:.3} {year}, {:02}:{:02} UTC", time.hour(), time.minute())
}

fn date_time(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a10_times_are_relative_and_in_utc() {
        let at = Timestamp::from_unix_seconds(1_796_047_500);
        let time = TimeText::new(at, at);
        assert_eq!((time.clock.as_str(), time.machine.as_str()), ("30 Nov 2026, 14:05 UTC", "2026-11-30T14:05:00Z"));
        let ago = |seconds| TimeText::new(at, at + Duration::from_secs(seconds)).ago;
        for (seconds, text) in [
            (0, "Just now"),
            (59, "Just now"),
            (60, "1 minute ago"),
            (59 * 60, "59 minutes ago"),
            (3600, "1 hour ago"),
            (47 * 3600, "1 day ago"),
            (30 * 86_400, "30 days ago"),
            (31 * 86_400, ""),
        ] {
            assert_eq!(ago(seconds), text, "{seconds}");
        }
        // The time can be in the future if another server's clock is ahead.
        assert_eq!(TimeText::new(at + Duration::from_secs(9), at).ago, "Just now");
    }
}

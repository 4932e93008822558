//! Durations as operators write them: `900`, `15m`, `1d`.

use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// The units in seconds.
const UNITS: [(char, u64); 5] = [('w', 7 * DAY), ('d', DAY), ('h', 60 * 60), ('m', 60), ('s', 1)];

/// The longest duration: ten years. This is longer than any key or session should live, and short enough that dates
/// cannot overflow.
const LONGEST: u64 = 3650 * DAY;

/// How error messages describe the allowed values for a duration.
pub(super) const EXPECTED: &str =
    "whole seconds such as 900, or a number with s, m, h, d or w such as 15m; at most 3650d";

/// How error messages describe the allowed values for a duration that must not be zero.
pub(super) const EXPECTED_NON_ZERO: &str =
    "whole seconds such as 900, or a number with s, m, h, d or w such as 15m; at least 1s, at most 3650d";

/// Parses a duration.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = UNITS.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1));
    // Check the digits first, because `u64::parse` also accepts a sign.
    let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    let total = number.checked_mul(seconds)?;
    (total <= LONGEST).then(|| Duration::from_secs(total))
}

/// Parses a duration that must not be zero.
pub(super) fn parse_non_zero(text: &str) -> Option<Duration> {
    parse(text).filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units() {
        for (text, seconds) in
            [("0", 0), ("900", 900), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", DAY), ("1w", 7 * DAY)]
        {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let huge = u64::MAX.to_string() + "w";
        for text in ["", "m", "-1", "+1", "1.5h", "1 h", "15min", "1h30m", "forever", "3651d", &huge, "١"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

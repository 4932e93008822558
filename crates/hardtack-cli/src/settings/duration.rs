//! Times as operators write them.

use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// The units, the longest first.
const UNITS: [(char, u64); 5] = [('w', 7 * DAY), ('d', DAY), ('h', 60 * 60), ('m', 60), ('s', 1)];

/// Longer than any key or session should live, and far from where dates overflow.
const LONGEST: u64 = 3650 * DAY;

/// What is taken.
pub(super) const EXPECTED: &str = "whole seconds, or a number with s, m, h, d or w such as 15m, up to 3650d";

/// Reads `900`, `15m`, `1d`.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = UNITS.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1));
    // `parse` alone would take a sign.
    let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    let total = number.checked_mul(seconds)?;
    (total <= LONGEST).then(|| Duration::from_secs(total))
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
    fn nothing_else() {
        let huge = u64::MAX.to_string() + "w";
        for text in ["", "m", "-1", "+1", "1.5h", "1 h", "15min", "1h30m", "forever", "3651d", &huge, "١"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! The limits on password attempts.

use std::time::Duration;

use hardtack::throttle::Rate;
use hardtack_accounts::LogInLimits;

use super::duration;
use super::settings::LOG_IN_LIMITS;
use super::sources::Sources;
use crate::error::Error;

const OFF: &str = "off";

const EXPECTED: &str = "off, or a list such as account=10/30s,address=100/1s,failures=100/1h; 10/30s allows 10 attempts \
                        at once and one more every 30 s; the number must be from 1 to 1000000, and the \
                        time from 1s to 1d";

/// The longest interval that a limit can have.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the limits. Also returns a warning if the limits are off.
pub(super) fn read(sources: &Sources) -> Result<(LogInLimits, Option<String>), Error> {
    let limits = sources.parse_required(&LOG_IN_LIMITS, EXPECTED, parse)?;
    let warning = "so passwords can be guessed as fast as the server checks them; turn limits off only for tests";
    let warning = limits.is_off().then(|| format!("{}, {warning}", sources.describe(&LOG_IN_LIMITS)));
    Ok((limits, warning))
}

/// Formats all limits as a value of the setting, including limits that are at their defaults. `text` is a value that
/// [`read`] accepts.
pub(crate) fn complete(text: &str) -> String {
    if text == OFF {
        return OFF.to_owned();
    }
    let limits = LOG_IN_LIMITS.default.split(',').map(|default| {
        let is_same = |part: &&str| part.split('=').next().map(str::trim) == default.split('=').next();
        text.split(',').find(is_same).unwrap_or(default).split_whitespace().collect()
    });
    limits.collect::<Vec<String>>().join(",")
}

/// Parses the limits. A limit that is missing from the text keeps its default.
fn parse(text: &str) -> Option<LogInLimits> {
    if text == OFF {
        return Some(LogInLimits::insecure_off());
    }
    let mut seen = Vec::new();
    text.split(',').try_fold(LogInLimits::default(), |limits, part| {
        let (name, rate) = part.split_once('=')?;
        let (name, rate) = (name.trim(), parse_rate(rate.trim())?);
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match name {
            "account" => Some(limits.account(rate)),
            "address" => Some(limits.address(rate)),
            "failures" => Some(limits.failures_in_a_row(rate)),
            _ => None,
        }
    })
}

fn parse_rate(text: &str) -> Option<Rate> {
    let (burst, every) = text.split_once('/')?;
    // Check the digits first, because `u32::parse` also accepts a sign.
    let burst: u32 = burst.bytes().all(|byte| byte.is_ascii_digit()).then(|| burst.parse().ok())??;
    let every = duration::parse_non_zero(every).filter(|every| *every <= LONGEST)?;
    (1..=Rate::MAX_BURST).contains(&burst).then(|| Rate::new(burst, every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_are_left_out_have_their_defaults() {
        let default = LogInLimits::default();
        assert_eq!(parse(LOG_IN_LIMITS.default), Some(default));
        assert_eq!(parse("off"), Some(LogInLimits::insecure_off()));
        let rate = |burst, seconds| Rate::new(burst, Duration::from_secs(seconds));
        assert_eq!(parse("account=3/60"), Some(default.account(rate(3, 60))));
        let two = default.address(rate(1_000_000, 86_400)).failures_in_a_row(rate(1, 3600));
        assert_eq!(parse("failures=1/1h, address = 1000000/1d"), Some(two));
    }

    #[test]
    fn limits_are_completed() {
        for (text, complete) in [
            ("off", "off"),
            (LOG_IN_LIMITS.default, LOG_IN_LIMITS.default),
            ("account=5/1m", "account=5/1m,address=100/1s,failures=100/1h"),
            ("failures=1/1h, address = 7/1d", "account=10/30s,address=7/1d,failures=1/1h"),
        ] {
            assert_eq!(super::complete(text), complete);
            assert_eq!(parse(text), parse(complete));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "on",
            "OFF",
            "off,account=1/1s",
            "account",
            "account=1",
            "account=0/1s",
            "account=+1/1s",
            "account=1/0s",
            "account=1/2d",
            "account=1000001/1s",
            "account=1/1s,",
            "account=1/1s,account=2/1s",
            "server=1/1s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

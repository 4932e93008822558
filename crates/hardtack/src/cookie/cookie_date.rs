//! Parses the date in a cookie's `Expires` attribute as leniently as browsers do (RFC 6265 §5.1.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Parses a date. For every date before 1970, returns 1970-01-01, because such a cookie has expired anyway.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != ':') {
        let lower = token.to_ascii_lowercase();
        if time.is_none() && time_of_day(token).is_some() {
            time = time_of_day(token);
        } else if day.is_none() && leading_number(token, 2).is_some() {
            day = leading_number(token, 2);
        } else if month.is_none() && MONTHS.iter().any(|m| lower.starts_with(m)) {
            month = MONTHS.iter().position(|m| lower.starts_with(m));
        } else if year.is_none() && token.len() >= 2 {
            year = leading_number(token, 4);
        }
    }
    let year = match year? {
        y @ 70..=99 => 1900 + y,
        y @ 0..=69 => 2000 + y,
        y => y,
    };
    let (day, month, time) = (day?, month?, time?);
    if !(1..=31).contains(&day) || year < 1601 {
        return None;
    }
    let seconds = days_since_1970(year, month as i64 + 1, day) * 86_400 + time;
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns the number at the beginning of a token. Returns `None` if the token begins with no digit, or with more than
/// `most` digits.
fn leading_number(token: &str, most: usize) -> Option<i64> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (1..=most).contains(&digits).then(|| token[..digits].parse().ok())?
}

fn time_of_day(token: &str) -> Option<i64> {
    let mut parts = token.splitn(3, ':').map(|part| leading_number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Returns the number of days from 1970-01-01 to a date in the Gregorian calendar. In the calculation, each year begins
/// in March, so that a leap day is the last day of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn dates_in_every_format() {
        let epoch = Some(UNIX_EPOCH);
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), epoch);
        assert_eq!(parse("Thu, 01-Jan-1970 00:00:00 GMT"), epoch);
        assert_eq!(parse("Thursday, 01-Jan-70 00:00:00 GMT"), epoch);
        assert_eq!(parse("Thu Jan  1 00:00:00 1970"), epoch);
        let then = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), then);
        let leap = Some(UNIX_EPOCH + Duration::from_secs(1_709_164_800));
        assert_eq!(parse("Thu, 29 Feb 2024 00:00:00 GMT"), leap);
    }

    #[test]
    fn texts_that_are_not_dates() {
        for text in ["", "0", "Thu, 32 Jan 2030 00:00:00 GMT", "Thu, 01 Jan 2030", "Thu, 01 Jan 2030 24:00:00 GMT"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

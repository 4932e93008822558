//! Context-specific words, such as the user name. An attacker who knows the user and the site tries these words first.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::patterns::{core, folded, is_made_of_runs, outside_runs, repeated};

/// If a part of a user name, an email address or a site name has at least this many characters, it counts as a
/// context-specific word wherever it occurs. Shorter parts occur in too many other words, so they count only if no
/// letter is next to them.
const SHORTEST_PART: usize = 4;

/// A password with context-specific words must have at least this many other characters. This number equals the minimum
/// length of a password, so a password is long enough even without the words that an attacker knows.
const MIN_OTHERS: usize = 8;

/// The character that replaces each removed word. It never occurs in a password, because passwords contain no control
/// characters.
const REMOVED: char = '\0';

/// Returns whether a password consists of context-specific words and little else (ASVS 5.0 V6.2.11). Without these
/// words, a password must still have [`MIN_OTHERS`] characters that are hard to guess. The following characters are
/// easy to guess, so they do not count:
///
/// - spaces and symbols
/// - years and dates, such as `2026` and `20261231`
/// - runs, such as `123456789` and `qwerty`
/// - repetitions: in `alice-xkw-alice-xkw`, `xkw` counts once
/// - common passwords
///
/// For example, the user `alice` cannot choose `alice2024!`, `alice2026alice`, `alice123456789` or `alicepassword`.
///
/// `password` must already be folded. `context` lists the strings that the words come from, such as the user name and
/// the email address. `is_common` returns whether a password is one of the most common passwords.
pub(super) fn is_expected<'a>(
    password: &str,
    context: impl IntoIterator<Item = &'a str>,
    is_common: impl Fn(&str) -> bool,
) -> bool {
    let texts: Vec<String> = context.into_iter().map(folded).filter(|text| !text.is_empty()).collect();
    if texts.iter().any(|text| text == password) {
        return true;
    }
    let rest = without_words(password, &texts);
    if rest == password {
        return false;
    }
    let joined = rest.replace(REMOVED, "");
    let inner = joined.trim_matches(|c: char| !c.is_alphanumeric());
    if is_common(&joined) || is_common(inner) || is_made_of_runs(inner) {
        return true;
    }
    let pieces: BTreeSet<String> = rest
        .split(|c: char| c == REMOVED || c.is_whitespace() || c.is_ascii_punctuation())
        .map(|piece| repeated(piece).unwrap_or_else(|| piece.to_owned()))
        .collect();
    let is_common_inside = |piece: &str| is_common(piece) || core(piece).is_some_and(&is_common);
    let pieces = pieces.iter().filter(|piece| !is_common_inside(piece));
    let others = pieces.map(|piece| outside_runs(&without_dates(piece)));
    others.map(|others| others.chars().count()).sum::<usize>() < MIN_OTHERS
}

/// Replaces each context-specific word with [`REMOVED`]. The context-specific words are the strings in `texts` and
/// their parts.
fn without_words(password: &str, texts: &[String]) -> String {
    let parts = |text: &str| named(text).split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
    let (mut long, short): (Vec<String>, Vec<String>) =
        texts.iter().flat_map(|text| parts(text)).partition(|part| part.chars().count() >= SHORTEST_PART);
    // Each whole string is also a word. Strings that are too short are left out, because they occur in many other
    // words.
    long.extend(texts.iter().filter(|text| text.chars().count() >= SHORTEST_PART - 1).cloned());
    long.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    let marker = REMOVED.to_string();
    let rest = long.iter().fold(password.to_owned(), |rest, word| rest.replace(word.as_str(), &marker));
    let is_short_word = |group: &str| group.chars().all(char::is_alphabetic) && short.iter().any(|word| word == group);
    groups(&rest, char::is_alphabetic).map(|group| if is_short_word(group) { marker.as_str() } else { group }).collect()
}

/// Returns the part of a text that can contain words. The numbers of an IP address, such as the host of
/// `http://127.0.0.1:8080/notes`, are no words, and occur in many passwords.
fn named(text: &str) -> &str {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let is_address = |host: &str| host.parse::<IpAddr>().is_ok() || host.parse::<SocketAddr>().is_ok();
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if is_address(in_brackets.unwrap_or(host)) { path } else { text }
}

/// Removes groups of digits that are years or dates.
fn without_dates(text: &str) -> String {
    groups(text, |c| c.is_ascii_digit()).filter(|group| !is_date(group)).collect()
}

/// Returns whether `text` is a year from 1900 to 2099, or an eight-digit date that begins or ends with such a year.
fn is_date(text: &str) -> bool {
    let is_year = |text: &str| text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits && (is_year(text) || text.len() == 8 && (is_year(&text[..4]) || is_year(&text[4..])))
}

/// Splits `text` into groups. Within a group, `belongs` returns the same value for every character.
fn groups(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c: char| belongs(c) != belongs(first)).unwrap_or(rest.len());
        let (group, after) = rest.split_at(end);
        rest = after;
        Some(group)
    })
}

#[cfg(test)]
mod tests {
    fn is_expected<'a>(password: &str, context: impl IntoIterator<Item = &'a str>) -> bool {
        super::is_expected(password, context, |password| matches!(password, "password1" | "iloveyou" | "baseball"))
    }

    #[test]
    fn words_of_the_context_with_a_few_characters_are_expected() {
        let context = ["alice", "alice.liddell@wonderland.example", "notes.acme.example"];
        for expected in [
            "alice",
            "alice123",
            "alice2024!",
            "alicealice",
            "alice19650704",
            "alice07041965",
            "alice 07/04/1965",
            "my-alice",
            "liddell-99",
            "alice.liddell@wonderland.example",
            "wonderland!",
            "acmenotes",
            "alice@acme",
            "alice123456789",
            "1234567890alice",
            "alice-1234567890!",
            "alice.qwertyuiop",
            "123456alice7890",
            "alice-password1",
            "password1_alice!",
            // Words that alternate with years, dates, runs, repetitions and common passwords.
            "alice2026alice",
            "alice2026alice2027alice2028",
            "2026alice2026alice2026",
            "alice20261231alice20270101",
            "alice.2026.liddell.2027.acme",
            "alice1234alice5678",
            "alice1alice2alice3alice4alice5alice6alice7alice8",
            "aliceabcalicexyzalice",
            "alicexkwalicexkwalicexkw",
            "alice-xkwxkwxkw-alice",
            "alice!!!!!!!!!!!!alice",
            "alice--------2026--------",
            "alicepassword1liddelliloveyou",
            "password1 alice iloveyou2026 baseball!",
            "iloveyou acme 2026",
            "acme-house-acme",
            "alice2026com1",
        ] {
            assert!(is_expected(expected, context), "{expected}");
        }
        for good in [
            "alice has a long phrase",
            "my friend alice and the horse",
            "alice is the first student",
            "alice drinks tea at six",
            "alice in 2026 bought seven hats",
            "correct horse battery staple",
            "alice-8205739163",
            "alice 4821 9375 0264",
            "x7alice!q9zvt2lpw",
            "wonderful-lands",
            "malice aforethought",
            "example of a phrase",
            "the caterpillar wrote notes all night",
            "alice und die höfliche katze",
            "алиса и alice пьют чай вместе",
            "alice 正确马电池钉书钉",
            "alice🦀🦞🐙🐚🐟🐠🐡🐬",
        ] {
            assert!(!is_expected(good, context), "{good}");
        }
        assert!(is_expected("mike2026mike", ["mike"]) && is_expected("mike2026mike", ["ｍｉｋｅ"]));
        assert!(is_expected("mike2026mike", ["MIKE"]));
    }

    #[test]
    fn short_words_count_only_on_their_own() {
        assert!(!is_expected("alabaster", ["al"]) && is_expected("al", ["al"]));
        assert!(is_expected("al2026al", ["al"]) && is_expected("al-1234-al-5678", ["al"]));
        assert!(is_expected("bo@io2026", ["bo", "bo@mail.io"]) && is_expected("名前2026名前", ["名前"]));
        assert!(!is_expected("al met a walrus", ["al"]));
        assert!(is_expected("ada12345", ["ada"]));
        assert!(!is_expected("12345678", [""]));
        // The name is part of another word.
        assert!(!is_expected("savannah grassland", ["anna"]));
    }

    #[test]
    fn the_numbers_of_a_host_are_not_words() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "::1", "10.0.0.1/notes", "v1.0.example"] {
            for good in ["mz1rgt0hq", "kx0vbq1w", "8vq1x080wd"] {
                assert!(!is_expected(good, ["mike", "", host]), "{good} {host}");
            }
            assert!(is_expected("mike2026", ["mike", "", host]), "{host}");
            assert!(is_expected(host, ["mike", "", host]), "{host}");
        }
        assert!(!is_expected("kx20vbq01w", ["[2001:db8:20::1]"]) && !is_expected("db8-kx-beef", ["2001:db8::beef"]));
        assert!(is_expected("notes-2026", ["127.0.0.1:8080/notes"]));
        // A password of spaces is empty when it is folded, as is a missing email address.
        assert!(!is_expected("", [""]) && !is_expected("", ["mike", "", "  "]));
    }

    #[test]
    fn years_and_dates_are_recognized() {
        for date in ["1900", "2026", "20261231", "31122026"] {
            assert!(super::is_date(date), "{date}");
        }
        for other in ["", "1899", "2100", "202", "20261", "202612", "82057391", "８", "2O26"] {
            assert!(!super::is_date(other), "{other}");
        }
    }
}

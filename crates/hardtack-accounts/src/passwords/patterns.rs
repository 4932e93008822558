//! Detects patterns that attackers try in passwords: repetitions, and sequences of letters, digits or neighboring keys.

use unicode_normalization::UnicodeNormalization;

/// The sequences that a run can follow, forward or backward: alphabets, digits and keyboard rows.
const ORDERS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "01234567890",
    "!@#$%^&*()",
    "qwertyuiop[]",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl;",
    "qsdfghjklm",
    "zxcvbnm,./",
    "yxcvbnm",
    "wxcvbn",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
];

/// The minimum length of a run, in characters.
const SHORTEST_RUN: usize = 3;

/// The minimum length of a run that does not count as part of a word. Shorter runs occur in words, such as `def` in
/// `undefined`.
const SHORTEST_LONG_RUN: usize = 4;

/// A password that consists of runs is refused if it has at most this many runs.
const MAX_RUNS: usize = 4;

/// A password that consists of runs is refused if it has at most this many characters. Attackers try longer passwords
/// of this kind only after common phrases.
const LONGEST_RUNS: usize = 32;

/// A password still counts as consisting of runs if up to this many of its characters are outside the runs.
const MAX_OUTSIDE: usize = 2;

/// The maximum number of digits and symbols around a common password that are ignored. This is enough for a date, which
/// has eight digits.
const MAX_ADDED: usize = 8;

/// The minimum length, in characters, of a repetition that is detected between digits and symbols. Words that look like
/// repetitions, such as `onion`, are shorter.
const SHORTEST_CORE: usize = 6;

/// The maximum length of a folded password, in characters. Some characters are replaced with up to 18 others.
const LONGEST_FOLDED: usize = 1024;

/// Returns the form of a password that is compared with common passwords. This form is in lower case and has no
/// surrounding spaces. Full-width letters and other variants are replaced (NFKC).
pub(super) fn folded(password: &str) -> String {
    let lower = password.nfkc().take(LONGEST_FOLDED).collect::<String>().to_lowercase();
    lower.nfkc().take(LONGEST_FOLDED).collect::<String>().trim().to_owned()
}

/// If a password repeats a shorter string, returns that string. The last repetition may be cut off, as in `abcabcab`
/// and `password password`.
pub(super) fn repeated(password: &str) -> Option<String> {
    let chars: Vec<char> = password.chars().collect();
    let has_period = |period: &usize| chars.iter().zip(&chars[*period..]).all(|(one, other)| one == other);
    let period = (1..=chars.len().div_ceil(2)).find(has_period).filter(|period| *period < chars.len())?;
    Some(chars[..period].iter().collect())
}

/// Returns whether a password consists of a few runs, such as `abcdefgh`, `aaaabbbb` or `qwerty4321!`.
pub(super) fn is_made_of_runs(password: &str) -> bool {
    let chars: Vec<char> = password.chars().take(LONGEST_RUNS + 1).collect();
    if chars.len() > LONGEST_RUNS {
        return false;
    }
    let (mut start, mut runs, mut outside) = (0, 0, 0);
    while start < chars.len() {
        let length = run(&chars[start..]);
        if length < SHORTEST_RUN {
            outside += 1;
            start += 1;
        } else {
            runs += 1;
            start += length;
        }
    }
    (1..=MAX_RUNS).contains(&runs) && outside <= MAX_OUTSIDE
}

/// Returns a word's characters that are not part of a run. Short runs count as part of the word, unless the whole word
/// consists of runs. Returns a long word unchanged, because attackers try only short words with runs.
pub(super) fn outside_runs(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    if chars.len() > LONGEST_RUNS {
        return word.to_owned();
    }
    if outside(&chars, SHORTEST_RUN).is_empty() {
        return String::new();
    }
    outside(&chars, SHORTEST_LONG_RUN)
}

/// Returns the characters that are not part of a run of at least `shortest` characters.
fn outside(chars: &[char], shortest: usize) -> String {
    let (mut start, mut outside) = (0, String::new());
    while start < chars.len() {
        let length = run(&chars[start..]);
        if length < shortest {
            outside.push(chars[start]);
        }
        start += if length < shortest { 1 } else { length };
    }
    outside
}

/// Returns the length of the longest run at the beginning of `chars`. A single character is a run.
fn run(chars: &[char]) -> usize {
    let same = chars.iter().take_while(|c| **c == chars[0]).count();
    // A character can have more than one position, because the sequence of digits contains 0 twice.
    let starts = ORDERS.iter().flat_map(|order| order.char_indices().map(move |(at, c)| (order, at, c)));
    let longest = starts.filter(|(_, _, c)| *c == chars[0]).map(|(order, at, c)| {
        let backwards = order[..at + c.len_utf8()].chars().rev();
        in_common(order[at..].chars(), chars).max(in_common(backwards, chars))
    });
    longest.max().unwrap_or(0).max(same)
}

/// Returns the length of the prefix that `order` and `chars` have in common.
fn in_common(order: impl Iterator<Item = char>, chars: &[char]) -> usize {
    order.zip(chars).take_while(|(one, other)| one == *other).count()
}

/// Returns the part of a password from the first letter to the last letter, if only a few characters come before and
/// after that part. Runs before and after the part are not counted. For example, returns `password` for `password2024!`
/// and for `password123456789`.
pub(super) fn core(password: &str) -> Option<&str> {
    let (core, added) = without_added(password)?;
    (core.len() < password.len() && added <= MAX_ADDED).then_some(core)
}

/// If a password mostly repeats a shorter string, with a few digits or symbols around the repetition, returns that
/// string. For example, returns `xkw` for `xkwxkwxkw1`.
pub(super) fn repeated_core(password: &str) -> Option<String> {
    let core = core(password)?;
    let (_, added) = without_added(password)?;
    (core.chars().count() >= added.max(SHORTEST_CORE)).then(|| repeated(core)).flatten()
}

/// Returns the part of a password from the first letter to the last letter. Also returns how many characters are before
/// and after this part, not counting runs such as `123456789`.
fn without_added(password: &str) -> Option<(&str, usize)> {
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    let (before, after) = password.split_once(core)?;
    let others = |part: &str| if is_made_of_runs(part) { 0 } else { part.chars().count() };
    Some((core, others(before) + others(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_folded() {
        for variant in
            ["password", "PassWord", "ｐａｓｓｗｏｒｄ", " password  ", "\u{3000}Ｐassword\u{a0}", "paſſword"]
        {
            assert_eq!(folded(variant), "password", "{variant}");
        }
        // This three-byte character becomes 18 characters.
        assert_eq!(folded(&"\u{fdfa}".repeat(340)).chars().count(), LONGEST_FOLDED);
    }

    #[test]
    fn repetitions_are_found() {
        for (password, text) in [
            ("aaaaaaaa", Some("a")),
            ("abababab", Some("ab")),
            ("abcabcab", Some("abc")),
            ("passwordpassword", Some("password")),
            ("password password", Some("password ")),
            ("abcdabc", Some("abcd")),
            ("abcdab", None),
            ("aaaaaaab", None),
            ("", None),
        ] {
            assert_eq!(repeated(password).as_deref(), text, "{password}");
        }
    }

    #[test]
    fn runs_are_found() {
        for runs in [
            "abcdefgh",
            "hgfedcba",
            "stuvwxyz",
            "34567890",
            "09876543",
            "qwertyui",
            "qwertzuiop",
            "poiuytre",
            "asdfghjk",
            "zxcvbnm,",
            "!@#$%^&*",
            "abcd1234",
            "abc123xyz",
            "aaaabbbb",
            "1234asdf",
            "abcdefgh!",
            "qwerty4321!",
            "йцукенгш",
            "абвгдеёж",
        ] {
            assert!(is_made_of_runs(runs), "{runs}");
        }
        for good in [
            "redefine",
            "hijacking",
            "correct horse",
            "first1999wqz",
            "understudy",
            "tuvalu-monk",
            "ax",
            "",
            "abc963qwe147xyz",
            "abcdefghabcdefghabcdefghabcdefgha",
        ] {
            assert!(!is_made_of_runs(good), "{good}");
        }
    }

    #[test]
    fn characters_outside_runs_are_found() {
        for (text, outside) in [
            ("123456789", ""),
            ("abc", ""),
            ("abcxyz", ""),
            ("-qwerty-82", "--82"),
            ("x1234y", "xy"),
            ("undefined", "undefined"),
            ("first", "first"),
            ("", ""),
        ] {
            assert_eq!(outside_runs(text), outside, "{text}");
        }
        let long = "abcdefgh".repeat(5);
        assert_eq!(outside_runs(&long), long);
    }

    #[test]
    fn digits_and_signs_around_a_word_are_left_out() {
        assert_eq!(core("password2024!"), Some("password"));
        assert_eq!(core("!!password"), Some("password"));
        assert_eq!(core("password"), None);
        assert_eq!(core("football-8205739163"), None);
        assert_eq!(core("123456789password!1234567890"), Some("password"));
        assert_eq!(core("1234567!"), Some(""));
        for (password, text) in [
            ("xkwxkwxkw1", Some("xkw")),
            ("abababab123456789", Some("ab")),
            ("1password password!", Some("password ")),
            ("xkwxkwxkw", None),
            ("xkwxkw8205739", None),
            ("onion-82", None),
            ("8205739!", None),
        ] {
            assert_eq!(repeated_core(password).as_deref(), text, "{password}");
        }
    }
}

//! Context-specific words, such as the user name. An attacker who knows the user and the site tries these words first.

use super::patterns::outside_runs;

/// If a part of a user name, an email address or a site name has at least this many characters, it is a
/// context-specific word. Shorter parts occur in too many other words.
const SHORTEST_PART: usize = 4;

/// A password that contains context-specific words is accepted if it has at least this many other letters. Letters in
/// runs such as `qwerty` do not count.
const MIN_LETTERS: usize = 4;

/// A password that contains context-specific words is also accepted if it has more than this many other characters.
/// Characters in runs such as `123456789` do not count. People often add digits and symbols to a word. The longest
/// common addition is a date, which has eight digits.
const MAX_OTHERS: usize = 8;

/// Returns whether a password consists of context-specific words and little else (ASVS 5.0 V6.2.11). The rest of such a
/// password is a few characters, a run such as `123456789`, or a common password. Examples are the passwords
/// `alice2024!`, `alice123456789` and `alicepassword` of the user `alice`.
///
/// `context` lists the texts that the words come from, such as the user name and the email address. `is_common` returns
/// whether a password is one of the most common passwords.
pub(super) fn is_expected<'a>(
    password: &str,
    context: impl IntoIterator<Item = &'a str>,
    is_common: impl Fn(&str) -> bool,
) -> bool {
    let password = password.to_lowercase();
    let mut words: Vec<String> = Vec::new();
    for text in context {
        let text = text.to_lowercase();
        if password == text {
            return true;
        }
        let parts = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
        words.extend(parts.filter(|part| part.chars().count() >= SHORTEST_PART));
        // If the whole text is long enough, it is a word too. A shorter text would occur in too many other words.
        words.extend((text.chars().count() >= SHORTEST_PART - 1).then_some(text));
    }
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = words.iter().fold(password.clone(), |rest, word| rest.replace(word.as_str(), ""));
    if rest == password {
        return false;
    }
    if is_common(&rest) || is_common(rest.trim_matches(|c: char| !c.is_alphanumeric())) {
        return true;
    }
    let others = outside_runs(&rest);
    let letters = others.chars().filter(|c| c.is_alphabetic()).count();
    letters < MIN_LETTERS && others.chars().count() <= MAX_OTHERS
}

#[cfg(test)]
mod tests {
    fn is_expected<'a>(password: &str, context: impl IntoIterator<Item = &'a str>) -> bool {
        super::is_expected(password, context, |password| password == "password1")
    }

    #[test]
    fn words_of_the_context_with_a_few_characters_are_expected() {
        let context = ["alice", "alice.liddell@wonderland.example", "notes.acme.example"];
        for expected in [
            "alice",
            "ALICE",
            "alice123",
            "Alice2024!",
            "alicealice",
            "alice19650704",
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
        ] {
            assert!(is_expected(expected, context), "{expected}");
        }
        for good in [
            "alice has a long phrase",
            "correct horse battery staple",
            "alice-8205739163",
            "wonderful-lands",
            "malice aforethought",
            "example of a phrase",
        ] {
            assert!(!is_expected(good, context), "{good}");
        }
        // A short name occurs in many words.
        assert!(!is_expected("alabaster", ["al"]) && is_expected("al", ["al"]));
        assert!(is_expected("ada12345", ["ada"]));
        assert!(!is_expected("12345678", [""]));
    }
}

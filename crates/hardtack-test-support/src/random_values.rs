//! Removes random values from text.

use std::iter::once;

/// The length of the shortest values that are removed. Session ids have 22 characters, and tokens have more.
const SHORTEST: usize = 20;

/// Returns the text without random values, such as tokens and session ids. A test that asserts that a short word is not
/// in a page must not search these values, because sooner or later one of them contains the word.
///
/// Removes every sequence of at least 20 characters of the URL-safe base64 alphabet, unless it contains neither an
/// uppercase letter nor a digit, as in `session_store_unavailable`.
///
/// # Examples
/// ```
/// # use hardtack_test_support::random_values::without_random_values;
/// let page = r#"<input name="csrf_token" value="q1fURLyT0sM4dQ8vJx7Zb2cK9eWnHgAP"> Log in"#;
/// assert_eq!(without_random_values(page), r#"<input name="csrf_token" value=""> Log in"#);
/// ```
pub fn without_random_values(text: &str) -> String {
    let is_end = |(_, c): &(usize, char)| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let ends = text.char_indices().filter(is_end).map(|(at, c)| (at, c.len_utf8())).chain(once((text.len(), 0)));
    let mut start = 0;
    let mut kept = String::with_capacity(text.len());
    for (end, length) in ends {
        let run = &text[start..end];
        if run.len() < SHORTEST || !run.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            kept.push_str(run);
        }
        kept.push_str(&text[end..end + length]);
        start = end + length;
    }
    kept
}

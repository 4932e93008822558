//! Secrets that people make up from the words in published samples, such as
//! "my-super-secret-jwt-signing-key-2024-prod!".

/// The words that make up samples.
const WORDS: &str = "access an api app application auth backend change changed changeit cookie default demo dev \
                     development dummy example for hardtack here hmac hs in insecure is it jwt key keys local \
                     master me my of our passphrase password placeholder please private prod production random real \
                     really refresh replace sample secret secrets secure server service session sessions sign \
                     signature signing site some staging string strong super test testing the this token tokens top \
                     ultra value very web with your";

/// The maximum number of digits in a year or a version. If a secret contains more digits in a row,
/// [`has_only_sample_words`] returns `false`.
const MAX_DIGITS: usize = 4;

/// Whether `text` consists only of sample words and short numbers. `text` must contain only lower-case letters and
/// digits. The probability that 32 random letters consist only of sample words is below one in 10^20.
pub(super) fn has_only_sample_words(text: &[u8]) -> bool {
    let runs = || text.chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit());
    runs().any(|run| run.first().is_some_and(u8::is_ascii_lowercase))
        && runs().all(|run| match run.first() {
            Some(first) if first.is_ascii_digit() => run.len() <= MAX_DIGITS,
            _ => is_words(run),
        })
}

/// Whether the letters can be split into sample words.
fn is_words(letters: &[u8]) -> bool {
    // `starts[i]` says whether a word may begin at position `i`.
    let mut starts = vec![false; letters.len() + 1];
    if let Some(first) = starts.first_mut() {
        *first = true;
    }
    for at in 0..letters.len() {
        if starts.get(at) != Some(&true) {
            continue;
        }
        let rest = letters.get(at..).unwrap_or_default();
        for word in WORDS.split_ascii_whitespace().filter(|word| rest.starts_with(word.as_bytes())) {
            if let Some(next) = starts.get_mut(at + word.len()) {
                *next = true;
            }
        }
    }
    starts.last() == Some(&true)
}

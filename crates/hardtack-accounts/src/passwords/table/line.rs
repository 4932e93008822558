//! Recognizes hashes in the lines of a list.

use super::MAX_PREFIX;

/// Appends the accepted formats to the text of an error.
macro_rules! expected {
    ($looks_like:literal) => {
        concat!($looks_like, "; expected one password or one SHA-1 hash (SHA1 or SHA1:COUNT) per line")
    };
}

/// How many hexadecimal digits a SHA-1 hash has.
const SHA1_DIGITS: usize = 40;

/// The error texts for hashes that cannot be used, by their number of hexadecimal digits.
const OTHER_HASHES: [(usize, &str); 6] = [
    (32, expected!("looks like an NTLM or MD5 hash")),
    (35, "lacks the first five digits of a SHA-1 hash; download the list as a single file instead"),
    (SHA1_DIGITS, expected!("looks like a SHA-1 hash with other text beside it")),
    (64, expected!("looks like a SHA-256 hash")),
    (96, expected!("looks like a SHA-384 hash")),
    (128, expected!("looks like a SHA-512 hash")),
];

/// A salted hash, such as `$2b$12$…` or `$argon2id$…`, is at least this long.
const SHORTEST_SALTED: usize = 30;

/// What a line of a list contains.
pub(super) enum Line {
    Password,
    /// The first eight bytes of the hash in `SHA1` or `SHA1:COUNT`.
    Sha1(u64),
    /// A hash that cannot be used, and why.
    OtherHash(&'static str),
}

impl Line {
    /// Reads a line without its line break. Text that could be a password but looks like a hash is read as a hash.
    pub(super) fn read(line: &[u8]) -> Self {
        if let Some(prefix) = parse_sha1(line) {
            return Self::Sha1(prefix);
        }
        let is_salted = |line: &[u8]| line.starts_with(b"$") && line.split(|byte| *byte == b'$').count() > 3;
        if line.len() >= SHORTEST_SALTED && is_salted(line) {
            return Self::OtherHash(expected!("looks like a salted hash"));
        }
        let words = line.split(|byte| !byte.is_ascii_alphanumeric());
        let mut hashes = words.filter(|word| word.iter().all(u8::is_ascii_hexdigit));
        let why = hashes.find_map(|hash| OTHER_HASHES.iter().find(|(digits, _)| *digits == hash.len()));
        why.map_or(Self::Password, |(_, why)| Self::OtherHash(why))
    }
}

fn parse_sha1(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let (hash, count) = text.split_once(':').unwrap_or((text, "0"));
    let is_hash = hash.len() == SHA1_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    (is_hash && is_count).then(|| u64::from_str_radix(hash.get(..2 * MAX_PREFIX)?, 16).ok())?
}

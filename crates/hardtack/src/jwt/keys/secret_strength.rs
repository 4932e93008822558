//! Refuses HMAC secrets that are too short (RFC 7518 §3.2) or that an attacker might know or guess: published secrets,
//! simple patterns, placeholders for a secret, and keys that might be public.

use zeroize::Zeroizing;

use super::der;
use super::named_secret::{SECRET_JWK, names_a_secret};
use super::sample_words::has_only_sample_words;
use crate::jwt::algorithm::Hash;
use crate::jwt::error::KeyError;

/// Secrets from tutorials and manuals, reduced to lower-case letters and digits. A secret is refused if it consists of
/// one of these texts, once or several times in a row. Digits at the end of the secret are ignored.
const PUBLISHED: [&str; 60] = [
    "secret",
    "secretkey",
    "mysecret",
    "mysecretkey",
    "mysecretpassword",
    "supersecret",
    "supersecretkey",
    "supersecretjwtkey",
    "supersecretpassword",
    "mysupersecretkey",
    "mysupersecretjwtkey",
    "mysupersecret",
    "verysecret",
    "verysecretkey",
    "verysecretvalue",
    "topsecret",
    "topsecretkey",
    "ultrasecret",
    "ultrasecretkey",
    "ultrasecuresecret",
    "jwtsecret",
    "jwtsecretkey",
    "yoursecret",
    "yoursecretkey",
    "yoursecretkeyhere",
    "yoursupersecretkey",
    "yourjwtsecret",
    "yourjwtsecretkey",
    "your256bitsecret",
    "your384bitsecret",
    "your512bitsecret",
    "yoursecretkeymustbeatleast32characters",
    "yoursecretkeymustbeatleast32characterslong",
    "astringsecretatleast256bitslong",
    "astringsecretatleast384bitslongforhs384",
    "avalidstringsecretthatisatleast384bitslong",
    "avalidstringsecretthatisatleast512bitslongwhichisverylong",
    "avalidstringsecretthatisatleast512bitslong",
    "changeme",
    "changethis",
    "changethissecret",
    "changethissecretkey",
    "changemeinproduction",
    "changethisinproduction",
    "pleasechangeme",
    "pleasechangethis",
    "replaceme",
    "replacethis",
    "insecure",
    "notsosecret",
    "notasecret",
    "thisisasecret",
    "thisisasecretkey",
    "thisisaverysecretkey",
    "thisismysecretkey",
    "keyboardcat",
    "password",
    "development",
    "devsecret",
    "testsecret",
];

/// The beginnings of published sample secrets. A secret that begins with one of them is refused.
const PUBLISHED_STARTS: [&str; 10] = [
    "boostisthebestlanguage",
    "supersecretchange",
    "changemein",
    "changethisin",
    "supersecretkeychange",
    "your256bitsecret",
    "astringsecretatleast",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "5y2lf4q8zxec",
];

/// Typical parts of published sample secrets. People often keep these parts when they change a sample, so a secret that
/// contains one of them is refused. The probability that a random secret contains one of them is below one in a
/// billion.
const PUBLISHED_PARTS: [&str; 8] =
    ["changeme", "changethis", "replaceme", "replacethis", "replacewith", "inproduction", "placeholder", "yoursecret"];

/// A secret is refused if it repeats a pattern of fewer bytes than this.
const MIN_PERIOD: usize = 17;

/// A secret with fewer distinct bytes than this is refused. On average, 32 random bytes contain about 30 distinct
/// values, and 32 random hexadecimal digits about 14.
const MIN_DISTINCT: usize = 8;

/// Refuses a secret that an attacker might know or guess.
///
/// According to RFC 7518 §3.2, a secret must have at least as many bits as the output of the hash.
pub(super) fn check(secret: &[u8], hash: Hash) -> Result<(), KeyError> {
    let needed = hash.bits();
    if secret.is_empty() {
        return Err(KeyError::Empty);
    }
    if is_secret_jwk(secret) {
        return Err(KeyError::NotTheSecret { looks_like: SECRET_JWK });
    }
    if looks_like_key(secret) {
        return Err(KeyError::LooksLikePublicKey);
    }
    if let Some(looks_like) = std::str::from_utf8(secret).ok().and_then(names_a_secret) {
        return Err(KeyError::NotTheSecret { looks_like });
    }
    if is_published(secret) {
        return Err(KeyError::PublishedSample);
    }
    let bits = secret.len() * 8;
    if bits < needed {
        return Err(KeyError::TooShort { bits, needed });
    }
    if is_pattern(secret) {
        return Err(KeyError::LowVariety);
    }
    Ok(())
}

/// Whether `secret` is a key that might be public: PEM, JWK, SSH or DER. The DER can be encoded in base64.
fn looks_like_key(secret: &[u8]) -> bool {
    const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
    let text = secret.trim_ascii();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii();
    let starts =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    // The BEGIN line need not come first, because some tools write attributes before it.
    text.windows(10).any(|part| part.eq_ignore_ascii_case(b"-----BEGIN"))
        || starts("---- BEGIN")
        || starts("ssh-")
        || starts("ecdsa-sha2-")
        || is_jwk(text)
        || der::looks_like_key(secret)
        || der::looks_like_key(text)
        || is_armoured_der(text)
}

/// Whether `secret` is a JWK that contains an HMAC secret.
fn is_secret_jwk(secret: &[u8]) -> bool {
    let text = secret.trim_ascii();
    is_jwk(text) && text.windows(5).any(|kty| kty == b"\"oct\"")
}

fn is_jwk(text: &[u8]) -> bool {
    text.first() == Some(&b'{') && text.windows(5).any(|name| name == b"\"kty\"")
}

/// Whether `text` is the body of a PEM file, without the BEGIN and END lines.
fn is_armoured_der(text: &[u8]) -> bool {
    let body: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let body = Zeroizing::new(body);
    let bytes = base64_simd::STANDARD_NO_PAD.decode_to_vec(body.as_slice()).map(Zeroizing::new);
    bytes.is_ok_and(|bytes| der::looks_like_key(&bytes))
}

fn is_published(secret: &[u8]) -> bool {
    let plain: Zeroizing<Vec<u8>> = secret
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .into();
    // People often add digits to a published sample, as in "supersecret123".
    let stem = without_last_digits(&plain);
    PUBLISHED.iter().any(|sample| is_repeated(&plain, sample.as_bytes()) || is_repeated(stem, sample.as_bytes()))
        || PUBLISHED_PARTS.iter().any(|part| plain.windows(part.len()).any(|window| window == part.as_bytes()))
        || PUBLISHED_STARTS.iter().any(|start| plain.starts_with(start.as_bytes()))
        // Text that is mostly punctuation might be random, so the words must make up most of the text.
        || (plain.len() * 4 >= secret.len() * 3 && has_only_sample_words(&plain))
}

/// Whether `text` is `sample`, repeated one or more times.
fn is_repeated(text: &[u8], sample: &[u8]) -> bool {
    !text.is_empty()
        && text.len().is_multiple_of(sample.len())
        && text.chunks(sample.len()).all(|chunk| chunk == sample)
}

fn without_last_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// Whether `secret` has few distinct bytes, repeats a short pattern, or counts up or down.
fn is_pattern(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let few = seen.iter().filter(|seen| **seen).count() < MIN_DISTINCT;
    let repeats = (1..MIN_PERIOD.min(secret.len()))
        .any(|period| secret.iter().zip(secret.iter().skip(period)).all(|(one, next)| one == next));
    // The secret counts up or down, as in "abcdef…" or "0123…". At most one step in eight is allowed to break the
    // pattern.
    let steps = secret.len().saturating_sub(1);
    let runs = [1_u8, 255].into_iter().any(|step| {
        let kept =
            secret.windows(2).filter(|pair| matches!(pair, [one, next] if one.wrapping_add(step) == *next)).count();
        kept * 8 >= steps * 7
    });
    few || repeats || runs
}

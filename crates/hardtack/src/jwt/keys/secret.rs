//! HMAC secrets (RFC 7518 §3.2): which are refused, and the keyed state of the rest.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::constant_time::same;
use crate::jwt::{Algorithm, KeyError, der};

/// Secrets that stand in tutorials and manuals, in lower case and without anything but letters and
/// digits. A secret that consists of one, or of one repeated, is refused.
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

/// Published samples that are recognised by how they begin, whatever follows.
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

/// A repeated pattern of fewer bytes than this isn't a secret.
const MIN_PERIOD: usize = 17;

/// Fewer different bytes than this aren't a secret. 32 random bytes have about 30, and 32 random
/// hexadecimal digits about 14.
const MIN_DISTINCT: usize = 8;

/// Refuses secrets that others may know or guess.
pub(super) fn check(secret: &[u8], algorithm: Algorithm) -> Result<(), KeyError> {
    let needed = match algorithm {
        Algorithm::HS256 => 256,
        Algorithm::HS384 => 384,
        Algorithm::HS512 => 512,
        _ => return Err(KeyError::AlgorithmMismatch { algorithm }),
    };
    if secret.is_empty() {
        return Err(KeyError::Empty);
    }
    if looks_like_key(secret) {
        return Err(KeyError::LooksLikePublicKey);
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

/// Whether `secret` is a key that may be public: PEM, JWK, SSH or DER, the last perhaps in base64.
fn looks_like_key(secret: &[u8]) -> bool {
    const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
    let text = secret.trim_ascii();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii();
    let starts =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    // Tools write notes above the armour, so it may stand anywhere.
    text.windows(10).any(|part| part.eq_ignore_ascii_case(b"-----BEGIN"))
        || starts("---- BEGIN")
        || starts("ssh-")
        || starts("ecdsa-sha2-")
        || is_jwk(text)
        || der::looks_like_key(secret)
        || der::looks_like_key(text)
        || is_armoured_der(text)
}

fn is_jwk(text: &[u8]) -> bool {
    text.first() == Some(&b'{') && text.windows(5).any(|name| name == b"\"kty\"")
}

/// The body of a PEM file without its first and last line.
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
    // Trailing digits are a usual disguise: "supersecret123".
    let stem = without_last_digits(&plain);
    PUBLISHED.iter().any(|sample| is_repeated(&plain, sample.as_bytes()) || is_repeated(stem, sample.as_bytes()))
        || PUBLISHED_STARTS.iter().any(|start| plain.starts_with(start.as_bytes()))
}

/// Whether `text` is `sample`, once or more.
fn is_repeated(text: &[u8], sample: &[u8]) -> bool {
    !text.is_empty()
        && text.len().is_multiple_of(sample.len())
        && text.chunks(sample.len()).all(|chunk| chunk == sample)
}

fn without_last_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// Whether `secret` has few different bytes, repeats itself, or counts up or down.
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
    // Runs such as "abcdef…" and "0123…": at most one step in eight may be another one.
    let steps = secret.len().saturating_sub(1);
    let runs = [1_u8, 255].into_iter().any(|step| {
        let kept =
            secret.windows(2).filter(|pair| matches!(pair, [one, next] if one.wrapping_add(step) == *next)).count();
        kept * 8 >= steps * 7
    });
    few || repeats || runs
}

/// An HMAC key with its first blocks hashed, so that a token costs no key set-up.
///
/// The state is as good as the secret: there is no `Debug`.
pub(super) enum HmacKey {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl HmacKey {
    pub(super) fn new(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        check(secret, algorithm)?;
        let mismatch = KeyError::AlgorithmMismatch { algorithm };
        let key = match algorithm {
            Algorithm::HS256 => Hmac::new_from_slice(secret).ok().map(Self::Sha256),
            Algorithm::HS384 => Hmac::new_from_slice(secret).ok().map(Self::Sha384),
            Algorithm::HS512 => Hmac::new_from_slice(secret).ok().map(Self::Sha512),
            _ => None,
        };
        key.ok_or(mismatch)
    }

    pub(super) fn tag(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Sha384(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Sha512(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
        }
    }

    /// Compares in constant time; a truncated tag is refused.
    pub(super) fn accepts(&self, message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha256(state) => same(&state.clone().chain_update(message).finalize().into_bytes(), tag),
            Self::Sha384(state) => same(&state.clone().chain_update(message).finalize().into_bytes(), tag),
            Self::Sha512(state) => same(&state.clone().chain_update(message).finalize().into_bytes(), tag),
        }
    }
}

/// HMAC-SHA256 of `message` under a key of any length.
pub(super) fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    // RFC 2104 §2: a key longer than a block is hashed, a shorter one is padded with zeros.
    let mut block = Zeroizing::new([0; 64]);
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.first_chunk_mut::<32>() {
        *start = Sha256::digest(key).into();
    }
    let mut state = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    for part in message {
        state.update(part);
    }
    state.finalize().into_bytes().into()
}

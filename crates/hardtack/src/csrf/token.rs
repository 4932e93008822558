//! The string that represents a CSRF value in a page. By default, the value is masked, so that each page contains a
//! different string.

use std::fmt;
use std::ops::Deref;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use constant_time_eq::constant_time_eq;
use serde::{Serialize, Serializer};

/// The length of the longest CSRF value that is masked without allocating, in bytes. This is the length of a UUID,
/// which Flask-JWT-Extended uses as the CSRF value.
const SHORT_VALUE: usize = 36;

/// The length of the longest string that is stored without allocating: a masked value of [`SHORT_VALUE`] bytes.
const SHORT_TEXT: usize = encoded_len(2 * SHORT_VALUE);

/// A session's CSRF value, for a form's hidden field or for a script on the page.
///
/// By default, the value is masked: each call of [`VerifiedToken::csrf_token`](crate::VerifiedToken::csrf_token)
/// returns a different string, and Hardtack accepts each of these strings. Masking defends against BREACH. In this
/// attack, the attacker makes a compressed page contain a string of their choice, and deduces from the length of the
/// response whether the string occurs in the CSRF value. [`CsrfPolicy::mask_csrf`](crate::CsrfPolicy::mask_csrf) turns
/// masking off.
///
/// To write the value into a page, use `Display`, or dereference the `CsrfToken` to a `&str`.
#[derive(Clone)]
pub struct CsrfToken(Text);

#[derive(Clone)]
enum Text {
    Short { bytes: [u8; SHORT_TEXT], len: usize },
    Long(String),
}

impl CsrfToken {
    /// Returns the string to put into the page.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short { bytes, len } => {
                bytes.get(..*len).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Text::Long(text) => text,
        }
    }

    /// Creates a token that contains the value without masking it.
    pub(crate) fn raw(value: &str) -> Self {
        let mut bytes = [0; SHORT_TEXT];
        Self(match bytes.get_mut(..value.len()) {
            Some(place) => {
                place.copy_from_slice(value.as_bytes());
                Text::Short { bytes, len: value.len() }
            }
            None => Text::Long(value.to_owned()),
        })
    }

    /// Masks the value. The result is a random mask, followed by the XOR of the mask and the value, in base64url.
    pub(crate) fn masked(value: &str) -> Self {
        let (value, mut buffer) = (value.as_bytes(), [0; 2 * SHORT_VALUE]);
        if let Some(place) = buffer.get_mut(..2 * value.len()) {
            let (mut bytes, len) = ([0; SHORT_TEXT], encoded_len(place.len()));
            mask(value, place);
            if let Some(text) = bytes.get_mut(..len) {
                let _ = URL_SAFE_NO_PAD.encode(place, text.as_out());
            }
            return Self(Text::Short { bytes, len });
        }
        let mut place = vec![0; 2 * value.len()];
        mask(value, &mut place);
        Self(Text::Long(URL_SAFE_NO_PAD.encode_to_string(&place)))
    }
}

/// Fills the first half of `place` with a random mask, and the second half with the XOR of the mask and the value.
fn mask(value: &[u8], place: &mut [u8]) {
    let (mask, masked) = place.split_at_mut(value.len());
    rand::fill(mask);
    for ((masked, mask), byte) in masked.iter_mut().zip(mask).zip(value) {
        *masked = *mask ^ byte;
    }
}

/// Returns whether `sent` is the CSRF value `value`, raw or masked. If `value` is empty, this function always returns
/// `false`.
#[inline]
pub(super) fn is_value(sent: &[u8], value: &[u8]) -> bool {
    !value.is_empty() && (constant_time_eq(sent, value) || is_masked(sent, value))
}

fn is_masked(sent: &[u8], value: &[u8]) -> bool {
    if sent.len() != encoded_len(2 * value.len()) {
        return false;
    }
    let (mut short, mut long) = ([0; 2 * SHORT_VALUE], Vec::new());
    let place = match short.get_mut(..2 * value.len()) {
        Some(place) => place,
        None => {
            long.resize(2 * value.len(), 0);
            long.as_mut_slice()
        }
    };
    if URL_SAFE_NO_PAD.decode(sent, place.as_out()).is_err() {
        return false;
    }
    let (mask, masked) = place.split_at_mut(value.len());
    for (mask, masked) in mask.iter_mut().zip(masked) {
        *mask ^= *masked;
    }
    constant_time_eq(mask, value)
}

/// Returns the length of the base64url encoding of `bytes` bytes, without padding.
const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

impl Deref for CsrfToken {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for CsrfToken {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Omits the value.
impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfToken").finish_non_exhaustive()
    }
}

/// Serializes as a string, for templates and JSON.
impl Serialize for CsrfToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    proptest! {
        #[test]
        fn s87_a_changed_text_is_accepted_only_if_it_still_unmasks_to_the_value(
            value in "[A-Za-z0-9_-]{1,60}",
            changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3),
            rest in prop::collection::vec(any::<u8>(), 0..2),
        ) {
            let mut text = CsrfToken::masked(&value).as_str().as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at.index(text.len());
                text[at] = byte;
            }
            text.extend(rest);
            let unmasked = URL_SAFE_NO_PAD.decode_to_vec(&text).ok().filter(|bytes| bytes.len() == 2 * value.len());
            let unmasked = unmasked.map(|bytes| {
                let (mask, masked) = bytes.split_at(value.len());
                mask.iter().zip(masked).map(|(mask, masked)| mask ^ masked).collect::<Vec<u8>>()
            });
            let expected = unmasked.as_deref() == Some(value.as_bytes()) || text == value.as_bytes();
            prop_assert_eq!(is_value(&text, value.as_bytes()), expected);
        }
    }

    #[test]
    fn s87_masked_values_differ_each_time_and_are_all_accepted() {
        for value in ["x", "a-value-of-22-letters.", "0ba3c1a2-5d5c-4f35-9e05-9a6d5f0b7a11", &"long".repeat(30)] {
            let masked: HashSet<String> = (0..50).map(|_| CsrfToken::masked(value).to_string()).collect();
            assert!(masked.len() > 40, "{value}");
            for text in masked {
                assert!(is_value(text.as_bytes(), value.as_bytes()), "{text}");
                assert!(
                    !is_value(text.as_bytes(), b"another value") && !is_value(&text.as_bytes()[1..], value.as_bytes())
                );
                assert!(value.len() < 4 || !text.contains(value));
            }
            assert_eq!(CsrfToken::raw(value).as_str(), value);
            assert!(is_value(value.as_bytes(), value.as_bytes()));
        }
    }

    #[test]
    fn nothing_equals_the_empty_value() {
        assert_eq!(CsrfToken::masked("").as_str(), "");
        assert!(!is_value(b"", b"") && !is_value(b"AA", b"") && !is_value(b"", b"x"));
    }

    #[test]
    fn a_text_that_is_not_canonical_is_refused() {
        let masked = CsrfToken::masked("value").to_string();
        for bad in [masked.replace(&masked[..1], "!"), format!("{masked}="), masked[1..].to_owned()] {
            assert!(!is_value(bad.as_bytes(), b"value"), "{bad}");
        }
    }

    #[test]
    fn debug_output_omits_the_value() {
        assert_eq!(format!("{:?}", CsrfToken::raw("secret")), "CsrfToken { .. }");
    }
}

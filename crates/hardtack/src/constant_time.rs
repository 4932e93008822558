//! Comparing secrets.

use std::hint::black_box;

/// Compares two byte strings, in a time that depends only on their lengths.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let words = words
        .iter()
        .zip(other_words)
        .fold(0, |differs, (one, other)| differs | (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)));
    let rest = rest.iter().zip(other_rest).fold(0, |differs, (one, other)| differs | (one ^ other));
    black_box(words | u64::from(rest)) == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_difference_in_any_bit_or_length_is_found() {
        let bytes: Vec<u8> = (0..90).collect();
        for length in 0..bytes.len() {
            let one = &bytes[..length];
            assert!(same(one, &bytes[..length]));
            assert!(!same(one, &bytes[..length + 1]));
            for index in 0..length {
                for bit in 0..8 {
                    let mut other = one.to_vec();
                    other[index] ^= 1 << bit;
                    assert!(!same(one, &other), "{length} {index} {bit}");
                }
            }
        }
    }
}

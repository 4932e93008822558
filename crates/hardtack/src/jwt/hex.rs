//! Converts a 128-bit session id to 32 lower-case hexadecimal digits, and back. If the session id in a token has any
//! other form, the token is refused.

/// Returns the number's hexadecimal digits as ASCII bytes.
pub(super) fn encode(number: u128) -> [u8; 32] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// Returns the number that the digits represent, or `None` if a byte is not a lower-case hexadecimal digit.
pub(crate) fn decode(digits: &[u8; 32]) -> Option<u128> {
    decode_halves(digits).map(join)
}

/// The two halves of a 128-bit number, the higher half first.
///
/// An `Option` of this type is faster than an `Option<u128>`. rustc makes an `Option`'s tag as wide as its value's
/// alignment. The tag of an `Option<u128>` is therefore 16 bytes wide. It is written in two steps but read in one, so
/// the processor must wait until both writes have reached its cache. The tag of an `Option<Halves>` is only 8 bytes
/// wide, so it is written in one step and read in one step.
pub(super) type Halves = [u64; 2];

/// Joins two halves into a number.
#[inline]
pub(super) fn join([high, low]: Halves) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// Like [`decode`], but returns the number's two halves.
///
/// The loop computes the value of each digit without a branch, so the compiler can vectorize it. Afterwards, pairs of
/// digits are joined into bytes, and bytes into words.
#[inline]
pub(super) fn decode_halves(digits: &[u8; 32]) -> Option<Halves> {
    let (mut values, mut invalid) = ([0; 32], 0);
    for (value, digit) in values.iter_mut().zip(digits) {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        *value = if number < 10 { number } else { letter.wrapping_add(10) };
        invalid |= u8::from(number >= 10) & u8::from(letter >= 6);
    }
    if invalid != 0 {
        return None;
    }
    let (eights, _) = values.as_chunks();
    let mut halves =
        eights.as_chunks().0.iter().map(|[high, low]| join_eight_digits(*high) << 32 | join_eight_digits(*low));
    Some([halves.next()?, halves.next()?])
}

/// Returns the number with these eight hexadecimal digits. Each digit is given as a value below 16.
#[inline]
fn join_eight_digits(values: [u8; 8]) -> u64 {
    let eight = u64::from_be_bytes(values);
    let pairs = (eight | eight >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (fours | fours >> 16) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_agrees_with_the_standard_library() {
        let expected = |text: &[u8; 32]| u128::from_str_radix(std::str::from_utf8(text).unwrap(), 16).ok();
        let text = *b"0123456789abcdef00ff13579bdf2468";
        assert_eq!(decode(&text), expected(&text));
        assert_eq!(decode(b"ffffffffffffffffffffffffffffffff"), Some(u128::MAX));
        assert_eq!(decode(b"00000000000000000000000000000000"), Some(0));
        assert_eq!(decode_halves(b"00000000000000010000000000000002"), Some([1, 2]));
        for place in 0..32 {
            for byte in 0..=u8::MAX {
                let mut text = text;
                text[place] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(decode(&text), if is_digit { expected(&text) } else { None }, "{text:?}");
            }
        }
    }

    #[test]
    fn encoding_agrees_with_the_standard_library() {
        for number in [0, 1, 0xfeed, u128::MAX, u128::MAX / 3, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            assert_eq!(encode(number)[..], *format!("{number:032x}").as_bytes());
            assert_eq!(decode(&encode(number)), Some(number));
        }
    }
}

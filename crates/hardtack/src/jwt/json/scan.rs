//! Scans JSON eight bytes at a time (decision 11).

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES * 0x80;

/// Returns how many bytes come before the first quotation mark, backslash or control character. In a JSON string, these
/// bytes need no escapes.
#[inline]
pub(in crate::jwt) fn unescaped_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(chunk) = bytes.get(length..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        // In each of these three words, the lowest byte whose high bit is set marks the first match. The bytes above it
        // can be wrong, because the subtraction borrows from them.
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (control | zero_in(word ^ (ONES * 0x22)) | zero_in(word ^ (ONES * 0x5c))) & HIGH_BITS;
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(rest.len())
}

/// Parses eight decimal digits. Returns `None` if a byte is not a digit.
///
/// Joins the digits into four pairs, the pairs into two groups of four, and the two groups into the number.
#[inline]
pub(super) fn eight_digits(digits: &[u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(*digits);
    let (high, six) = (ONES * 0xf0, ONES * 6);
    let zeros = ONES * 0x30;
    if word & high != zeros || word.wrapping_add(six) & high != zeros {
        return None;
    }
    let ones = word & !high;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

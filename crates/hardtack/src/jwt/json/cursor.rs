//! A reader for JSON that contains no escapes, whitespace or nested values.

use super::scan::{eight_digits, unescaped_length};

/// The maximum number of digits in a number. Longer numbers are not read.
const MAX_DIGITS: usize = 18;

/// A position in a string of at most 64 KiB. Each method that reads something moves the position past it.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A string's byte range within the text that was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Returns the string. `text` must be the text that the range was read from.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub(in crate::jwt) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl<'a> Cursor<'a> {
    pub(in crate::jwt) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(in crate::jwt) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Returns the string at `span`, which must have been read from this text.
    pub(in crate::jwt) fn text(&self, span: Span) -> &'a str {
        span.of(self.text)
    }

    /// If the `expected` bytes come next, skips them and returns `true`. Otherwise, skips nothing and returns `false`.
    #[inline]
    pub(in crate::jwt) fn skip<const N: usize>(&mut self, expected: &[u8; N]) -> bool {
        let found = self.rest().first_chunk() == Some(expected);
        if found {
            self.at += N;
        }
        found
    }

    /// If the `expected` bytes come next, skips them. Otherwise, skips nothing and returns `None`.
    #[inline]
    pub(in crate::jwt) fn take<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        self.skip(expected).then_some(())
    }

    /// Reads a fixed number of bytes.
    #[inline]
    pub(in crate::jwt) fn chunk<const N: usize>(&mut self) -> Option<&[u8; N]> {
        let at = self.at;
        self.at += N;
        self.text.as_bytes().get(at..)?.first_chunk()
    }

    /// Reads a string whose opening quotation mark has already been read. Returns `None` if the string has escapes or
    /// control characters.
    #[inline]
    pub(in crate::jwt) fn string(&mut self) -> Option<Span> {
        let start = self.at;
        let end = start + unescaped_length(self.rest());
        self.at = end;
        self.take(b"\"")?;
        Some(Span { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    /// Reads a non-negative integer without leading zeros. Does not check what comes after the integer.
    ///
    /// The caller expects a comma or the end of the object after the integer, so the caller refuses a fraction or an
    /// exponent.
    #[inline]
    pub(in crate::jwt) fn number(&mut self) -> Option<u64> {
        let digits = self.rest();
        // Timestamps have ten digits, so read the first eight digits in one step.
        let (mut number, mut length) = digits.first_chunk().and_then(eight_digits).map_or((0, 0), |number| (number, 8));
        while let Some(digit @ b'0'..=b'9') = digits.get(length) {
            if length == MAX_DIGITS {
                return None;
            }
            number = number * 10 + u64::from(digit - b'0');
            length += 1;
        }
        let canonical = length == 1 || (length > 1 && digits.first() != Some(&b'0'));
        self.at += length;
        canonical.then_some(number)
    }

    /// Skips a value that is not an array or an object.
    pub(in crate::jwt) fn skip_scalar(&mut self) -> Option<()> {
        if self.skip(b"true") || self.skip(b"false") || self.skip(b"null") {
            Some(())
        } else if self.skip(b"\"") {
            self.string().map(|_| ())
        } else {
            self.number().map(|_| ())
        }
    }
}

//! The claims of a payload in the plain form in which this library writes them, and Flask-JWT-Extended those
//! that it knows, without a general JSON parser.
//!
//! Plain is: one object, its claims in the order in which they are written here, the application's own behind
//! them; no white space, no escapes, whole numbers without sign, no nesting. Whatever isn't plain, or isn't right,
//! is left to the strict reader, which alone refuses; so this one may only answer what that one would. A property
//! test holds the two together.

use super::{Claims, Fresh, NoExtra, TokenKind};
use crate::clock::Timestamp;

/// More members of other names than this aren't compared with each other here.
const MAX_OTHERS: usize = 16;

/// Numbers of more digits than this aren't read here.
const MAX_DIGITS: usize = 18;

/// The claims, or `None` where the strict reader has to look.
#[inline]
pub(crate) fn read(payload: &str) -> Option<PlainClaims> {
    if payload.len() > super::MAX_TOKEN_LEN {
        return None;
    }
    let mut cursor = Cursor { text: payload, at: 0 };
    // Each name stands in one place, so that none can come twice.
    cursor.take(b"{\"fresh\":")?;
    let fresh = cursor.fresh()?;
    cursor.take(b",\"iat\":")?;
    let issued_at = cursor.time()?;
    cursor.take(b",\"jti\":\"")?;
    let token_id = cursor.text()?;
    cursor.take(b",\"type\":\"")?;
    let kind = cursor.kind()?;
    cursor.take(b",\"sub\":\"")?;
    let subject = cursor.text()?;
    let not_before = cursor.optional(b",\"nbf\":", Cursor::time)?;
    let csrf = cursor.optional(b",\"csrf\":\"", Cursor::text)?;
    let expires_at = cursor.optional(b",\"exp\":", Cursor::time)?;
    let session = cursor.optional(b",\"sid\":\"", Cursor::session)?;
    let generation = cursor.optional(b",\"gen\":", Cursor::number)?;
    let auth_time = cursor.optional(b",\"auth_time\":", Cursor::time)?;
    let issuer = cursor.optional(b",\"iss\":\"", Cursor::span)?;
    let audience = cursor.optional(b",\"aud\":\"", Cursor::span)?;
    if cursor.peek() == Some(b',') {
        cursor.others()?;
    }
    cursor.take(b"}")?;
    (cursor.at == payload.len()).then_some(PlainClaims {
        subject,
        issued_at,
        not_before,
        expires_at,
        token_id,
        kind,
        fresh,
        csrf,
        session,
        generation,
        auth_time,
        issuer,
        audience,
    })
}

/// Where a text lies in the payload.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(crate) fn of(self, payload: &str) -> &str {
        // Of its own payload it always is a part.
        payload.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// A number of 128 bits in two halves, the higher one first. An `Option` of one says in a byte whether it is there;
/// of a `u128`, it does so in 16, which are written by halves and read at once: the processor waits for that.
type Halves = [u64; 2];

/// Claims that were read, their texts still in the payload.
#[derive(Clone, Debug)]
pub(crate) struct PlainClaims {
    pub(crate) subject: Span,
    pub(crate) issued_at: Timestamp,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    token_id: Span,
    pub(crate) kind: TokenKind,
    pub(crate) fresh: Fresh,
    pub(crate) csrf: Option<Span>,
    session: Option<Halves>,
    generation: Option<u64>,
    auth_time: Option<Timestamp>,
    pub(crate) issuer: Option<Span>,
    pub(crate) audience: Option<Span>,
}

impl PlainClaims {
    #[inline]
    pub(crate) fn session(&self) -> Option<u128> {
        self.session.map(|[high, low]| u128::from(high) << 64 | u128::from(low))
    }

    /// The same with texts of their own; `payload` is the one that these were read from.
    pub(crate) fn to_claims(&self, payload: &str) -> Claims {
        let text = |span: Span| span.of(payload).to_owned();
        Claims {
            subject: text(self.subject),
            issued_at: self.issued_at,
            not_before: self.not_before,
            expires_at: self.expires_at,
            token_id: text(self.token_id),
            kind: self.kind,
            fresh: self.fresh,
            csrf: self.csrf.map(text),
            session: self.session(),
            generation: self.generation,
            auth_time: self.auth_time,
            issuer: self.issuer.map(text),
            audience: self.audience.map(text).into_iter().collect(),
            extra: NoExtra,
        }
    }
}

/// A place in the text. Every read moves it behind what was read.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    #[inline]
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Whether exactly this comes next, and past it if so. Compared as arrays: their length is known then, and
    /// nothing is called.
    #[inline]
    fn skip<const N: usize>(&mut self, expected: &[u8; N]) -> bool {
        let found = self.rest().first_chunk() == Some(expected);
        if found {
            self.at += N;
        }
        found
    }

    #[inline]
    fn take<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        self.skip(expected).then_some(())
    }

    /// A member that may be absent.
    #[inline]
    fn optional<const N: usize, T>(
        &mut self,
        name: &[u8; N],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.skip(name) { read(self).map(Some) } else { Some(None) }
    }

    /// The rest of a string without escapes and control characters, behind its first quotation mark.
    #[inline]
    fn span(&mut self) -> Option<Span> {
        let start = self.at;
        let end = start + plain_length(self.rest());
        self.at = end;
        self.take(b"\"")?;
        Some(Span { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    /// The same of a string that isn't empty.
    #[inline]
    fn text(&mut self) -> Option<Span> {
        self.span().filter(|span| span.start < span.end)
    }

    #[inline]
    fn kind(&mut self) -> Option<TokenKind> {
        if self.skip(b"access\"") {
            Some(TokenKind::Access)
        } else {
            self.take(b"refresh\"").map(|()| TokenKind::Refresh)
        }
    }

    #[inline]
    fn fresh(&mut self) -> Option<Fresh> {
        if self.skip(b"false") {
            Some(Fresh::No)
        } else if self.skip(b"true") {
            Some(Fresh::Yes)
        } else {
            self.time().map(Fresh::Until)
        }
    }

    /// The rest of a string of 32 hexadecimal digits, lower case.
    #[inline]
    fn session(&mut self) -> Option<Halves> {
        let id = hex_digits(self.rest().first_chunk()?)?;
        self.at += 32;
        self.take(b"\"").map(|()| id)
    }

    /// A whole number, spelt as JSON has it: no sign, no zero in front. What comes behind it is for whoever asks
    /// next: a fraction or an exponent is neither a comma nor an end.
    #[inline]
    fn number(&mut self) -> Option<u64> {
        let digits = self.rest();
        // A time has ten digits; the first eight are read at once.
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

    #[inline]
    fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()?).ok().filter(|seconds| *seconds <= super::claims::MAX_TIME)?;
        Some(Timestamp::from_unix_seconds(seconds))
    }

    /// Members of the application's own: only that each is one, and of a name of its own, matters here.
    fn others(&mut self) -> Option<()> {
        let (mut names, mut count) = ([Span::default(); MAX_OTHERS], 0);
        while self.skip(b",\"") {
            let name = self.span()?;
            let is_name = |other: &Span| other.of(self.text) == name.of(self.text);
            if Claims::is_reserved(name.of(self.text)) || names.get(..count)?.iter().any(is_name) {
                return None;
            }
            *names.get_mut(count)? = name;
            count += 1;
            self.take(b":")?;
            let passed = self.skip(b"true") || self.skip(b"false") || self.skip(b"null");
            if !passed {
                if self.skip(b"\"") { self.span().map(|_| ())? } else { self.number().map(|_| ())? }
            }
        }
        Some(())
    }
}

/// Eight digits as a number: neighbours are joined to pairs, pairs to fours, fours to eight.
#[inline]
fn eight_digits(digits: &[u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(*digits);
    let (high, six) = (0xf0f0_f0f0_f0f0_f0f0, 0x0606_0606_0606_0606);
    let zeros = 0x3030_3030_3030_3030;
    if word & high != zeros || word.wrapping_add(six) & high != zeros {
        return None;
    }
    let ones = word & !high;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// Hexadecimal digits, lower case, as a number. Their values are found without a branch, so for many at once; then
/// neighbours are joined as above.
#[inline]
fn hex_digits(digits: &[u8; 32]) -> Option<Halves> {
    let (mut values, mut unfit) = ([0; 32], 0);
    for (value, digit) in values.iter_mut().zip(digits) {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        *value = if number < 10 { number } else { letter.wrapping_add(10) };
        unfit |= u8::from(number >= 10) & u8::from(letter >= 6);
    }
    if unfit != 0 {
        return None;
    }
    let (eights, _) = values.as_chunks();
    let mut halves = eights.as_chunks().0.iter().map(|[high, low]| four_bytes(*high) << 32 | four_bytes(*low));
    Some([halves.next()?, halves.next()?])
}

/// Eight values of four bits each as a number.
#[inline]
fn four_bytes(values: [u8; 8]) -> u64 {
    let eight = u64::from_be_bytes(values);
    let pairs = (eight | eight >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (fours | fours >> 16) & 0xffff_ffff
}

/// How many bytes come before the first quotation mark, backslash or control character: eight at a time.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 128;
    let mut length = 0;
    while let Some(chunk) = bytes.get(length..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        // The lowest bit that is set marks the first such byte; those above it may be wrong.
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (control | zero_in(word ^ (ONES * 0x22)) | zero_in(word ^ (ONES * 0x5c))) & HIGH;
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// So that none of them takes the long way.
    #[test]
    fn what_this_library_writes_is_plain() {
        let at = Timestamp::from_unix_seconds;
        let mut claims = Claims::new("3f0a1c52", "id-1", TokenKind::Access, at(1_800_000_000));
        let read = |claims: &Claims, extra: serde_json::Value| {
            let payload = String::from_utf8(claims.to_json(extra.as_object().unwrap()).unwrap()).unwrap();
            read(&payload).map(|plain| plain.to_claims(&payload))
        };
        assert_eq!(read(&claims, json!({})).as_ref(), Some(&claims));
        claims.fresh = Fresh::Until(at(1_800_000_300));
        claims.not_before = Some(at(0));
        claims.csrf = Some("csrf".into());
        claims.expires_at = Some(at(1_800_000_900));
        claims.session = Some(u128::MAX / 3);
        claims.generation = Some(7);
        claims.auth_time = Some(at(1_800_000_000));
        claims.issuer = Some("https://site.example".into());
        claims.audience = vec!["site".into()];
        assert_eq!(read(&claims, json!({})).as_ref(), Some(&claims));
        let own = json!({"role": "admin", "level": 3, "paid": true, "boss": null, "other": false});
        assert_eq!(read(&claims, own).as_ref(), Some(&claims));
        claims.kind = TokenKind::Refresh;
        claims.fresh = Fresh::Yes;
        assert_eq!(read(&claims, json!({"role": ""})).as_ref(), Some(&claims));
        assert_eq!(read(&claims, json!({"role": {"nested": 1}})), None);
    }

    #[test]
    fn hexadecimal_digits_are_read_all_at_once() {
        let expected = |text: &[u8; 32]| {
            let number = u128::from_str_radix(std::str::from_utf8(text).unwrap(), 16).unwrap();
            Some([(number >> 64) as u64, number as u64])
        };
        let text = *b"0123456789abcdef00ff13579bdf2468";
        assert_eq!(hex_digits(&text), expected(&text));
        assert_eq!(hex_digits(b"ffffffffffffffffffffffffffffffff"), Some([u64::MAX; 2]));
        assert_eq!(hex_digits(b"00000000000000000000000000000000"), Some([0; 2]));
        for place in 0..32 {
            for byte in 0..=u8::MAX {
                let mut text = text;
                text[place] = byte;
                let fits = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(hex_digits(&text), if fits { expected(&text) } else { None }, "{text:?}");
            }
        }
    }
}

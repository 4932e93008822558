//! The claims of a payload in the plain form in which this library and most others write them, without a
//! general JSON parser.
//!
//! Plain is: one object, no white space, no escapes, whole numbers without sign, no nesting. Whatever
//! isn't plain, or isn't right, is left to the strict reader, which alone refuses; so this one may only
//! answer what that one would. A property test holds the two together.

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
    let mut found = Members::default();
    cursor.take(b'{')?;
    loop {
        let name = cursor.name()?;
        cursor.take(b':')?;
        found.read(name, &mut cursor)?;
        match cursor.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    if cursor.at != payload.len() {
        return None;
    }
    found.into_claims()
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
    pub(crate) session: Option<u128>,
    generation: Option<u64>,
    auth_time: Option<Timestamp>,
    pub(crate) issuer: Option<Span>,
    pub(crate) audience: Option<Span>,
}

impl PlainClaims {
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
            session: self.session,
            generation: self.generation,
            auth_time: self.auth_time,
            issuer: self.issuer.map(text),
            audience: self.audience.map(text).into_iter().collect(),
            extra: NoExtra,
        }
    }
}

/// What has turned up so far.
#[derive(Default)]
struct Members {
    /// One bit for each known name that was there.
    seen: u16,
    others: [Span; MAX_OTHERS],
    others_len: usize,
    subject: Option<Span>,
    token_id: Option<Span>,
    csrf: Option<Span>,
    issuer: Option<Span>,
    audience: Option<Span>,
    kind: Option<TokenKind>,
    fresh: Option<Fresh>,
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    auth_time: Option<Timestamp>,
    session: Option<u128>,
    generation: Option<u64>,
}

impl Members {
    #[inline]
    fn read(&mut self, name: Name, cursor: &mut Cursor<'_>) -> Option<()> {
        let mask = match name {
            Name::Other(name) => return self.pass(name, cursor),
            known => 1_u16 << known.bit(),
        };
        if self.seen & mask != 0 {
            return None;
        }
        self.seen |= mask;
        match name {
            Name::Subject => self.subject = Some(cursor.text()?),
            Name::IssuedAt => self.issued_at = Some(cursor.time()?),
            Name::NotBefore => self.not_before = Some(cursor.time()?),
            Name::ExpiresAt => self.expires_at = Some(cursor.time()?),
            Name::TokenId => self.token_id = Some(cursor.text()?),
            Name::Kind => {
                self.kind = Some(match cursor.string()? {
                    "access" => TokenKind::Access,
                    "refresh" => TokenKind::Refresh,
                    _ => return None,
                });
            }
            Name::Fresh => {
                self.fresh = Some(match cursor.peek()? {
                    b't' => cursor.word("true").map(|()| Fresh::Yes)?,
                    b'f' => cursor.word("false").map(|()| Fresh::No)?,
                    _ => Fresh::Until(cursor.time()?),
                });
            }
            Name::Csrf => self.csrf = Some(cursor.text()?),
            Name::Session => self.session = Some(session(cursor.string()?)?),
            Name::Generation => self.generation = Some(cursor.number()?),
            Name::AuthTime => self.auth_time = Some(cursor.time()?),
            Name::Issuer => self.issuer = Some(cursor.span()?),
            Name::Audience => self.audience = Some(cursor.span()?),
            Name::Other(_) => {}
        }
        Some(())
    }

    /// A member of the application's own: only that there is one of its name matters here.
    fn pass(&mut self, name: Span, cursor: &mut Cursor<'_>) -> Option<()> {
        let others = self.others.get(..self.others_len)?;
        if others.iter().any(|other| other.of(cursor.text) == name.of(cursor.text)) {
            return None;
        }
        *self.others.get_mut(self.others_len)? = name;
        self.others_len += 1;
        match cursor.peek()? {
            b'"' => cursor.span().map(|_| ()),
            b't' => cursor.word("true"),
            b'f' => cursor.word("false"),
            b'n' => cursor.word("null"),
            _ => cursor.number().map(|_| ()),
        }
    }

    #[inline]
    fn into_claims(self) -> Option<PlainClaims> {
        Some(PlainClaims {
            subject: self.subject?,
            issued_at: self.issued_at?,
            not_before: self.not_before,
            expires_at: self.expires_at,
            token_id: self.token_id?,
            kind: self.kind?,
            fresh: self.fresh.unwrap_or(Fresh::No),
            csrf: self.csrf,
            session: self.session,
            generation: self.generation,
            auth_time: self.auth_time,
            issuer: self.issuer,
            audience: self.audience,
        })
    }
}

/// A member's name.
#[derive(Clone, Copy)]
enum Name {
    Subject,
    IssuedAt,
    NotBefore,
    ExpiresAt,
    TokenId,
    Kind,
    Fresh,
    Csrf,
    Session,
    Generation,
    AuthTime,
    Issuer,
    Audience,
    /// None of these.
    Other(Span),
}

impl Name {
    /// The name at the start of `text`, behind its first quotation mark, and its length; `None` for others.
    #[inline]
    fn known(text: &[u8]) -> Option<(Self, usize)> {
        const fn word(start: &[u8; 4]) -> u32 {
            u32::from_le_bytes(*start)
        }
        const SUB: u32 = word(b"sub\"");
        const IAT: u32 = word(b"iat\"");
        const NBF: u32 = word(b"nbf\"");
        const EXP: u32 = word(b"exp\"");
        const JTI: u32 = word(b"jti\"");
        const SID: u32 = word(b"sid\"");
        const GEN: u32 = word(b"gen\"");
        const ISS: u32 = word(b"iss\"");
        const AUD: u32 = word(b"aud\"");
        const TYPE: u32 = word(b"type");
        const CSRF: u32 = word(b"csrf");
        const FRESH: u32 = word(b"fres");
        const AUTH_TIME: u32 = word(b"auth");
        let (start, rest) = text.split_first_chunk()?;
        // Compared as arrays: the lengths are known then, and nothing is called.
        let found = match word(start) {
            SUB => (Self::Subject, 3),
            IAT => (Self::IssuedAt, 3),
            NBF => (Self::NotBefore, 3),
            EXP => (Self::ExpiresAt, 3),
            JTI => (Self::TokenId, 3),
            SID => (Self::Session, 3),
            GEN => (Self::Generation, 3),
            ISS => (Self::Issuer, 3),
            AUD => (Self::Audience, 3),
            TYPE if rest.first() == Some(&b'"') => (Self::Kind, 4),
            CSRF if rest.first() == Some(&b'"') => (Self::Csrf, 4),
            FRESH if rest.first_chunk() == Some(b"h\"") => (Self::Fresh, 5),
            AUTH_TIME if rest.first_chunk() == Some(b"_time\"") => (Self::AuthTime, 9),
            _ => return None,
        };
        Some(found)
    }

    /// A number below 16 for each known name.
    fn bit(self) -> u32 {
        match self {
            Self::Subject => 0,
            Self::IssuedAt => 1,
            Self::NotBefore => 2,
            Self::ExpiresAt => 3,
            Self::TokenId => 4,
            Self::Kind => 5,
            Self::Fresh => 6,
            Self::Csrf => 7,
            Self::Session => 8,
            Self::Generation => 9,
            Self::AuthTime => 10,
            Self::Issuer => 11,
            Self::Audience => 12,
            Self::Other(_) => 13,
        }
    }
}

/// 32 digits, lower case.
#[inline]
fn session(digits: &str) -> Option<u128> {
    let digits: &[u8; 32] = digits.as_bytes().try_into().ok()?;
    let (eights, _) = digits.as_chunks::<8>();
    eights.iter().try_fold(0, |number, eight| Some(number << 32 | u128::from(eight_hex_digits(eight)?)))
}

/// A place in the text. Every read moves it behind what was read.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }

    /// A member's name.
    #[inline]
    fn name(&mut self) -> Option<Name> {
        let text = self.text.as_bytes().get(self.at..)?;
        match text.split_first().and_then(|(mark, text)| Name::known(text).filter(|_| *mark == b'"')) {
            Some((name, length)) => {
                self.at += length + 2;
                Some(name)
            }
            None => self.span().map(Name::Other),
        }
    }

    /// A string without escapes and control characters.
    #[inline]
    fn span(&mut self) -> Option<Span> {
        self.take(b'"')?;
        let start = self.at;
        let end = start + plain_length(self.text.as_bytes().get(start..)?);
        self.at = end;
        self.take(b'"')?;
        Some(Span { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.span().map(|span| span.of(self.text))
    }

    /// A string that isn't empty.
    #[inline]
    fn text(&mut self) -> Option<Span> {
        self.span().filter(|span| span.start < span.end)
    }

    /// A whole number, spelt as JSON has it: no sign, no zero in front. Behind it must come the end of the
    /// member, or it goes on as a fraction.
    #[inline]
    fn number(&mut self) -> Option<u64> {
        let digits = self.text.as_bytes().get(self.at..)?;
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
        let ended = matches!(digits.get(length), Some(b',' | b'}'));
        self.at += length;
        (canonical && ended).then_some(number)
    }

    #[inline]
    fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()?).ok().filter(|seconds| *seconds <= super::claims::MAX_TIME)?;
        Some(Timestamp::from_unix_seconds(seconds))
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

/// Eight hexadecimal digits, lower case, as a number: each is turned into its value and that back into its digit,
/// which has to be the one that was sent; then neighbours are joined as above.
#[inline]
fn eight_hex_digits(digits: &[u8; 8]) -> Option<u32> {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_be_bytes(*digits);
    let letters = (word >> 6) & ONES;
    let values = (word & (ONES * 0x0f)) + letters * 9;
    let spelt = values + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1);
    let beyond_nine = ((values + ONES * (0x80 - 10)) >> 7) & ONES;
    if spelt != word || beyond_nine != letters || values & (ONES * 0x10) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()
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
    use super::eight_hex_digits;

    #[test]
    fn hexadecimal_digits_are_read_eight_at_a_time() {
        let read = |text: &[u8; 8]| eight_hex_digits(text);
        assert_eq!(read(b"0123abcd"), Some(0x0123_abcd));
        assert_eq!(read(b"ffffffff"), Some(u32::MAX));
        assert_eq!(read(b"00000000"), Some(0));
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"13579bdf";
                text[place] = byte;
                let expected = match byte {
                    b'0'..=b'9' | b'a'..=b'f' => u32::from_str_radix(std::str::from_utf8(&text).unwrap(), 16).ok(),
                    _ => None,
                };
                assert_eq!(read(&text), expected, "{text:?}");
            }
        }
    }
}

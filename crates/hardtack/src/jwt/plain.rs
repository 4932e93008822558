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
pub(crate) fn read(payload: &str) -> Option<PlainClaims> {
    if payload.len() > super::MAX_TOKEN_LEN {
        return None;
    }
    let mut cursor = Cursor { text: payload, at: 0 };
    let mut found = Members::default();
    cursor.take(b'{')?;
    loop {
        let name = cursor.string()?;
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
struct Members<'a> {
    /// One bit for each known name that was there.
    seen: u16,
    others: [&'a str; MAX_OTHERS],
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

impl<'a> Members<'a> {
    #[inline]
    fn read(&mut self, name: &'a str, cursor: &mut Cursor<'a>) -> Option<()> {
        let bit = match name {
            "sub" => {
                self.subject = Some(cursor.text()?);
                0
            }
            "iat" => {
                self.issued_at = Some(cursor.time()?);
                1
            }
            "nbf" => {
                self.not_before = Some(cursor.time()?);
                2
            }
            "exp" => {
                self.expires_at = Some(cursor.time()?);
                3
            }
            "jti" => {
                self.token_id = Some(cursor.text()?);
                4
            }
            "type" => {
                self.kind = Some(match cursor.string()? {
                    "access" => TokenKind::Access,
                    "refresh" => TokenKind::Refresh,
                    _ => return None,
                });
                5
            }
            "fresh" => {
                self.fresh = Some(match cursor.peek()? {
                    b't' => cursor.word("true").map(|()| Fresh::Yes)?,
                    b'f' => cursor.word("false").map(|()| Fresh::No)?,
                    _ => Fresh::Until(cursor.time()?),
                });
                6
            }
            "csrf" => {
                self.csrf = Some(cursor.text()?);
                7
            }
            "sid" => {
                self.session = Some(session(cursor.string()?)?);
                8
            }
            "gen" => {
                self.generation = Some(cursor.number()?);
                9
            }
            "auth_time" => {
                self.auth_time = Some(cursor.time()?);
                10
            }
            "iss" => {
                self.issuer = Some(cursor.span()?);
                11
            }
            "aud" => {
                self.audience = Some(cursor.span()?);
                12
            }
            other => return self.pass(other, cursor),
        };
        let mask = 1 << bit;
        let again = self.seen & mask != 0;
        self.seen |= mask;
        (!again).then_some(())
    }

    /// A member of the application's own: only that there is one of its name matters here.
    fn pass(&mut self, name: &'a str, cursor: &mut Cursor<'a>) -> Option<()> {
        let others = self.others.get(..self.others_len)?;
        if others.contains(&name) {
            return None;
        }
        *self.others.get_mut(self.others_len)? = name;
        self.others_len += 1;
        match cursor.peek()? {
            b'"' => cursor.string().map(|_| ()),
            b't' => cursor.word("true"),
            b'f' => cursor.word("false"),
            b'n' => cursor.word("null"),
            _ => cursor.number().map(|_| ()),
        }
    }

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

/// 32 digits, lower case.
fn session(digits: &str) -> Option<u128> {
    let digits: &[u8; 32] = digits.as_bytes().try_into().ok()?;
    let mut number = 0;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
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
        let (mut number, mut length) = (0_u64, 0);
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

    fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()?).ok().filter(|seconds| *seconds <= super::claims::MAX_TIME)?;
        Some(Timestamp::from_unix_seconds(seconds))
    }
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

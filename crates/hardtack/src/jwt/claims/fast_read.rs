//! The fast payload reader. It reads the most common payloads without a general JSON parser (decision 11).
//!
//! The most common payloads are written by this library or Flask-JWT-Extended. They consist of one JSON object with the
//! known claims in the order of the claim table, followed by the application's own claims. They contain no whitespace,
//! escapes or nested values, and each number consists only of digits. Each known claim has a fixed position, so it
//! cannot occur twice.
//!
//! The fast reader leaves all other payloads, valid or not, to the strict reader. The fast reader must not accept a
//! payload that the strict reader refuses or reads differently. A property test compares the two readers.

use super::table::{
    AnyText, Audience, ClaimType, Freshness, Kind, Number, Optional, Session, Text, Time, for_each_claim,
};
use super::{Claims, Fresh, TokenKind};
use crate::clock::{MAX_NUMERIC_DATE, Timestamp};
use crate::jwt::hex::{self, Halves};
use crate::jwt::json::cursor::{Cursor, Span};
use crate::jwt::limits::MAX_TOKEN_LEN;

/// The maximum number of application claims that the fast reader accepts. The reader compares every pair of names to
/// find duplicates, which would be slow for more claims.
const MAX_EXTRA: usize = 16;

macro_rules! define_fast_claims {
    ($first_name:literal $first_field:ident: $first_type:ty, $($name:literal $field:ident: $type:ty,)*) => {
        /// A payload's claims. A string value is stored as its byte range in the payload.
        #[derive(Clone, Debug)]
        pub(crate) struct FastClaims {
            pub(crate) $first_field: <$first_type as FastClaim>::Fast,
            $(pub(crate) $field: <$type as FastClaim>::Fast,)*
        }

        impl FastClaims {
            /// Reads a payload, or returns `None` if the strict reader must read it.
            #[inline]
            pub(crate) fn read(payload: &str) -> Option<Self> {
                if payload.len() > MAX_TOKEN_LEN {
                    return None;
                }
                let mut cursor = Cursor::new(payload);
                let $first_field = read_member!(cursor, "{", $first_name, $first_type, required: true);
                $(let $field = read_member!(cursor, ",", $name, $type, required: <$type>::REQUIRED);)*
                if !cursor.skip(b"}") {
                    skip_extra(&mut cursor)?;
                    cursor.take(b"}")?;
                }
                cursor.is_at_end().then_some(Self { $first_field, $($field),* })
            }

            /// Converts the claims to [`Claims`] by copying the strings. `payload` must be the text that the claims
            /// were read from.
            pub(crate) fn to_claims(&self, payload: &str) -> Claims {
                Claims {
                    $first_field: <$first_type>::to_value(self.$first_field, payload),
                    $($field: <$type>::to_value(self.$field, payload),)*
                }
            }
        }
    };
}

/// Reads the member `$name`, which follows the character `$before`. The name and the characters around it are compared
/// as one array. The array's length is a constant, so the comparison needs no function call.
macro_rules! read_member {
    ($cursor:ident, $before:literal, $name:literal, $type:ty, required: $required:expr) => {{
        const NAME: &str = concat!($before, "\"", $name, "\":");
        const LENGTH: usize = NAME.len() + <$type as FastClaim>::IS_STRING as usize;
        const BYTES: [u8; LENGTH] = with_quotation_mark(NAME);
        if $cursor.skip(&BYTES) {
            <$type>::read(&mut $cursor)?
        } else if $required {
            return None;
        } else {
            Default::default()
        }
    }};
}

/// Returns the bytes of `text` as an array of length `N`. If `N` is one more than the length of `text`, the last byte
/// of the array is a quotation mark.
const fn with_quotation_mark<const N: usize>(text: &str) -> [u8; N] {
    let (mut bytes, mut index) = ([b'"'; N], 0);
    while index < text.len() {
        bytes[index] = text.as_bytes()[index];
        index += 1;
    }
    bytes
}

for_each_claim!(define_fast_claims);

impl FastClaims {
    /// Returns the session id as one number.
    #[inline]
    pub(crate) fn session(&self) -> Option<u128> {
        self.session.map(hex::join)
    }
}

/// Skips the application's own claims. In three cases, the strict reader must read the payload, so this function
/// returns `None`:
/// - A name or a string contains escapes, or a value is an array or an object.
/// - A name is reserved or occurs twice.
/// - There are more than [`MAX_EXTRA`] claims.
fn skip_extra(cursor: &mut Cursor<'_>) -> Option<()> {
    let (mut names, mut count) = ([Span::default(); MAX_EXTRA], 0);
    while cursor.skip(b",\"") {
        let name = cursor.string()?;
        let text = cursor.text(name);
        if Claims::is_reserved(text) || names.get(..count)?.iter().any(|other| cursor.text(*other) == text) {
            return None;
        }
        *names.get_mut(count)? = name;
        count += 1;
        cursor.take(b":")?;
        cursor.skip_scalar()?;
    }
    Some(())
}

/// How the fast reader reads a claim.
pub(crate) trait FastClaim: ClaimType {
    /// How [`FastClaims`] stores the value. A string is stored as its range in the payload, so it is not copied. If the
    /// claim is absent, `FastClaims` stores the default value of this type.
    type Fast: Copy + Default;

    /// Whether the value is a string. If so, its first quotation mark is read together with the name.
    const IS_STRING: bool;

    /// Reads the value, or returns `None` if the strict reader must read it.
    fn read(cursor: &mut Cursor<'_>) -> Option<Self::Fast>;

    fn to_value(fast: Self::Fast, payload: &str) -> Self::Value;
}

impl FastClaim for Freshness {
    type Fast = Fresh;
    const IS_STRING: bool = false;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Fresh> {
        if cursor.skip(b"false") {
            Some(Fresh::No)
        } else if cursor.skip(b"true") {
            Some(Fresh::Yes)
        } else {
            Time::read(cursor).map(Fresh::Until)
        }
    }

    fn to_value(fast: Fresh, _: &str) -> Fresh {
        fast
    }
}

impl FastClaim for Time {
    type Fast = Timestamp;
    const IS_STRING: bool = false;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Timestamp> {
        let seconds = i64::try_from(cursor.number()?).ok().filter(|seconds| *seconds <= MAX_NUMERIC_DATE)?;
        Some(Timestamp::from_unix_seconds(seconds))
    }

    fn to_value(fast: Timestamp, _: &str) -> Timestamp {
        fast
    }
}

impl FastClaim for Text {
    type Fast = Span;
    const IS_STRING: bool = true;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Span> {
        cursor.string().filter(|span| !span.is_empty())
    }

    fn to_value(fast: Span, payload: &str) -> String {
        fast.of(payload).to_owned()
    }
}

impl FastClaim for AnyText {
    type Fast = Span;
    const IS_STRING: bool = true;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Span> {
        cursor.string()
    }

    fn to_value(fast: Span, payload: &str) -> String {
        fast.of(payload).to_owned()
    }
}

impl FastClaim for Kind {
    type Fast = TokenKind;
    const IS_STRING: bool = true;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<TokenKind> {
        if cursor.skip(b"access\"") {
            Some(TokenKind::Access)
        } else {
            cursor.take(b"refresh\"").map(|()| TokenKind::Refresh)
        }
    }

    fn to_value(fast: TokenKind, _: &str) -> TokenKind {
        fast
    }
}

impl FastClaim for Session {
    type Fast = Halves;
    const IS_STRING: bool = true;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Halves> {
        let id = hex::decode_halves(cursor.chunk()?)?;
        cursor.take(b"\"").map(|()| id)
    }

    fn to_value(fast: Halves, _: &str) -> u128 {
        hex::join(fast)
    }
}

impl FastClaim for Number {
    type Fast = u64;
    const IS_STRING: bool = false;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<u64> {
        cursor.number()
    }

    fn to_value(fast: u64, _: &str) -> u64 {
        fast
    }
}

/// Reads an `aud` that is a single string. The strict reader reads arrays.
impl FastClaim for Audience {
    type Fast = Option<Span>;
    const IS_STRING: bool = true;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Option<Span>> {
        cursor.string().map(Some)
    }

    fn to_value(fast: Option<Span>, payload: &str) -> Vec<String> {
        fast.map(|span| span.of(payload).to_owned()).into_iter().collect()
    }
}

impl<T: FastClaim> FastClaim for Optional<T> {
    type Fast = Option<T::Fast>;
    const IS_STRING: bool = T::IS_STRING;

    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Option<Option<T::Fast>> {
        T::read(cursor).map(Some)
    }

    fn to_value(fast: Option<T::Fast>, payload: &str) -> Option<T::Value> {
        fast.map(|value| T::to_value(value, payload))
    }
}

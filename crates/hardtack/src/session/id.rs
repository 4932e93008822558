//! The id of a session.

use std::fmt;
use std::str::FromStr;

/// The id of a session: 128 random bits, written as 32 hexadecimal digits.
///
/// Only the server creates ids. An id that a client makes up belongs to no row and has no signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// Creates an id from the operating system's random number generator.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Creates the id with this number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// Returns the id as a number, for a store.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// The 32 digits, in ASCII.
    pub(crate) fn digits(self) -> [u8; 32] {
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        digits
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The text is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session id; expected 32 lower-case hexadecimal digits")]
pub struct ParseSessionIdError;

impl FromStr for SessionId {
    type Err = ParseSessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ParseSessionIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ParseSessionIdError)
    }
}

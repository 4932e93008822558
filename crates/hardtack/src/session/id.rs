//! The id of a session.

use std::fmt;
use std::str::FromStr;

use crate::jwt::decode_hex;

/// The id of a session: 128 random bits, written as 32 hexadecimal digits.
///
/// Only the server creates ids. A client cannot use an id that it has made up: no stored session has this id, and the
/// client cannot sign a token that contains the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// Creates an id with a cryptographically secure random number generator.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Creates an id from a number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// Returns the id as a number, so that a store can save it.
    pub const fn as_u128(self) -> u128 {
        self.0
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

/// The error for text that is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a session id; expected 32 lower-case hexadecimal digits")]
pub struct ParseSessionIdError;

impl FromStr for SessionId {
    type Err = ParseSessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes().try_into().map_err(|_| ParseSessionIdError)?;
        decode_hex(digits).map(Self).ok_or(ParseSessionIdError)
    }
}

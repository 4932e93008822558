//! A session's name.

use std::fmt;
use std::str::FromStr;

use crate::jwt::decode_hex;

/// 128 random bits that name one log-in; written as 32 hexadecimal digits.
///
/// Only the server makes them: an id that a client invents names no row and carries no signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// A new id from the operating system's random numbers.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The id with this number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// The id as a number, for a store.
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

/// Text that is no session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session id; expected 32 lower-case hexadecimal digits")]
pub struct ParseSessionIdError;

impl FromStr for SessionId {
    type Err = ParseSessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes().try_into().map_err(|_| ParseSessionIdError)?;
        decode_hex(digits).map(Self).ok_or(ParseSessionIdError)
    }
}

//! The `typ` of tokens (RFC 7515 §4.1.9, RFC 8725 §3.11).

use std::sync::Arc;

use super::error::KeyError;
use super::limits::MAX_TYP_LEN;

/// The default `typ` (RFC 7519 §5.1).
const USUAL: &str = "JWT";

/// Which `typ` is written into token headers, and which `typ` is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Typ {
    /// Writes `JWT`. On verification, `typ` must be `JWT` or missing.
    #[default]
    Usual,
    /// Writes this `typ`, and requires it on verification.
    Required(Arc<str>),
    /// Writes `JWT`. On verification, `typ` is not checked.
    Any,
}

impl Typ {
    /// Requires `typ`.
    ///
    /// # Errors
    /// [`KeyError::BadTyp`] if the text is empty, is too long, or contains a character that is not allowed in a media
    /// type.
    pub(super) fn required(typ: &str) -> Result<Self, KeyError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte);
        match (1..=MAX_TYP_LEN).contains(&typ.len()) && typ.bytes().all(is_allowed) {
            true => Ok(Self::Required(typ.into())),
            false => Err(KeyError::BadTyp),
        }
    }

    /// Returns the `typ` to write.
    pub(super) fn own(&self) -> &str {
        match self {
            Self::Usual | Self::Any => USUAL,
            Self::Required(typ) => typ,
        }
    }

    /// Returns whether tokens with this `typ` are accepted.
    pub(super) fn accepts(&self, typ: Option<&str>) -> bool {
        match self {
            Self::Usual => typ.is_none_or(|typ| is_typ(typ, USUAL)),
            Self::Required(expected) => typ.is_some_and(|typ| is_typ(typ, expected)),
            Self::Any => true,
        }
    }
}

/// Returns whether two `typ` values stand for the same media type. Media types are case-insensitive. A value without a
/// slash is short for the media type that begins with `application/` (RFC 7515 §4.1.9, RFC 8725bis §3.11).
pub(crate) fn is_typ(typ: &str, expected: &str) -> bool {
    without_prefix(typ).eq_ignore_ascii_case(without_prefix(expected))
}

/// Removes the prefix `application/` if the rest contains no slash.
fn without_prefix(typ: &str) -> &str {
    match typ.split_once('/') {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application") && !rest.contains('/') => rest,
        _ => typ,
    }
}

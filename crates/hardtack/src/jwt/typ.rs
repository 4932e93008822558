//! The `typ` of tokens (RFC 7515 §4.1.9, RFC 8725 §3.11).

use std::sync::Arc;

use super::error::KeyError;
use super::limits::MAX_TYP_LEN;

/// The `typ` that is used unless another `typ` is set (RFC 7519 §5.1).
const USUAL: &str = "JWT";

/// Which `typ` is written into the header of tokens, and which `typ` is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Typ {
    /// `JWT` is written. On verification, `typ` must be `JWT` or missing.
    #[default]
    Usual,
    /// This `typ` is written, and required on verification.
    Required(Arc<str>),
    /// `JWT` is written. On verification, `typ` is not checked.
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

    /// Returns the value that is written.
    pub(super) fn own(&self) -> &str {
        match self {
            Self::Usual | Self::Any => USUAL,
            Self::Required(typ) => typ,
        }
    }

    /// Returns whether tokens with this `typ` are accepted. Media types are case-insensitive (RFC 7515 §4.1.9).
    pub(super) fn accepts(&self, typ: Option<&str>) -> bool {
        match self {
            Self::Usual => typ.is_none_or(|typ| typ.eq_ignore_ascii_case(USUAL)),
            Self::Required(expected) => typ.is_some_and(|typ| typ.eq_ignore_ascii_case(expected)),
            Self::Any => true,
        }
    }
}

//! Replaces `asymmetric.rs` when the feature `asymmetric` is disabled. Loading or generating an asymmetric key then
//! fails with an error that names the feature.

use super::parts::{PrivateParts, PublicParts};
use crate::jwt::algorithm::Algorithm;
use crate::jwt::error::{KeyError, SignError};

/// Whether this build supports asymmetric keys.
pub(crate) const SUPPORTS_ASYMMETRIC: bool = false;

/// No private key.
pub(super) enum AsymmetricSigner {}

impl AsymmetricSigner {
    pub(super) fn from_der(_: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        Err(KeyError::NeedsAsymmetric { algorithm })
    }

    pub(super) fn from_parts(_: &PublicParts, _: &PrivateParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        Err(KeyError::NeedsAsymmetric { algorithm })
    }

    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Err(KeyError::NeedsAsymmetric { algorithm })
    }

    pub(super) fn parts(&self) -> Result<(PublicParts, PrivateParts), KeyError> {
        match *self {}
    }

    pub(super) fn signature(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        match *self {}
    }
}

/// No public key.
pub(super) enum AsymmetricVerifier {}

impl AsymmetricVerifier {
    pub(super) fn from_parts(_: &PublicParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        Err(KeyError::NeedsAsymmetric { algorithm })
    }

    pub(super) fn accepts(&self, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}

//! HMAC with the SHA-2 family (RFC 2104). Each key is prepared once rather than once per token.

use constant_time_eq::constant_time_eq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::secret_strength;
use crate::jwt::algorithm::{Algorithm, Family, Hash};
use crate::jwt::error::KeyError;

/// An HMAC key whose two padded blocks are already hashed, so they need not be hashed for each token.
///
/// This type does not implement `Debug`, because an attacker who knows the hash state can sign tokens.
pub(super) enum HmacKey {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl HmacKey {
    /// Checks a secret's strength and hashes its padded blocks.
    ///
    /// # Errors
    /// - [`KeyError::AlgorithmMismatch`]: the algorithm is not HMAC.
    /// - The errors that [`secret_strength::check`] returns.
    pub(super) fn new(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let mismatch = KeyError::AlgorithmMismatch { algorithm };
        let Family::Hmac(hash) = algorithm.family() else { return Err(mismatch) };
        secret_strength::check(secret, hash)?;
        let key = match hash {
            Hash::Sha256 => Hmac::new_from_slice(secret).map(Self::Sha256),
            Hash::Sha384 => Hmac::new_from_slice(secret).map(Self::Sha384),
            Hash::Sha512 => Hmac::new_from_slice(secret).map(Self::Sha512),
        };
        // Preparing the key cannot fail, because HMAC accepts keys of any length.
        key.map_err(|_| mismatch)
    }

    /// Returns the tag of `message`.
    pub(super) fn tag(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Sha384(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Sha512(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
        }
    }

    /// Whether `tag` is the complete tag of `message`. The comparison takes constant time.
    pub(super) fn accepts(&self, message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha256(state) => constant_time_eq(&state.clone().chain_update(message).finalize().into_bytes(), tag),
            Self::Sha384(state) => constant_time_eq(&state.clone().chain_update(message).finalize().into_bytes(), tag),
            Self::Sha512(state) => constant_time_eq(&state.clone().chain_update(message).finalize().into_bytes(), tag),
        }
    }
}

/// Returns the HMAC-SHA256 tag of a message that is passed in parts. The key may have any length.
pub(crate) fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    // If a key is longer than a block, it is hashed. If it is shorter, it is padded with zeros (RFC 2104 §2).
    let mut block = Zeroizing::new([0; 64]);
    if let Some(start) = block.get_mut(..key.len()) {
        start.copy_from_slice(key);
    } else if let Some(start) = block.first_chunk_mut::<32>() {
        *start = Sha256::digest(key).into();
    }
    let mut state = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    for part in message {
        state.update(part);
    }
    state.finalize().into_bytes().into()
}

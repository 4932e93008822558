//! The numbers that make up a key, independent of the format the key was loaded from (RFC 7518 §6, RFC 8037 §2).

use zeroize::Zeroizing;

use crate::jwt::algorithm::{Algorithm, Curve, Family};

/// The type of an asymmetric key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jwt) enum KeyType {
    Rsa,
    Ec(Curve),
    Ed25519,
}

impl KeyType {
    /// Returns whether a key of this type can be used with the algorithm.
    pub(in crate::jwt) fn fits(self, algorithm: Algorithm) -> bool {
        match algorithm.family() {
            Family::Hmac(_) => false,
            Family::Rsa(..) => self == Self::Rsa,
            Family::Ecdsa(curve) => self == Self::Ec(curve),
            Family::Ed25519 => self == Self::Ed25519,
        }
    }
}

/// The numbers that make up a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jwt) enum PublicParts {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl PublicParts {
    /// Reads an uncompressed point (SEC 1 §2.3.4). Returns `None` for any other form.
    pub(in crate::jwt) fn from_point(curve: Curve, point: &[u8]) -> Option<Self> {
        let [4, coordinates @ ..] = point else {
            return None;
        };
        let (x, y) = coordinates.split_at_checked(curve.len())?;
        (y.len() == curve.len()).then(|| Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
    }

    pub(in crate::jwt) const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec { curve, .. } => KeyType::Ec(*curve),
            Self::Ed25519 { .. } => KeyType::Ed25519,
        }
    }
}

/// Returns the number of bits of a big-endian number that has no leading zero bytes.
pub(super) fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |top| number.len() * 8 - top.leading_zeros() as usize)
}

/// The private numbers of a key. This type does not implement `Debug`, so that the numbers cannot be printed by
/// mistake.
#[derive(Clone)]
pub(in crate::jwt) enum PrivateParts {
    /// An HMAC secret.
    Secret(Zeroizing<Vec<u8>>),
    /// The ECDSA private scalar or the Ed25519 seed: `d` in a JWK.
    Scalar(Zeroizing<Vec<u8>>),
    Rsa(RsaPrivate),
}

/// The private numbers of an RSA key (RFC 7518 §6.3.2), big-endian.
#[derive(Clone)]
pub(in crate::jwt) struct RsaPrivate {
    pub(in crate::jwt) d: Zeroizing<Vec<u8>>,
    pub(in crate::jwt) p: Zeroizing<Vec<u8>>,
    pub(in crate::jwt) q: Zeroizing<Vec<u8>>,
    pub(in crate::jwt) dp: Zeroizing<Vec<u8>>,
    pub(in crate::jwt) dq: Zeroizing<Vec<u8>>,
    pub(in crate::jwt) qi: Zeroizing<Vec<u8>>,
}

impl PrivateParts {
    /// Returns the HMAC key that [`SigningKey::derive`](super::SigningKey::derive) uses.
    pub(super) fn material(&self) -> &[u8] {
        match self {
            Self::Secret(bytes) | Self::Scalar(bytes) => bytes,
            Self::Rsa(numbers) => &numbers.d,
        }
    }
}

//! The numbers that make up a key, whatever it was written in (RFC 7518 §6, RFC 8037 §2).

use zeroize::Zeroizing;

use crate::jwt::{Algorithm, algorithm::Family};

/// An elliptic curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jwt) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(in crate::jwt) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    pub(in crate::jwt) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Bytes in a coordinate and in the private scalar.
    pub(in crate::jwt) const fn len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The one algorithm for keys on this curve (RFC 7518 §3.4).
    pub(in crate::jwt) const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::ES256,
            Self::P384 => Algorithm::ES384,
            Self::P521 => Algorithm::ES512,
        }
    }
}

/// What an asymmetric key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jwt) enum KeyType {
    Rsa,
    Ec(Curve),
    Ed25519,
}

impl KeyType {
    pub(in crate::jwt) fn fits(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa => algorithm.family() == Family::Rsa,
            Self::Ec(curve) => algorithm == curve.algorithm(),
            Self::Ed25519 => algorithm.family() == Family::Ed25519,
        }
    }
}

/// A public key's numbers, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jwt) enum PublicParts {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl PublicParts {
    /// From an uncompressed point (SEC 1 §2.3.4); `None` for any other form.
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

/// The uncompressed point of two coordinates (SEC 1 §2.3.3).
pub(super) fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// The bits in a big-endian number without leading zero bytes.
pub(super) fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |top| number.len() * 8 - top.leading_zeros() as usize)
}

/// The private numbers of a key. No `Debug`: they are never shown.
#[derive(Clone)]
pub(in crate::jwt) enum PrivateParts {
    /// An HMAC secret.
    Secret(Zeroizing<Vec<u8>>),
    /// The private scalar of ECDSA, or Ed25519's seed: a JWK's `d`.
    Scalar(Zeroizing<Vec<u8>>),
    Rsa(RsaPrivate),
}

/// The private numbers of RFC 7518 §6.3.2, big-endian.
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
    /// What sub-keys are derived from.
    pub(super) fn material(&self) -> &[u8] {
        match self {
            Self::Secret(bytes) | Self::Scalar(bytes) => bytes,
            Self::Rsa(numbers) => &numbers.d,
        }
    }
}

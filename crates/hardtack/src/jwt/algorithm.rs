//! The signature algorithms of RFC 7518 §3, RFC 8037 and RFC 9864, each with its hash, curve or padding.

use std::fmt;
use std::str::FromStr;

/// An algorithm's family, with its parameters.
///
/// Code that differs between algorithms matches on this enum and its parameters without a wildcard, so if a variant is
/// added, the compiler reports every `match` that must handle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// HMAC (RFC 7518 §3.2).
    Hmac(Hash),
    /// ECDSA (RFC 7518 §3.4). Each curve is used with a fixed hash.
    Ecdsa(Curve),
    /// RSASSA-PKCS1-v1_5 or RSASSA-PSS (RFC 7518 §3.3, §3.5).
    Rsa(RsaPadding, Hash),
    /// Ed25519 (RFC 8037 §3.1).
    Ed25519,
}

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The padding of an RSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaPadding {
    Pkcs1,
    Pss,
}

/// An elliptic curve from RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// Defines [`Algorithm`] from a table with one row per algorithm. Each variant's name is also the algorithm's `alg`
/// value in RFC 7518 §3.1, RFC 8037 §3.1 and RFC 9864 §2.2.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident => $family:expr,)+) => {
        /// A signature algorithm. The algorithm `none` of RFC 7518 is not supported.
        ///
        /// ```
        /// use hardtack::jwt::Algorithm;
        ///
        /// assert_eq!("ES256".parse(), Ok(Algorithm::ES256));
        /// assert!("none".parse::<Algorithm>().is_err());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[$doc])* $name,)+
        }

        impl Algorithm {
            pub(super) const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the algorithm's name, as written in the `alg` of a token's header.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            pub(super) const fn family(self) -> Family {
                match self {
                    $(Self::$name => $family,)+
                }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    HS256 => Family::Hmac(Hash::Sha256),
    /// HMAC with SHA-384.
    HS384 => Family::Hmac(Hash::Sha384),
    /// HMAC with SHA-512.
    HS512 => Family::Hmac(Hash::Sha512),
    /// ECDSA on P-256 with SHA-256.
    ES256 => Family::Ecdsa(Curve::P256),
    /// ECDSA on P-384 with SHA-384.
    ES384 => Family::Ecdsa(Curve::P384),
    /// ECDSA on P-521 with SHA-512.
    ES512 => Family::Ecdsa(Curve::P521),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256 => Family::Rsa(RsaPadding::Pkcs1, Hash::Sha256),
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384 => Family::Rsa(RsaPadding::Pkcs1, Hash::Sha384),
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512 => Family::Rsa(RsaPadding::Pkcs1, Hash::Sha512),
    /// RSASSA-PSS with SHA-256.
    PS256 => Family::Rsa(RsaPadding::Pss, Hash::Sha256),
    /// RSASSA-PSS with SHA-384.
    PS384 => Family::Rsa(RsaPadding::Pss, Hash::Sha384),
    /// RSASSA-PSS with SHA-512.
    PS512 => Family::Rsa(RsaPadding::Pss, Hash::Sha512),
    /// Ed25519 under its name in RFC 8037 §3.1. JWT libraries that support Ed25519 recognize this name.
    EdDSA => Family::Ed25519,
    /// Ed25519 under its name in RFC 9864 §2.2. Unlike `EdDSA`, this name specifies the curve. The signatures are the
    /// same, so a key for either name also verifies tokens whose `alg` is the other name.
    Ed25519 => Family::Ed25519,
}

impl Algorithm {
    /// Returns whether tokens are signed and verified with the same secret.
    pub const fn is_hmac(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }

    /// Returns whether both algorithms create the same signatures. This is the case if they are equal, or if they are
    /// `EdDSA` and `Ed25519`.
    pub(crate) fn signs_like(self, other: Self) -> bool {
        self.family() == other.family()
    }

    /// Whether one key could be used with both algorithms.
    pub(crate) fn shares_keys_with(self, other: Self) -> bool {
        match self.family() {
            Family::Hmac(_) => matches!(other.family(), Family::Hmac(_)),
            Family::Rsa(..) => matches!(other.family(), Family::Rsa(..)),
            Family::Ecdsa(_) | Family::Ed25519 => self.signs_like(other),
        }
    }
}

impl Hash {
    /// Returns the length of the hash's output, in bits.
    pub(super) const fn bits(self) -> usize {
        match self {
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }
}

impl Curve {
    pub(super) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Returns the curve's name, as written in the `crv` member of a JWK.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Returns the length of a coordinate in bytes. The private scalar has the same length.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Returns the only algorithm for keys on this curve (RFC 7518 §3.4).
    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::ES256,
            Self::P384 => Algorithm::ES384,
            Self::P521 => Algorithm::ES512,
        }
    }
}

/// The error for a string that is not the name of an [`Algorithm`]. The name `none` is not supported.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm; expected {}", names())]
pub struct ParseAlgorithmError;

/// Writes the error message, because Rust uses `Debug` to print an error that `main` returns.
impl fmt::Debug for ParseAlgorithmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the names of all algorithms as a list for an error message: `HS256, HS384, … or EdDSA`.
fn names() -> String {
    let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl FromStr for Algorithm {
    type Err = ParseAlgorithmError;

    /// Parses the name of an algorithm. The name is case-sensitive (RFC 7515 §4.1.1).
    fn from_str(name: &str) -> Result<Self, ParseAlgorithmError> {
        Self::ALL.iter().find(|algorithm| algorithm.as_str() == name).copied().ok_or(ParseAlgorithmError)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

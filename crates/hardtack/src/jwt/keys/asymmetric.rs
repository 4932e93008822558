//! ECDSA, RSA and Ed25519 keys, built on the aws-lc-rs crate. Without the feature `asymmetric`, `no_asymmetric.rs`
//! takes the place of this module.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RsaEncoding, RsaKeyPair, RsaParameters, RsaPublicKeyComponents,
};
use zeroize::Zeroizing;

use super::der;
use super::parts::{PrivateParts, PublicParts, RsaPrivate};
use crate::jwt::algorithm::{Algorithm, Curve, Family, Hash, RsaPadding};
use crate::jwt::error::{KeyError, SignError};

const EXPECTED_DER: KeyError =
    KeyError::Unparsable { expected: "a DER private key: PKCS#8, PKCS#1 (RSA) or SEC 1 (EC), unencrypted" };
const EXPECTED_PARTS: KeyError =
    KeyError::Unparsable { expected: "a private key with valid components that match each other" };
const EXPECTED_PUBLIC_PARTS: KeyError = KeyError::Unparsable { expected: "a public key with valid components" };

/// Whether this build supports asymmetric keys.
pub(crate) const SUPPORTS_ASYMMETRIC: bool = true;

/// A private key that is ready to sign with one algorithm.
pub(super) enum AsymmetricSigner {
    Ecdsa(Curve, EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ed25519(Ed25519KeyPair),
}

impl AsymmetricSigner {
    /// Loads a private key in DER: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915).
    pub(super) fn from_der(bytes: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        match algorithm.family() {
            Family::Hmac(_) => Err(KeyError::AlgorithmMismatch { algorithm }),
            Family::Ecdsa(curve) => {
                let pair = EcdsaKeyPair::from_private_key_der(ecdsa_signing(curve), bytes);
                Ok(Self::Ecdsa(curve, pair.map_err(|_| EXPECTED_DER)?))
            }
            Family::Rsa(padding, hash) => {
                let pair = RsaKeyPair::from_pkcs8(bytes).or_else(|_| RsaKeyPair::from_der(bytes));
                Ok(Self::Rsa(pair.map_err(|_| EXPECTED_DER)?, rsa_signing(padding, hash)))
            }
            Family::Ed25519 => Ok(Self::Ed25519(Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| EXPECTED_DER)?)),
        }
    }

    /// Builds the key from its numeric components.
    pub(super) fn from_parts(
        public: &PublicParts,
        private: &PrivateParts,
        algorithm: Algorithm,
    ) -> Result<Self, KeyError> {
        match (algorithm.family(), public, private) {
            (Family::Ecdsa(curve), PublicParts::Ec { x, y, .. }, PrivateParts::Scalar(d)) if d.len() == curve.len() => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(ecdsa_signing(curve), d, &point(x, y));
                Ok(Self::Ecdsa(curve, pair.map_err(|_| EXPECTED_PARTS)?))
            }
            (Family::Ed25519, PublicParts::Ed25519 { x }, PrivateParts::Scalar(d)) if d.len() == 32 => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(d, x);
                Ok(Self::Ed25519(pair.map_err(|_| EXPECTED_PARTS)?))
            }
            (
                Family::Rsa(padding, hash),
                PublicParts::Rsa { n, e },
                PrivateParts::Rsa(RsaPrivate { d, p, q, dp, dq, qi }),
            ) => {
                let pair = RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: RsaPublicKeyComponents { n, e },
                    d: d.as_slice(),
                    p: p.as_slice(),
                    q: q.as_slice(),
                    dP: dp.as_slice(),
                    dQ: dq.as_slice(),
                    qInv: qi.as_slice(),
                });
                Ok(Self::Rsa(pair.map_err(|_| EXPECTED_PARTS)?, rsa_signing(padding, hash)))
            }
            (Family::Hmac(_) | Family::Ecdsa(_) | Family::Rsa(..) | Family::Ed25519, _, _) => Err(EXPECTED_PARTS),
        }
    }

    /// Generates a random key. An RSA key has 3072 bits.
    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Generation;
        match algorithm.family() {
            Family::Hmac(_) => Err(KeyError::AlgorithmMismatch { algorithm }),
            Family::Ecdsa(curve) => {
                Ok(Self::Ecdsa(curve, EcdsaKeyPair::generate(ecdsa_signing(curve)).map_err(failed)?))
            }
            Family::Rsa(padding, hash) => {
                let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
                Ok(Self::Rsa(pair, rsa_signing(padding, hash)))
            }
            Family::Ed25519 => Ok(Self::Ed25519(Ed25519KeyPair::generate().map_err(failed)?)),
        }
    }

    /// Returns the key's numeric components.
    pub(super) fn parts(&self) -> Result<(PublicParts, PrivateParts), KeyError> {
        match self {
            Self::Ecdsa(curve, pair) => {
                let public = PublicParts::from_point(*curve, pair.public_key().as_ref()).ok_or(EXPECTED_PARTS)?;
                let scalar: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| EXPECTED_PARTS)?;
                Ok((public, PrivateParts::Scalar(scalar.as_ref().to_vec().into())))
            }
            Self::Rsa(pair, _) => {
                let public = der::rsa_public_key(pair.public_key().as_ref()).ok_or(EXPECTED_PARTS)?;
                let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| EXPECTED_PARTS)?;
                let [_, _, numbers @ ..] = der::rsa_private_numbers(document.as_ref()).ok_or(EXPECTED_PARTS)?;
                let [d, p, q, dp, dq, qi] = numbers.map(|number| Zeroizing::new(number.to_vec()));
                Ok((public, PrivateParts::Rsa(RsaPrivate { d, p, q, dp, dq, qi })))
            }
            Self::Ed25519(pair) => {
                let public = PublicParts::Ed25519 { x: pair.public_key().as_ref().to_vec() };
                let seed: Curve25519SeedBin<'_> =
                    pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(|_| EXPECTED_PARTS)?;
                Ok((public, PrivateParts::Scalar(seed.as_ref().to_vec().into())))
            }
        }
    }

    /// Signs `message` and returns the signature in the format of RFC 7518 §3.
    pub(super) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        let failed = |_| SignError::Failed;
        match self {
            Self::Ecdsa(_, pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Self::Rsa(pair, scheme) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*scheme, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

/// A public key that is ready to verify signatures made with one algorithm.
pub(super) struct AsymmetricVerifier(ParsedPublicKey);

impl AsymmetricVerifier {
    /// Builds the key from its numeric components, and checks them.
    pub(super) fn from_parts(parts: &PublicParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        let invalid = |_| EXPECTED_PUBLIC_PARTS;
        let key = match (algorithm.family(), parts) {
            (Family::Rsa(padding, hash), PublicParts::Rsa { n, e }) => {
                let scheme = rsa_verification(padding, hash);
                let built = RsaPublicKeyComponents { n, e }.to_parsed_public_key(scheme).map_err(invalid)?;
                // Convert the key to DER and parse it, because aws-lc-rs does not check a key that is built from `n`
                // and `e`. When it parses DER, aws-lc-rs requires that `n` is odd, that `e` is odd and greater than 1,
                // and that both have a permitted size.
                ParsedPublicKey::new(scheme, built).map_err(invalid)?
            }
            (Family::Ecdsa(curve), PublicParts::Ec { x, y, .. })
                if x.len() == curve.len() && y.len() == curve.len() =>
            {
                ParsedPublicKey::new(ecdsa_verification(curve), point(x, y)).map_err(invalid)?
            }
            (Family::Ed25519, PublicParts::Ed25519 { x }) if x.len() == 32 => {
                ParsedPublicKey::new(&signature::ED25519, x).map_err(invalid)?
            }
            (Family::Hmac(_) | Family::Ecdsa(_) | Family::Rsa(..) | Family::Ed25519, _) => {
                return Err(EXPECTED_PUBLIC_PARTS);
            }
        };
        Ok(Self(key))
    }

    /// Returns whether `signature` is a signature of `message` by this key.
    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// Returns the uncompressed point with these coordinates (SEC 1 §2.3.3).
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn ecdsa_signing(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

fn ecdsa_verification(curve: Curve) -> &'static EcdsaVerificationAlgorithm {
    match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
    }
}

fn rsa_signing(padding: RsaPadding, hash: Hash) -> &'static dyn RsaEncoding {
    match (padding, hash) {
        (RsaPadding::Pkcs1, Hash::Sha256) => &signature::RSA_PKCS1_SHA256,
        (RsaPadding::Pkcs1, Hash::Sha384) => &signature::RSA_PKCS1_SHA384,
        (RsaPadding::Pkcs1, Hash::Sha512) => &signature::RSA_PKCS1_SHA512,
        (RsaPadding::Pss, Hash::Sha256) => &signature::RSA_PSS_SHA256,
        (RsaPadding::Pss, Hash::Sha384) => &signature::RSA_PSS_SHA384,
        (RsaPadding::Pss, Hash::Sha512) => &signature::RSA_PSS_SHA512,
    }
}

fn rsa_verification(padding: RsaPadding, hash: Hash) -> &'static RsaParameters {
    match (padding, hash) {
        (RsaPadding::Pkcs1, Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (RsaPadding::Pkcs1, Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (RsaPadding::Pkcs1, Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (RsaPadding::Pss, Hash::Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (RsaPadding::Pss, Hash::Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (RsaPadding::Pss, Hash::Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
    }
}

//! A reader for the part of DER (X.690 §10) that keys use.
//!
//! Determines the type of a key. Also reads the numbers in a public key (`n` and `e`, or `x` and `y`) and in an RSA
//! private key. The `asymmetric` module parses private keys, and checks the numbers in public keys.

use super::parts::{KeyType, PublicParts};
use crate::jwt::algorithm::Curve;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The tag of the curve in a SEC 1 private key.
const PARAMETERS: u8 = 0xa0;

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Reads the elements of a constructed value in order.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
                (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            // Refuse 0x80, which stands for the indefinite length in BER. Also refuse lengths of 2^24 or more, because
            // no key is that long.
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// Reads a non-negative INTEGER and returns its big-endian bytes, without the leading zero. A number has exactly
    /// one encoding (X.690 §8.3.2), so further leading zeros are refused.
    fn number(&mut self) -> Option<&'a [u8]> {
        match self.expect(INTEGER)? {
            [0, rest @ ..] if rest.first().is_some_and(|top| *top >= 0x80) => Some(rest),
            [] | [0, _, ..] => None,
            [top, ..] if *top >= 0x80 => None,
            digits => Some(digits),
        }
    }

    fn key_type(&mut self) -> Option<KeyType> {
        let mut identifier = Reader(self.expect(SEQUENCE)?);
        match identifier.expect(OBJECT_ID)? {
            OID_RSA => Some(KeyType::Rsa),
            OID_ED25519 => Some(KeyType::Ed25519),
            OID_EC => identifier.curve().map(KeyType::Ec),
            _ => None,
        }
    }

    fn curve(&mut self) -> Option<Curve> {
        match self.expect(OBJECT_ID)? {
            OID_P256 => Some(Curve::P256),
            OID_P384 => Some(Curve::P384),
            OID_P521 => Some(Curve::P521),
            _ => None,
        }
    }
}

/// Returns a reader for the content of `der`, which must be exactly one SEQUENCE.
fn sequence(der: &[u8]) -> Option<Reader<'_>> {
    let mut outer = Reader(der);
    let inner = outer.expect(SEQUENCE)?;
    outer.0.is_empty().then_some(Reader(inner))
}

/// Returns whether `bytes` looks like a key or a certificate, that is, whether it is exactly one SEQUENCE whose first
/// element is a SEQUENCE (SubjectPublicKeyInfo, X.509) or an INTEGER (RSAPublicKey, private keys).
pub(super) fn looks_like_key(bytes: &[u8]) -> bool {
    sequence(bytes).and_then(|mut inner| inner.element()).is_some_and(|(tag, _)| matches!(tag, SEQUENCE | INTEGER))
}

/// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) or an RSAPublicKey (RFC 8017 §A.1.1).
pub(super) fn public_key(der: &[u8]) -> Option<PublicParts> {
    let mut info = sequence(der)?;
    let Some(key_type) = info.key_type() else {
        return rsa_public_key(der);
    };
    let [0, bits @ ..] = info.expect(BIT_STRING)? else {
        return None;
    };
    if !info.0.is_empty() {
        return None;
    }
    match key_type {
        KeyType::Rsa => rsa_public_key(bits),
        KeyType::Ec(curve) => PublicParts::from_point(curve, bits),
        KeyType::Ed25519 => Some(PublicParts::Ed25519 { x: bits.to_vec() }),
    }
}

/// Reads an RSAPublicKey (RFC 8017 §A.1.1).
pub(super) fn rsa_public_key(der: &[u8]) -> Option<PublicParts> {
    let mut numbers = sequence(der)?;
    let (n, e) = (numbers.number()?, numbers.number()?);
    numbers.0.is_empty().then(|| PublicParts::Rsa { n: n.to_vec(), e: e.to_vec() })
}

/// Returns the type of a private key in PKCS#8 (RFC 5208 §5), PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915 §3) format.
pub(super) fn private_key_type(der: &[u8]) -> Option<KeyType> {
    let mut info = sequence(der)?;
    info.number()?;
    match *info.0.first()? {
        SEQUENCE => info.key_type(),
        OCTET_STRING => {
            info.element()?;
            Reader(info.expect(PARAMETERS)?).curve().map(KeyType::Ec)
        }
        INTEGER => Some(KeyType::Rsa),
        _ => None,
    }
}

/// Reads the integers that make up an RSA private key in PKCS#8 or PKCS#1 (RFC 8017 §A.1.2). Returns them in the order
/// `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`.
pub(super) fn rsa_private_numbers(der: &[u8]) -> Option<[&[u8]; 8]> {
    let mut info = sequence(der)?;
    info.number()?;
    let mut numbers = if info.0.first() == Some(&SEQUENCE) {
        info.expect(SEQUENCE)?;
        let mut inner = sequence(info.expect(OCTET_STRING)?)?;
        inner.number()?;
        inner
    } else {
        info
    };
    let mut found = [&[][..]; 8];
    for number in &mut found {
        *number = numbers.number()?;
    }
    Some(found)
}

//! Reading a JWK.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{EXPECTED, Jwk, Usage};
use crate::jwt::algorithm::{Algorithm, Curve};
use crate::jwt::base64url;
use crate::jwt::error::KeyError;
use crate::jwt::json::unique_members::{Json, read_object};
use crate::jwt::keys::{PrivateParts, PublicParts, RsaPrivate};

impl Jwk {
    /// Parses a JWK, which may be public or private.
    ///
    /// # Errors
    /// - [`KeyError::Unparsable`]: the text is not a JWK of a supported type, or a member occurs twice.
    /// - [`KeyError::UnknownAlgorithm`]: `alg` is not the name of an [`Algorithm`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut members = Vec::new();
        read_object(text.as_bytes(), |name, value| {
            members.push((Cow::Owned(name.to_owned()), value));
            Ok(())
        })
        .map_err(|_| EXPECTED)?;
        Self::from_members(members)
    }

    pub(crate) fn from_members(members: Vec<(Cow<'_, str>, Json<'_>)>) -> Result<Self, KeyError> {
        let mut members = Members(members);
        let algorithm = members.text("alg")?.map(|name| name.parse::<Algorithm>()).transpose()?;
        let key_id = members.text("kid")?.map(Cow::into_owned);
        let usage = members.usage()?;
        let kty = members.text("kty")?.ok_or(EXPECTED)?;
        let (public, private) = match &*kty {
            "oct" => (None, Some(PrivateParts::Secret(members.secret("k")?.ok_or(EXPECTED)?))),
            "RSA" => {
                let public = PublicParts::Rsa { n: members.number("n")?, e: members.number("e")? };
                (Some(public), members.rsa_private()?.map(PrivateParts::Rsa))
            }
            "EC" => {
                let name = members.text("crv")?.ok_or(EXPECTED)?;
                let curve = Curve::ALL.into_iter().find(|curve| curve.name() == name).ok_or(EXPECTED)?;
                let public = PublicParts::Ec { curve, x: members.bytes("x")?, y: members.bytes("y")? };
                (Some(public), members.secret("d")?.map(PrivateParts::Scalar))
            }
            "OKP" if members.text("crv")?.as_deref() == Some("Ed25519") => {
                let public = PublicParts::Ed25519 { x: members.bytes("x")? };
                (Some(public), members.secret("d")?.map(PrivateParts::Scalar))
            }
            _ => return Err(EXPECTED),
        };
        Ok(Self { key_id, algorithm, usage, public, private })
    }
}

/// The members of a JWK that have not been read yet.
struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Members<'a> {
    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(index).1)
    }

    fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, KeyError> {
        self.take(name).map(|value| value.into_string().ok_or(EXPECTED)).transpose()
    }

    fn secret(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let text = self.text(name)?;
        text.map(|text| base64url::decode(text.as_bytes()).map(Zeroizing::new).ok_or(EXPECTED)).transpose()
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, KeyError> {
        let text = self.text(name)?.ok_or(EXPECTED)?;
        base64url::decode(text.as_bytes()).ok_or(EXPECTED)
    }

    /// Reads a positive number. Some libraries write leading zero bytes, although RFC 7518 §2 forbids them. This
    /// function removes the zeros, because they would make a key look longer and change its thumbprint.
    fn number(&mut self, name: &str) -> Result<Vec<u8>, KeyError> {
        let mut bytes = self.bytes(name)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.drain(..zeros);
        Ok(bytes)
    }

    fn rsa_private(&mut self) -> Result<Option<RsaPrivate>, KeyError> {
        let Some(d) = self.secret("d")? else {
            return Ok(None);
        };
        // Keys with more than two primes are not supported (RFC 7518 §6.3.2.7).
        if self.take("oth").is_some() {
            return Err(EXPECTED);
        }
        let mut number = |name| self.secret(name)?.ok_or(EXPECTED);
        let (p, q) = (number("p")?, number("q")?);
        let (dp, dq, qi) = (number("dp")?, number("dq")?, number("qi")?);
        Ok(Some(RsaPrivate { d, p, q, dp, dq, qi }))
    }

    fn usage(&mut self) -> Result<Usage, KeyError> {
        let signature = self.text("use")?.is_none_or(|name| name == "sig");
        let listed = match self.take("key_ops") {
            None => None,
            Some(Json::Array(items)) => Some(operations(items).ok_or(EXPECTED)?),
            Some(_) => return Err(EXPECTED),
        };
        let allows = |operation: &str| {
            signature && listed.as_ref().is_none_or(|names| names.iter().any(|name| name == operation))
        };
        // A key that is allowed to sign is also allowed to verify.
        Ok(Usage { sign: allows("sign"), verify: allows("verify") || allows("sign") })
    }
}

/// Returns the names in `key_ops`. Returns `None` if an item is not a string or occurs twice (RFC 7517 §4.3).
fn operations(items: Vec<Json<'_>>) -> Option<Vec<Cow<'_, str>>> {
    let mut names = items.into_iter().map(Json::into_string).collect::<Option<Vec<_>>>()?;
    names.sort_unstable();
    (!names.windows(2).any(|pair| pair.first() == pair.last())).then_some(names)
}

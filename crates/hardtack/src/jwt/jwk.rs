//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) and sets of them.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::json::{self, Json};
use super::keys::{Curve, KeyType, PrivateParts, PublicParts, RsaPrivate, SigningKey, VerifyingKey};
use super::{Algorithm, KeyError, base64url};

const EXPECTED: KeyError = KeyError::Unparsable {
    expected: "a JWK (RFC 7517): one JSON object with \"kty\" of oct, RSA, EC (P-256, P-384, P-521) or OKP \
               (Ed25519), all of its kind's members in base64url, and no member twice",
};
const EXPECTED_SET: KeyError =
    KeyError::Unparsable { expected: "a JWK set (RFC 7517 section 5): {\"keys\":[…]}, and no member twice" };

/// A key in JSON.
///
/// ```
/// use hardtack::jwt::Jwk;
///
/// let jwk = Jwk::parse(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// assert_eq!(jwk.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Jwk {
    key_id: Option<String>,
    algorithm: Option<Algorithm>,
    usage: Usage,
    public: Option<PublicParts>,
    private: Option<PrivateParts>,
}

/// What `use` and `key_ops` allow (RFC 7517 §4.2, §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    sign: bool,
    verify: bool,
}

impl Jwk {
    /// Reads a JWK, public or private.
    ///
    /// # Errors
    /// [`KeyError::Unparsable`], also if a member is there twice; [`KeyError::UnknownAlgorithm`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut members = Vec::new();
        json::read_object(text.as_bytes(), |name, value| {
            members.push((Cow::Owned(name.to_owned()), value));
            Ok(())
        })
        .map_err(|_| EXPECTED)?;
        Self::from_members(members)
    }

    fn from_members(members: Vec<(Cow<'_, str>, Json<'_>)>) -> Result<Self, KeyError> {
        let mut members = Members(members);
        let algorithm = members.text("alg")?.map(|name| name.parse()).transpose()?;
        let key_id = members.text("kid")?.map(Cow::into_owned);
        let usage = members.uses()?;
        let kty = members.text("kty")?.ok_or(EXPECTED)?;
        let (public, private) = match &*kty {
            "oct" => (None, Some(PrivateParts::Secret(members.secret("k")?.ok_or(EXPECTED)?))),
            "RSA" => {
                let public = PublicParts::Rsa { n: members.bytes("n")?, e: members.bytes("e")? };
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

    /// A key of ours: for both uses.
    pub(super) fn of(
        public: Option<PublicParts>,
        private: Option<PrivateParts>,
        algorithm: Algorithm,
        key_id: Option<&str>,
    ) -> Self {
        let usage = Usage { sign: true, verify: true };
        Self { key_id: key_id.map(str::to_owned), algorithm: Some(algorithm), usage, public, private }
    }

    /// `kid`.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// `alg`, or the only one that the curve allows.
    pub fn algorithm(&self) -> Option<Algorithm> {
        let implied = match self.public.as_ref().map(PublicParts::key_type) {
            Some(KeyType::Ec(curve)) => Some(curve.algorithm()),
            Some(KeyType::Ed25519) => Some(Algorithm::EdDSA),
            Some(KeyType::Rsa) | None => None,
        };
        self.algorithm.or(implied)
    }

    /// Whether it has private members, or is an HMAC secret.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// The key to verify with, under its `kid`.
    ///
    /// # Errors
    /// [`KeyError`] if the key is weak or invalid, is for encryption, or names no algorithm.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        if !self.usage.verify {
            return Err(KeyError::WrongUse);
        }
        let algorithm = self.algorithm().ok_or(KeyError::NoAlgorithm)?;
        let key = match (&self.public, &self.private) {
            (Some(public), _) => VerifyingKey::from_parts(public.clone(), algorithm)?,
            (None, Some(PrivateParts::Secret(secret))) => VerifyingKey::from_secret_with(secret, algorithm)?,
            (None, _) => return Err(EXPECTED),
        };
        Ok(match &self.key_id {
            Some(key_id) => key.with_key_id(key_id),
            None => key,
        })
    }

    /// The key to sign with, under its `kid`.
    ///
    /// # Errors
    /// As [`verifying_key`](Self::verifying_key), and [`KeyError::NotASigningKey`] for a public key.
    pub fn signing_key(&self) -> Result<SigningKey, KeyError> {
        if !self.usage.sign {
            return Err(KeyError::WrongUse);
        }
        let algorithm = self.algorithm().ok_or(KeyError::NoAlgorithm)?;
        let key = match (&self.public, &self.private) {
            (Some(public), Some(private)) => SigningKey::from_parts(public, private, algorithm)?,
            (None, Some(PrivateParts::Secret(secret))) => SigningKey::from_secret_with(secret, algorithm)?,
            _ => return Err(KeyError::NotASigningKey),
        };
        Ok(match &self.key_id {
            Some(key_id) => key.with_key_id(key_id),
            None => key,
        })
    }

    /// The public members as JSON; `None` for an HMAC secret, which has none.
    pub fn to_public_json(&self) -> Option<String> {
        self.public_members().map(|members| Value::Object(members).to_string())
    }

    /// All members as JSON: whoever reads it can sign.
    pub fn dangerous_to_private_json(&self) -> String {
        let mut members = self.public_members().unwrap_or_else(|| self.common_members());
        let mut add = |name: &str, bytes: &[u8]| members.insert(name.to_owned(), encoded(bytes));
        match &self.private {
            None => {}
            Some(PrivateParts::Secret(secret)) => {
                add("k", secret);
                members.insert("kty".to_owned(), "oct".into());
            }
            Some(PrivateParts::Scalar(d)) => {
                add("d", d);
            }
            Some(PrivateParts::Rsa(RsaPrivate { d, p, q, dp, dq, qi })) => {
                for (name, number) in [("d", d), ("p", p), ("q", q), ("dp", dp), ("dq", dq), ("qi", qi)] {
                    add(name, number);
                }
            }
        }
        Value::Object(members).to_string()
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638), a good key id; `None` for an HMAC secret.
    pub fn thumbprint(&self) -> Option<String> {
        // RFC 7638 §3.2: exactly these members, sorted, without white space.
        let members: Map<String, Value> = key_members(self.public.as_ref()?).into_iter().collect();
        let text = Value::Object(members).to_string();
        Some(base64url::encode(&Sha256::digest(text)))
    }

    fn public_members(&self) -> Option<Map<String, Value>> {
        let mut members = self.common_members();
        members.extend(key_members(self.public.as_ref()?));
        Some(members)
    }

    fn common_members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("use".to_owned(), "sig".into());
        if let Some(algorithm) = self.algorithm() {
            members.insert("alg".to_owned(), algorithm.as_str().into());
        }
        if let Some(key_id) = self.key_id() {
            members.insert("kid".to_owned(), key_id.into());
        }
        members
    }
}

impl fmt::Debug for Jwk {
    /// The algorithm and the id only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn encoded(bytes: &[u8]) -> Value {
    base64url::encode(bytes).into()
}

/// The members that make up a public key, sorted by name (RFC 7638 §3.2).
fn key_members(parts: &PublicParts) -> Vec<(String, Value)> {
    let members = match parts {
        PublicParts::Rsa { n, e } => {
            vec![("e", encoded(e)), ("kty", "RSA".into()), ("n", encoded(n))]
        }
        PublicParts::Ec { curve, x, y } => {
            vec![("crv", curve.name().into()), ("kty", "EC".into()), ("x", encoded(x)), ("y", encoded(y))]
        }
        PublicParts::Ed25519 { x } => vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", encoded(x))],
    };
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The members of a JWK that is being read.
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

    fn rsa_private(&mut self) -> Result<Option<RsaPrivate>, KeyError> {
        let Some(d) = self.secret("d")? else {
            return Ok(None);
        };
        // RFC 7518 §6.3.2.7: keys of more than two primes aren't supported.
        if self.take("oth").is_some() {
            return Err(EXPECTED);
        }
        let mut number = |name| self.secret(name)?.ok_or(EXPECTED);
        let (p, q) = (number("p")?, number("q")?);
        let (dp, dq, qi) = (number("dp")?, number("dq")?, number("qi")?);
        Ok(Some(RsaPrivate { d, p, q, dp, dq, qi }))
    }

    fn uses(&mut self) -> Result<Usage, KeyError> {
        let signature = self.text("use")?.is_none_or(|name| name == "sig");
        let listed = match self.take("key_ops") {
            None => None,
            Some(Json::Array(items)) => Some(items),
            Some(_) => return Err(EXPECTED),
        };
        let allows = |operation: &str| {
            signature
                && listed.as_ref().is_none_or(|items| {
                    items.iter().any(|item| matches!(item, Json::String(name) if name == operation))
                })
        };
        // A private key verifies what it signs.
        Ok(Usage { sign: allows("sign"), verify: allows("verify") || allows("sign") })
    }
}

/// Several keys in JSON: `{"keys":[…]}` (RFC 7517 §5).
///
/// ```
/// use hardtack::{KeySet, SigningKey};
/// use hardtack::jwt::{Algorithm, JwkSet};
///
/// let keys = KeySet::new(SigningKey::generate(Algorithm::ES256)?.with_key_id("a"));
/// let published = keys.to_public_jwk_set().to_public_json();
///
/// let set = JwkSet::parse(&published)?;
/// let key = set.keys().first().unwrap().verifying_key()?;
/// assert_eq!(key.key_id(), Some("a"));
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set. Keys of an unknown kind are left out, as RFC 7517 §5 advises.
    ///
    /// # Errors
    /// [`KeyError::Unparsable`] if it isn't a set of objects, or a member is there twice.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut found = None;
        json::read_object(text.as_bytes(), |name, value| {
            if name == "keys" {
                found = Some(value);
            }
            Ok(())
        })
        .map_err(|_| EXPECTED_SET)?;
        let Some(Json::Array(items)) = found else {
            return Err(EXPECTED_SET);
        };
        let mut keys = Vec::new();
        for item in items {
            let Json::Object(members) = item else {
                return Err(EXPECTED_SET);
            };
            keys.extend(Jwk::from_members(members));
        }
        Ok(Self { keys })
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The public members of all keys as JSON. HMAC secrets are left out.
    pub fn to_public_json(&self) -> String {
        let keys = self.keys.iter().filter_map(Jwk::public_members).map(Value::Object).collect();
        let members = Map::from_iter([("keys".to_owned(), Value::Array(keys))]);
        Value::Object(members).to_string()
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

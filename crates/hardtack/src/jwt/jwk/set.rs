//! JWK Sets (RFC 7517 §5).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Jwk;
use crate::jwt::algorithm::Algorithm;
use crate::jwt::error::KeyError;
use crate::jwt::json::unique_members::{Json, read_object};

/// The error for text that is not a JWK set.
const EXPECTED: KeyError =
    KeyError::Unparsable { expected: "a JWK set (RFC 7517 section 5): {\"keys\":[…]} without duplicate members" };

/// A JWK Set: a JSON object that contains several keys, `{"keys":[…]}` (RFC 7517 §5).
///
/// ```
/// use hardtack::jwt::{Algorithm, JwkSet, KeyError};
///
/// let set = JwkSet::parse(
///     r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
/// )?;
/// let jwk = set.keys().first().unwrap();
/// assert_eq!(jwk.algorithm(), Some(Algorithm::EdDSA));
/// match jwk.verifying_key() {
///     Ok(key) => assert_eq!(key.key_id(), Some("a")),
///     Err(error) => assert!(matches!(error, KeyError::NeedsAsymmetric { .. })),
/// }
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Parses a JWK Set. Leaves out keys that are incomplete, of an unknown type or for an unknown algorithm, as RFC
    /// 7517 §5 recommends.
    ///
    /// # Errors
    /// - [`KeyError::Unparsable`]: the text is not a JWK Set, or it contains duplicate members.
    /// - [`KeyError::MixedKeys`]: the set contains both HMAC secrets and asymmetric keys. This check includes the keys
    ///   that this library leaves out.
    /// - [`KeyError::DuplicateKeyId`]: two keys have the same `kid`, even if one of them is malformed.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut found = None;
        read_object(text.as_bytes(), |name, value| {
            if name == "keys" {
                found = Some(value);
            }
            Ok(())
        })
        .map_err(|_| EXPECTED)?;
        let Some(Json::Array(items)) = found else {
            return Err(EXPECTED);
        };
        let (mut keys, mut all) = (Vec::new(), AllKeys::default());
        for item in items {
            let Json::Object(members) = item else {
                return Err(EXPECTED);
            };
            all.add(&members);
            keys.extend(Jwk::from_members(members));
        }
        all.check()?;
        Ok(Self { keys })
    }

    /// Returns the keys, in order.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Returns the public members of all keys as JSON. Leaves out HMAC secrets.
    pub fn to_public_json(&self) -> String {
        let keys = self.keys.iter().filter_map(Jwk::public_members).map(Value::Object).collect();
        let members = Map::from_iter([("keys".to_owned(), Value::Array(keys))]);
        Value::Object(members).to_string()
    }
}

/// A summary of all keys in a set, including keys that this library leaves out because it cannot use them.
#[derive(Default)]
struct AllKeys {
    secret: bool,
    asymmetric: bool,
    ids: Vec<String>,
}

impl AllKeys {
    fn add(&mut self, members: &[(Cow<'_, str>, Json<'_>)]) {
        let text = |name: &str| {
            members.iter().find_map(|(own, value)| match value {
                Json::String(text) if own == name => Some(&**text),
                _ => None,
            })
        };
        let Some(kty) = text("kty") else { return };
        self.secret |= kty == "oct";
        self.asymmetric |= kty != "oct";
        // A token's `kid` never selects a key for another purpose, such as encryption. Such a key may therefore have
        // the same id as another key.
        let is_for_signatures = text("alg").is_none_or(|name| name.parse::<Algorithm>().is_ok());
        if ["oct", "RSA", "EC", "OKP"].contains(&kty) && is_for_signatures {
            self.ids.extend(text("kid").map(str::to_owned));
        }
    }

    /// Refuses a set that contains both secrets and asymmetric keys. Publishing such a set would publish the secrets,
    /// and a library that confuses the two types might use a public key as a secret.
    ///
    /// Also refuses a set in which two keys have the same id, because a token's `kid` must select exactly one key (RFC
    /// 7517 §4.5).
    fn check(mut self) -> Result<(), KeyError> {
        if self.secret && self.asymmetric {
            return Err(KeyError::MixedKeys);
        }
        self.ids.sort_unstable();
        match self.ids.windows(2).find_map(|pair| pair.first().filter(|id| pair.last() == Some(id))) {
            Some(id) => Err(KeyError::DuplicateKeyId { key_id: id.clone() }),
            None => Ok(()),
        }
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

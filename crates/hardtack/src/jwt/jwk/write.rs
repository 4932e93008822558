//! Writing a JWK.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Jwk;
use crate::jwt::base64url;
use crate::jwt::keys::{PrivateParts, PublicParts, RsaPrivate};

impl Jwk {
    /// Returns the public members as JSON, or `None` for an HMAC secret, which has no public members.
    pub fn to_public_json(&self) -> Option<String> {
        self.public_members().map(|members| Value::Object(members).to_string())
    }

    /// Returns all members as JSON, including the private ones. Anyone who has this JSON can sign tokens.
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

    /// Returns the SHA-256 thumbprint of the public key in base64url (RFC 7638), or `None` for an HMAC secret. The
    /// thumbprint is a good key id.
    pub fn thumbprint(&self) -> Option<String> {
        // The JSON must contain exactly these members, sorted and without whitespace (RFC 7638 §3.2).
        let members: Map<String, Value> = key_members(self.public.as_ref()?).into_iter().collect();
        let text = Value::Object(members).to_string();
        Some(base64url::encode(&Sha256::digest(text)))
    }

    pub(super) fn public_members(&self) -> Option<Map<String, Value>> {
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

fn encoded(bytes: &[u8]) -> Value {
    base64url::encode(bytes).into()
}

/// Returns the members that define a public key, sorted by name (RFC 7638 §3.2).
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

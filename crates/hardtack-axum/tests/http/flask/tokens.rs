//! Assembles tokens byte by byte: valid ones, and ones that no library would issue.

use std::time::{SystemTime, UNIX_EPOCH};

use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

/// The type of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    /// The CSRF value of every minted token of this kind.
    pub(super) fn csrf(self) -> &'static str {
        match self {
            Self::Access => "8d9e3a3e-0000-4000-8000-00000000000a",
            Self::Refresh => "8d9e3a3e-0000-4000-8000-00000000000f",
        }
    }
}

/// A key and its algorithm.
#[derive(Clone)]
pub(super) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// `key` is a secret's text or a private key's PEM.
    pub(super) fn new(algorithm: &str, key: &str) -> Self {
        let pem = key.as_bytes();
        let key = match &algorithm[..2] {
            "HS" => EncodingKey::from_secret(pem),
            "ES" => EncodingKey::from_ec_pem(pem).unwrap(),
            "Ed" => EncodingKey::from_ed_pem(pem).unwrap(),
            _ => EncodingKey::from_rsa_pem(pem).unwrap(),
        };
        Self { algorithm: algorithm.parse().unwrap(), key }
    }

    /// Signs any two texts.
    pub(super) fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Mints tokens that a server with certain options accepts.
pub(super) struct Mint {
    pub(super) signer: Signer,
    pub(super) algorithm: String,
    /// The time at which the test began, in seconds.
    pub(super) now: i64,
    /// The name of the claim that identifies the user.
    pub(super) identity: String,
    /// The claims that the server's options require: its issuer and audience.
    pub(super) more: Map<String, Value>,
}

impl Mint {
    /// The claims of a valid token that is not fresh.
    pub(super) fn claims(&self, kind: Kind) -> Map<String, Value> {
        let claims = json!({
            "fresh": false,
            "iat": self.now - 60,
            "jti": format!("jti-{}", kind.name()),
            "type": kind.name(),
            self.identity.as_str(): "alice",
            "nbf": self.now - 60,
            "csrf": kind.csrf(),
            "exp": self.now + 3600,
        });
        let Value::Object(mut claims) = claims else { unreachable!("that was an object") };
        claims.extend(self.more.clone());
        claims
    }

    /// A valid token that is not fresh.
    pub(super) fn token(&self, kind: Kind) -> String {
        self.with(kind, &[])
    }

    /// A token with some claims replaced, or removed if the value is `None`.
    pub(super) fn with(&self, kind: Kind, changes: &[(&str, Option<Value>)]) -> String {
        let mut claims = self.claims(kind);
        for (name, value) in changes {
            match value {
                Some(value) => claims.insert((*name).to_owned(), value.clone()),
                None => claims.remove(*name),
            };
        }
        self.raw(self.header(), Value::Object(claims).to_string().as_bytes())
    }

    /// A valid token with another header.
    pub(super) fn headed(&self, header: &Value) -> String {
        self.raw(header.to_string().as_bytes(), Value::Object(self.claims(Kind::Access)).to_string().as_bytes())
    }

    /// A signed token with any header and payload.
    pub(super) fn raw(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        self.signer.sign(header.as_ref(), claims.as_ref())
    }

    pub(super) fn header(&self) -> String {
        json!({ "alg": self.algorithm, "typ": "JWT" }).to_string()
    }
}

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// Returns the header and the claims of a token without verifying it.
pub(super) fn read(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

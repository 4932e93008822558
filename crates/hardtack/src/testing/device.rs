//! A device that signs proofs with its own key, so that tests of bound sessions need no browser.

use serde_json::{Map, Value, json};

use crate::jwt::{Algorithm, KeyError, SigningKey, sign_jws};

/// A device with its own key, for tests of bound sessions. The device creates the proofs that a browser would send.
/// Needs the feature `asymmetric`.
///
/// ```
/// use hardtack::jwt::Algorithm;
/// use hardtack::testing::TestDevice;
///
/// # #[cfg(feature = "asymmetric")] {
/// let device = TestDevice::new(Algorithm::ES256)?;
/// let proof = device.register("the challenge of the log-in");
/// assert_eq!(proof.split('.').count(), 3);
/// # }
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestDevice(SigningKey);

impl TestDevice {
    /// Creates a device with a random key. Generating an RSA key takes about a second.
    ///
    /// # Errors
    /// Returns the same errors as [`SigningKey::generate`].
    pub fn new(algorithm: Algorithm) -> Result<Self, KeyError> {
        SigningKey::generate(algorithm).map(Self)
    }

    #[cfg(all(test, feature = "asymmetric"))]
    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    /// Returns the public key as a JWK, with the members that a browser sends.
    pub fn public_jwk(&self) -> Value {
        let json = self.0.verifying_key().to_jwk().and_then(|jwk| jwk.to_public_json()).unwrap_or_default();
        let members: Map<String, Value> = serde_json::from_str(&json).unwrap_or_default();
        members.into_iter().filter(|(name, _)| !["use", "alg"].contains(&name.as_str())).collect()
    }

    /// Returns a registration proof, which contains the public key.
    pub fn register(&self, challenge: &str) -> String {
        let header = json!({ "alg": self.0.algorithm().as_str(), "typ": "dbsc+jwt", "jwk": self.public_jwk() });
        self.sign(&header, &json!({ "jti": challenge }))
    }

    /// Returns a refresh proof.
    pub fn prove(&self, challenge: &str) -> String {
        let header = json!({ "alg": self.0.algorithm().as_str(), "typ": "dbsc+jwt" });
        self.sign(&header, &json!({ "jti": challenge }))
    }

    /// Returns a JWS with this header and payload, signed with the device's key. Use this method for proofs that a
    /// browser would never send.
    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        sign_jws(&header.to_string(), payload.to_string().as_bytes(), &self.0).unwrap_or_default()
    }
}

//! The signing key from `JWT_SECRET_KEY`, or from `JWT_PRIVATE_KEY` and `JWT_PUBLIC_KEY`.

use hardtack::jwt::{Algorithm, Jwk, KeyError};
use hardtack::{KeySet, SigningKey, VerifyingKey};

use super::settings::{ALGORITHM, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY, SECRET_KEY_PREVIOUS};
use super::sources::Sources;
use crate::error::Error;

/// Reads `JWT_ALGORITHM`.
pub(crate) fn algorithm(sources: &Sources) -> Result<Option<Algorithm>, Error> {
    let Some(value) = sources.value(&ALGORITHM) else { return Ok(None) };
    let invalid = |error| Error::config(format_args!("{}: {error}", sources.describe(&ALGORITHM)));
    value.text.parse::<Algorithm>().map(Some).map_err(invalid)
}

/// Reads the signing key, if one is set.
pub(crate) fn read(sources: &Sources, algorithm: Option<Algorithm>) -> Result<Option<SigningKey>, Error> {
    match (sources.value(&SECRET_KEY), sources.value(&PRIVATE_KEY), sources.value(&PUBLIC_KEY)) {
        (Some(_), Some(_), _) => Err(Error::config(format_args!(
            "{} and {} are both set, but only one key can sign; remove one of the two settings",
            sources.label(&SECRET_KEY),
            sources.label(&PRIVATE_KEY)
        ))),
        (_, None, Some(_)) => Err(Error::config(format_args!(
            "{} cannot sign tokens, so users could not log in; set JWT_PRIVATE_KEY and JWT_ALGORITHM too",
            sources.label(&PUBLIC_KEY)
        ))),
        (Some(secret), None, None) => secret_key(sources, &secret.text, algorithm).map(Some),
        (None, Some(_), _) => private_key(sources, algorithm).map(Some),
        (None, None, None) => Ok(None),
    }
}

/// Adds the secrets from `JWT_SECRET_KEY_PREVIOUS`, which verify tokens but do not sign them.
pub(crate) fn add_previous(sources: &Sources, keys: KeySet, algorithm: Option<Algorithm>) -> Result<KeySet, Error> {
    let Some(list) = sources.value(&SECRET_KEY_PREVIOUS) else { return Ok(keys) };
    let algorithm = algorithm.filter(|algorithm| algorithm.is_hmac()).unwrap_or(Algorithm::HS256);
    let added = keys.also_verify_secrets(list.text.as_bytes(), algorithm);
    added.map_err(|error| Error::config(format_args!("{}: {error}", sources.label(&SECRET_KEY_PREVIOUS))))
}

/// Creates a key from a secret. As in Flask-JWT-Extended, the secret is used as is, without decoding.
fn secret_key(sources: &Sources, secret: &str, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = sources.label(&SECRET_KEY);
    if algorithm.is_some_and(|algorithm| !algorithm.is_hmac()) {
        return Err(Error::config(format_args!(
            "{}, which needs JWT_PRIVATE_KEY, but {label} is set; expected HS256, HS384 or HS512",
            sources.describe(&ALGORITHM)
        )));
    }
    let key = SigningKey::from_secret_with(secret.as_bytes(), algorithm.unwrap_or(Algorithm::HS256));
    key.map(SigningKey::with_derived_id).map_err(|error| match error {
        KeyError::LooksLikePublicKey => Error::config(format_args!(
            "{label} is an asymmetric key or a certificate, which may be public, so anyone could sign tokens; set \
             JWT_PRIVATE_KEY and JWT_ALGORITHM instead, or generate a secret with: hardtack keys generate"
        )),
        error => Error::config(format_args!("{label}: {error}")),
    })
}

fn private_key(sources: &Sources, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = sources.label(&PRIVATE_KEY);
    let invalid = |error: KeyError| match error {
        KeyError::NoAlgorithm => {
            Error::config(format_args!("{label}: {error}, or set JWT_ALGORITHM to the key's algorithm"))
        }
        error => Error::config(format_args!("{label}: {error}")),
    };
    let text = sources.text_or_empty(&PRIVATE_KEY);
    let key = if text.trim_start().starts_with('{') {
        let jwk = Jwk::parse(text.trim()).map_err(invalid)?;
        let jwk = algorithm.into_iter().fold(jwk, Jwk::or_algorithm);
        jwk.signing_key().map_err(invalid)?
    } else if !text.contains("-----BEGIN ") {
        let error = match sources.value(&PRIVATE_KEY).is_some_and(|value| value.file.is_some()) {
            true => {
                "the file contains neither a PEM nor a JWK private key; expected a file that begins with -----BEGIN"
            }
            false => {
                "the text is neither a PEM nor a JWK private key; to read the key from a file, write @ followed by the \
                 file's path, such as @key.pem"
            }
        };
        return Err(Error::config(format_args!("{label}: {error}")));
    } else {
        let Some(algorithm) = algorithm else {
            return Err(Error::config(format_args!(
                "{label} is set without JWT_ALGORITHM; set JWT_ALGORITHM to the key's algorithm, such as EdDSA or RS256"
            )));
        };
        SigningKey::from_pem(text.as_bytes(), algorithm).map_err(invalid)?
    };
    if algorithm.is_some_and(|algorithm| algorithm != key.algorithm()) {
        return Err(Error::config(format_args!(
            "{}, but {label} is a key for {1}; set JWT_ALGORITHM to {1}, or remove JWT_ALGORITHM",
            sources.describe(&ALGORITHM),
            key.algorithm()
        )));
    }
    check_public_key(sources, &key)?;
    Ok(key)
}

/// Refuses a public key that does not match the private key. Services that verify tokens with such a public key would
/// refuse the server's tokens.
fn check_public_key(sources: &Sources, signing: &SigningKey) -> Result<(), Error> {
    if !sources.is_set(&PUBLIC_KEY) {
        return Ok(());
    }
    let label = sources.label(&PUBLIC_KEY);
    let text = sources.text_or_empty(&PUBLIC_KEY);
    let public = if text.trim_start().starts_with('{') {
        Jwk::parse(text.trim()).and_then(|jwk| jwk.or_algorithm(signing.algorithm()).verifying_key())
    } else {
        VerifyingKey::from_pem(text.as_bytes(), signing.algorithm())
    };
    let public = public.map_err(|error| Error::config(format_args!("{label}: {error}")))?;
    let thumbprint = |key: &VerifyingKey| key.to_jwk().as_ref().and_then(Jwk::thumbprint);
    if thumbprint(&public).is_some() && thumbprint(&public) == thumbprint(&signing.verifying_key()) {
        return Ok(());
    }
    Err(Error::config(format_args!(
        "{label} is not the public half of {}; remove the public key, or set the matching one",
        sources.label(&PRIVATE_KEY)
    )))
}

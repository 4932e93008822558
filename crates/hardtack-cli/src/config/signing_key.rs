//! The signing key from `JWT_SECRET_KEY`, or from `JWT_PRIVATE_KEY` and `JWT_PUBLIC_KEY`.

use std::fs;

use hardtack::jwt::{Algorithm, Jwk, KeyError};
use hardtack::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::settings::{ALGORITHM, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY, Setting};
use super::sources::Sources;
use crate::error::Error;

/// Reads `JWT_ALGORITHM`.
pub(crate) fn algorithm(sources: &Sources) -> Result<Option<Algorithm>, Error> {
    let Some(value) = sources.value(&ALGORITHM) else { return Ok(None) };
    let invalid = |error| Error::config(format_args!("{}: {error}", sources.describe(&ALGORITHM)));
    value.text.parse::<Algorithm>().map(Some).map_err(invalid)
}

/// Reads the key, if one is set.
pub(crate) fn read(sources: &Sources, algorithm: Option<Algorithm>) -> Result<Option<SigningKey>, Error> {
    match (sources.value(&SECRET_KEY), sources.value(&PRIVATE_KEY), sources.value(&PUBLIC_KEY)) {
        (Some(_), Some(_), _) => Err(Error::config(format_args!(
            "{} and {} are both set, but only one key can sign; remove one",
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

/// As in Flask-JWT-Extended, the bytes of the text are the secret; they are not decoded.
fn secret_key(sources: &Sources, secret: &str, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = sources.label(&SECRET_KEY);
    if algorithm.is_some_and(|algorithm| !algorithm.is_hmac()) {
        return Err(Error::config(format_args!(
            "{}, which needs JWT_PRIVATE_KEY, but {label} is set; expected HS256, HS384 or HS512",
            sources.describe(&ALGORITHM)
        )));
    }
    let key = SigningKey::from_secret_with(secret.as_bytes(), algorithm.unwrap_or(Algorithm::HS256));
    key.map_err(|error| match error {
        KeyError::LooksLikePublicKey => Error::config(format_args!(
            "{label} is an asymmetric key or a certificate, which may be public, so anyone could sign tokens; set \
             JWT_PRIVATE_KEY and JWT_ALGORITHM instead, or generate a secret with: hardtack keys generate"
        )),
        error => Error::config(format_args!("{label}: {error}")),
    })
}

fn private_key(sources: &Sources, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = sources.label(&PRIVATE_KEY);
    let invalid = |error: KeyError| Error::config(format_args!("{label}: {error}"));
    let text = text_or_file(sources, &PRIVATE_KEY)?;
    let key = if text.trim_start().starts_with('{') {
        SigningKey::from_jwk(text.trim()).map_err(invalid)?
    } else {
        let Some(algorithm) = algorithm else {
            return Err(Error::config(format_args!(
                "{label} needs JWT_ALGORITHM, which is not set; set it to the key's algorithm, such as EdDSA or RS256"
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

/// Refuses a public key that does not match the private one, because services that verify with it would refuse our
/// tokens.
fn check_public_key(sources: &Sources, signing: &SigningKey) -> Result<(), Error> {
    if !sources.is_set(&PUBLIC_KEY) {
        return Ok(());
    }
    let label = sources.label(&PUBLIC_KEY);
    let text = text_or_file(sources, &PUBLIC_KEY)?;
    let public = if text.trim_start().starts_with('{') {
        VerifyingKey::from_jwk(text.trim())
    } else {
        VerifyingKey::from_pem(text.as_bytes(), signing.algorithm())
    };
    let public = public.map_err(|error| Error::config(format_args!("{label}: {error}")))?;
    let thumbprint = |key: &VerifyingKey| key.to_jwk().as_ref().and_then(Jwk::thumbprint);
    if thumbprint(&public).is_some() && thumbprint(&public) == thumbprint(&signing.verifying_key()) {
        return Ok(());
    }
    Err(Error::config(format_args!(
        "{label} is not the public half of {}; remove it, or set the matching public key",
        sources.label(&PRIVATE_KEY)
    )))
}

/// Returns the value itself, or the content of the file that it names after an `@`.
fn text_or_file(sources: &Sources, setting: &Setting) -> Result<Zeroizing<String>, Error> {
    let value = sources.text(setting).unwrap_or_default();
    let Some(path) = value.strip_prefix('@') else { return Ok(Zeroizing::new(value.to_owned())) };
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        let expected = "expected @ and the path of a file that this user can read";
        Error::config(format_args!(
            "{} names {path:?}, which cannot be read: {error}; {expected}",
            sources.label(setting)
        ))
    })
}

//! A key that the operator gives: `JWT_SECRET_KEY`, or `JWT_PRIVATE_KEY` and perhaps `JWT_PUBLIC_KEY`.

use std::fs;

use hardtack::jwt::{Algorithm, Jwk, KeyError};
use hardtack::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::settings::{
    given::Layers,
    options::{ALGORITHM, Opt, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY},
};

/// Reads `JWT_ALGORITHM`.
pub(crate) fn algorithm(layers: &Layers) -> Result<Option<Algorithm>, Error> {
    let Some(given) = layers.given(&ALGORITHM) else { return Ok(None) };
    let wrong = |error: KeyError| Error::config(format_args!("{}: {error}", layers.named(&ALGORITHM)));
    given.value.parse().map(Some).map_err(wrong)
}

/// Reads the key, if one is given.
pub(crate) fn read(layers: &Layers, algorithm: Option<Algorithm>) -> Result<Option<SigningKey>, Error> {
    match (layers.given(&SECRET_KEY), layers.given(&PRIVATE_KEY), layers.given(&PUBLIC_KEY)) {
        (Some(_), Some(_), _) => Err(Error::config(format_args!(
            "{} and {} are both set, and one key signs; leave one out",
            layers.label(&SECRET_KEY),
            layers.label(&PRIVATE_KEY)
        ))),
        (_, None, Some(_)) => Err(Error::config(format_args!(
            "{} cannot sign, and logging people in takes signatures; set JWT_PRIVATE_KEY and JWT_ALGORITHM",
            layers.label(&PUBLIC_KEY)
        ))),
        (Some(secret), None, None) => secret_key(layers, &secret.value, algorithm).map(Some),
        (None, Some(_), _) => private_key(layers, algorithm).map(Some),
        (None, None, None) => Ok(None),
    }
}

/// The text's bytes are the secret, as in Flask-JWT-Extended: nothing is decoded.
fn secret_key(layers: &Layers, secret: &str, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = layers.label(&SECRET_KEY);
    if algorithm.is_some_and(|algorithm| !algorithm.is_hmac()) {
        return Err(Error::config(format_args!(
            "{}, which signs with JWT_PRIVATE_KEY, and {label} is set; expected HS256, HS384 or HS512",
            layers.named(&ALGORITHM)
        )));
    }
    let key = SigningKey::from_secret_with(secret.as_bytes(), algorithm.unwrap_or(Algorithm::HS256));
    key.map_err(|error| match error {
        KeyError::LooksLikePublicKey => Error::config(format_args!(
            "{label} is an asymmetric key or a certificate, which may be public, so anyone could sign with it; give a \
             private key as JWT_PRIVATE_KEY with JWT_ALGORITHM, or make a secret with: hardtack keys generate"
        )),
        error => Error::config(format_args!("{label}: {error}")),
    })
}

fn private_key(layers: &Layers, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
    let label = layers.label(&PRIVATE_KEY);
    let wrong = |error: KeyError| Error::config(format_args!("{label}: {error}"));
    let text = text_or_file(layers, &PRIVATE_KEY)?;
    let key = if text.trim_start().starts_with('{') {
        SigningKey::from_jwk(text.trim()).map_err(wrong)?
    } else {
        let Some(algorithm) = algorithm else {
            return Err(Error::config(format_args!(
                "{label} needs JWT_ALGORITHM, which is not set; expected such as EdDSA or RS256"
            )));
        };
        SigningKey::from_pem(text.as_bytes(), algorithm).map_err(wrong)?
    };
    if algorithm.is_some_and(|algorithm| algorithm != key.algorithm()) {
        return Err(Error::config(format_args!(
            "{}, and {label} is one for {}; expected the same",
            layers.named(&ALGORITHM),
            key.algorithm()
        )));
    }
    check_public_key(layers, &key)?;
    Ok(key)
}

/// A public key has to be the private one's: what is signed here would not be accepted elsewhere.
fn check_public_key(layers: &Layers, signing: &SigningKey) -> Result<(), Error> {
    if layers.given(&PUBLIC_KEY).is_none() {
        return Ok(());
    }
    let label = layers.label(&PUBLIC_KEY);
    let text = text_or_file(layers, &PUBLIC_KEY)?;
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
        "{label} is not the public half of {}; leave it out, or give the matching one",
        layers.label(&PRIVATE_KEY)
    )))
}

/// The text itself, or the content of the file after an `@`.
fn text_or_file(layers: &Layers, opt: &Opt) -> Result<Zeroizing<String>, Error> {
    let value = layers.given(opt).map(|given| given.value.as_str()).unwrap_or_default();
    let Some(path) = value.strip_prefix('@') else { return Ok(Zeroizing::new(value.to_owned())) };
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        let expected = "expected @ and a file that this user may read";
        Error::config(format_args!("{} names {path:?}, which cannot be read: {error}; {expected}", layers.label(opt)))
    })
}

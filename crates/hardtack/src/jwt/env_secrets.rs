//! Key sets from HMAC secrets in environment variables and files.

use std::ffi::OsString;
use std::path::Path;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::error::KeyError;
use super::key_set::KeySet;
use super::keys::{SigningKey, read_secret, read_secret_file};

impl KeySet {
    /// Reads the HMAC secret from an environment variable, such as `JWT_SECRET_KEY`, and creates a key set that uses
    /// this secret to sign with HS256.
    ///
    /// The value of the variable is the secret, byte for byte: it is neither decoded nor trimmed. To read the secret
    /// from a file instead (see [`read_secret`](super::read_secret)), set the variable to `@` followed by the path.
    /// Alternatively, append `_FILE` to the variable's name, as in `JWT_SECRET_KEY_FILE`, and set that variable to the
    /// path.
    ///
    /// To replace the secret without logging users out, append `_PREVIOUS` to the variable's name, as in
    /// `JWT_SECRET_KEY_PREVIOUS`, and set that variable to the old secret. The variable can contain several secrets,
    /// separated by commas. Remove the variable once the lifetime of a refresh token has passed.
    ///
    /// The key's id is derived from the secret. If another application on the same host uses a different secret, its
    /// tokens have a different `kid`, so Hardtack can tell the two applications' tokens apart.
    ///
    /// ```
    /// use hardtack::KeySet;
    ///
    /// match KeySet::from_secret_env("JWT_SECRET_KEY") {
    ///     Ok(keys) => println!("{keys:?}"),
    ///     // "… set it to the output of: openssl rand -base64 48"
    ///     Err(refused) => println!("{refused}"),
    /// }
    /// ```
    ///
    /// # Errors
    /// - [`KeyError::EnvMissing`]: the variable is not set.
    /// - [`KeyError::EnvTwice`]: the variable and the variable with `_FILE` appended to its name are both set.
    /// - [`KeyError::InEnv`]: the value of a variable was refused. The error's cause comes from
    ///   [`read_secret`](super::read_secret) or [`SigningKey::from_secret`].
    pub fn from_secret_env(name: &str) -> Result<Self, KeyError> {
        let previous = format!("{name}_PREVIOUS");
        let secret = secret_from_env(name)?.ok_or_else(|| KeyError::EnvMissing { name: name.to_owned() })?;
        let in_env = |name: &str, cause| KeyError::InEnv { name: name.to_owned(), cause: Box::new(cause) };
        let key = SigningKey::from_secret(&secret).map_err(|cause| in_env(name, cause))?;
        let keys = Self::new(key.with_derived_id());
        match secret_from_env(&previous)? {
            Some(list) => keys.also_verify_secrets(&list, Algorithm::HS256).map_err(|cause| in_env(&previous, cause)),
            None => Ok(keys),
        }
    }

    /// Adds HMAC secrets that this application used for signing tokens in the past. Each secret's key is added in the
    /// same way as with [`retire`](Self::retire).
    ///
    /// In `list`, the secrets are separated by commas or line breaks. The id of each key is derived from its secret
    /// ([`SigningKey::with_derived_id`]). Secrets that the set already contains are skipped.
    ///
    /// # Errors
    /// The same errors as [`SigningKey::from_secret_with`].
    pub fn also_verify_secrets(self, list: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let secrets = list.split(|byte| matches!(byte, b',' | b'\n')).map(<[u8]>::trim_ascii);
        secrets.filter(|secret| !secret.is_empty()).try_fold(self, |keys, secret| {
            let key = SigningKey::from_secret_with(secret, algorithm)?.with_derived_id();
            if keys.verifying_keys().iter().any(|known| known.key_id() == key.key_id()) {
                return Ok(keys);
            }
            keys.retire(key)
        })
    }
}

/// Returns the secret in the environment variable `name`. If the variable `{name}_FILE` is set instead, its value is
/// the path of a file, and the secret is the content of this file. Returns `None` if neither variable is set.
fn secret_from_env(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    secret_from(name, |variable| std::env::var_os(variable))
}

pub(super) fn secret_from(
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let file = format!("{name}_FILE");
    let (name, secret) = match (variable(name), variable(&file)) {
        (Some(_), Some(_)) => return Err(KeyError::EnvTwice { name: name.to_owned() }),
        (None, Some(path)) => (&*file, read_secret_file(Path::new(&path))),
        (Some(value), None) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            // A secret may consist of any bytes, but only text can be the path of a file.
            let secret = std::str::from_utf8(&value).map(read_secret);
            (name, secret.unwrap_or(Ok(value)))
        }
        (None, None) => return Ok(None),
    };
    secret.map(Some).map_err(|cause| KeyError::InEnv { name: name.to_owned(), cause: Box::new(cause) })
}

//! Flask-JWT-Extended's options, read from the environment or from a list.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::config::Lifetime;
use crate::cookie::{SameSite, is_cookie_domain};
use crate::error::ConfigError;
use crate::jwt::{Algorithm, Claims, Jwk, KeyError, KeySet, SigningKey, VerifyingKey, read_secret};
use crate::request::{is_cookie_path, is_token};
use crate::token_source::{Locations, TokenLocation};

/// Values of Flask-JWT-Extended's `JWT_*` options, as text.
///
/// Flags are `true` or `false`, times are whole seconds, and list items are separated by commas. An option for a key,
/// such as `JWT_SECRET_KEY`, contains the secret, the PEM text or the JWK. To read the key from a file instead, set the
/// option to `@` followed by the path. Alternatively, append `_FILE` to the option's name and set that option to the
/// path. `docs/options.md` lists all options.
///
/// ```
/// use hardtack::Authenticator;
/// use hardtack::flask_compat::JwtOptions;
///
/// # let secret = "kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1Aa0Ee5Uu";
/// let options = JwtOptions::new([("JWT_SECRET_KEY", secret), ("JWT_ACCESS_TOKEN_EXPIRES", "60")])?;
/// let auth = Authenticator::builder(options.keys()?).jwt_options(&options)?.build()?;
///
/// let refused = JwtOptions::new([("JWT_ACCESS_TOKEN_EXPIRE", "60")]).unwrap_err();
/// assert!(refused.to_string().contains("JWT_ACCESS_TOKEN_EXPIRE"));
/// # Ok::<(), hardtack::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct JwtOptions(BTreeMap<&'static str, Zeroizing<String>>);

/// Shows only the option names, because some values are secret keys.
impl fmt::Debug for JwtOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl JwtOptions {
    /// All options of Flask-JWT-Extended 4.7.
    pub const NAMES: [&str; 43] = [
        "JWT_TOKEN_LOCATION",
        "JWT_ALGORITHM",
        "JWT_DECODE_ALGORITHMS",
        "JWT_SECRET_KEY",
        "JWT_PRIVATE_KEY",
        "JWT_PUBLIC_KEY",
        "JWT_ACCESS_TOKEN_EXPIRES",
        "JWT_REFRESH_TOKEN_EXPIRES",
        "JWT_DECODE_LEEWAY",
        "JWT_ENCODE_AUDIENCE",
        "JWT_DECODE_AUDIENCE",
        "JWT_ENCODE_ISSUER",
        "JWT_DECODE_ISSUER",
        "JWT_ENCODE_NBF",
        "JWT_IDENTITY_CLAIM",
        "JWT_VERIFY_SUB",
        "JWT_ERROR_MESSAGE_KEY",
        "JWT_HEADER_NAME",
        "JWT_HEADER_TYPE",
        "JWT_QUERY_STRING_NAME",
        "JWT_QUERY_STRING_VALUE_PREFIX",
        "JWT_JSON_KEY",
        "JWT_REFRESH_JSON_KEY",
        "JWT_ACCESS_COOKIE_NAME",
        "JWT_REFRESH_COOKIE_NAME",
        "JWT_ACCESS_COOKIE_PATH",
        "JWT_REFRESH_COOKIE_PATH",
        "JWT_COOKIE_DOMAIN",
        "JWT_COOKIE_SECURE",
        "JWT_COOKIE_SAMESITE",
        "JWT_SESSION_COOKIE",
        "JWT_COOKIE_CSRF_PROTECT",
        "JWT_CSRF_METHODS",
        "JWT_CSRF_IN_COOKIES",
        "JWT_CSRF_CHECK_FORM",
        "JWT_ACCESS_CSRF_COOKIE_NAME",
        "JWT_REFRESH_CSRF_COOKIE_NAME",
        "JWT_ACCESS_CSRF_COOKIE_PATH",
        "JWT_REFRESH_CSRF_COOKIE_PATH",
        "JWT_ACCESS_CSRF_HEADER_NAME",
        "JWT_REFRESH_CSRF_HEADER_NAME",
        "JWT_ACCESS_CSRF_FIELD_NAME",
        "JWT_REFRESH_CSRF_FIELD_NAME",
    ];

    /// Reads the environment variables whose names begin with `JWT_`.
    ///
    /// # Errors
    /// - [`ConfigError::UnknownOption`]: one of these variables does not match any option, for example because its name
    ///   is misspelled.
    /// - [`ConfigError::BadOption`]: a value is not valid UTF-8.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut found = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            if !name.starts_with("JWT_") {
                continue;
            }
            match value.into_string() {
                Ok(value) => found.push((name, value)),
                Err(value) => {
                    let option = known(&name)?;
                    let value = if is_secret(option) { "…".into() } else { value.to_string_lossy().into_owned() };
                    return Err(ConfigError::BadOption { option, value, expected: "UTF-8 text" });
                }
            }
        }
        Self::new(found)
    }

    /// Creates options from name-value pairs.
    ///
    /// # Errors
    /// [`ConfigError::UnknownOption`]: one of the names does not match any option.
    pub fn new<N: AsRef<str>, V: Into<String>>(options: impl IntoIterator<Item = (N, V)>) -> Result<Self, ConfigError> {
        let named = options.into_iter().map(|(name, value)| Ok((known(name.as_ref())?, Zeroizing::new(value.into()))));
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Loads the keys for `JWT_ALGORITHM` (default: HS256).
    ///
    /// An HMAC algorithm uses `JWT_SECRET_KEY`. All other algorithms use `JWT_PRIVATE_KEY`. To verify tokens without
    /// signing any, set `JWT_PUBLIC_KEY` alone. If `JWT_DECODE_ALGORITHMS` names additional algorithms for the same
    /// type of key, the key also verifies tokens that were signed with these algorithms.
    ///
    /// # Errors
    /// - A key is missing, weak, unreadable or not suitable for the algorithm.
    /// - `JWT_PUBLIC_KEY` is not the public half of `JWT_PRIVATE_KEY`.
    /// - An option names an unknown algorithm, or `JWT_DECODE_ALGORITHMS` names an algorithm for a different type of
    ///   key.
    pub fn keys(&self) -> Result<KeySet, ConfigError> {
        let algorithm = self.algorithm()?;
        let mut keys = if algorithm.is_hmac() {
            KeySet::new(self.secret(SigningKey::from_secret_with, algorithm)?)
        } else {
            match (self.pem("JWT_PRIVATE_KEY")?, self.pem("JWT_PUBLIC_KEY")?) {
                (Some(private), public) => {
                    let private = private_key(&private, algorithm)?;
                    if let Some(public) = public {
                        let public = public_key(&public, algorithm)?;
                        let json = |key: &VerifyingKey| key.to_jwk().and_then(|jwk| jwk.to_public_json());
                        if json(&public) != json(&private.verifying_key()) {
                            return Err(ConfigError::KeysDiffer);
                        }
                    }
                    KeySet::new(private)
                }
                (None, Some(public)) => KeySet::verifying_only(public_key(&public, algorithm)?),
                (None, None) => {
                    let expected =
                        "a private key (PEM or JWK) or @file, or set only JWT_PUBLIC_KEY if you only verify tokens";
                    return Err(ConfigError::NoKey {
                        algorithm: algorithm.as_str(),
                        option: "JWT_PRIVATE_KEY",
                        expected,
                    });
                }
            }
        };
        for other in self.decode_algorithms()?.into_iter().filter(|other| *other != algorithm) {
            let key = if algorithm.is_hmac() {
                self.secret(VerifyingKey::from_secret_with, other)?
            } else {
                match (self.pem("JWT_PUBLIC_KEY")?, self.pem("JWT_PRIVATE_KEY")?) {
                    (Some(public), _) => public_key(&public, other)?,
                    (None, Some(private)) => private_key(&private, other)?.verifying_key(),
                    (None, None) => continue,
                }
            };
            keys = keys.also_verify(key)?;
        }
        Ok(keys)
    }

    fn algorithm(&self) -> Result<Algorithm, ConfigError> {
        Ok(self.read("JWT_ALGORITHM", ALGORITHMS, |name| name.parse().ok())?.unwrap_or(Algorithm::HS256))
    }

    fn decode_algorithms(&self) -> Result<Vec<Algorithm>, ConfigError> {
        let algorithm = self.algorithm()?;
        let read = |text: &str| list(text).map(|name| name.parse().ok()).collect::<Option<Vec<Algorithm>>>();
        let all = self.read("JWT_DECODE_ALGORITHMS", ALGORITHMS, read)?.unwrap_or_default();
        match all.iter().find(|other| !other.shares_keys_with(algorithm)) {
            Some(_) => Err(self.refused(
                "JWT_DECODE_ALGORITHMS",
                "algorithms that use the same type of key as JWT_ALGORITHM (RFC 8725 section 3.1)",
            )),
            None => Ok(all),
        }
    }

    fn secret<K>(
        &self,
        load: impl Fn(&[u8], Algorithm) -> Result<K, KeyError>,
        algorithm: Algorithm,
    ) -> Result<K, ConfigError> {
        match self.secret_text("JWT_SECRET_KEY")? {
            Some(secret) => load(&secret, algorithm).map_err(of("JWT_SECRET_KEY")),
            None => Err(ConfigError::NoKey {
                algorithm: algorithm.as_str(),
                option: "JWT_SECRET_KEY",
                expected: "the output of: openssl rand -base64 48",
            }),
        }
    }

    /// Returns the secret or key that an option sets. The value of the option is the secret or key itself, or `@`
    /// followed by the path of a file. Alternatively, the path is in a second option, which has the same name with
    /// `_FILE` appended.
    fn secret_text(&self, option: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, ConfigError> {
        let file = self.text(&format!("{option}_FILE"));
        let read = match (self.text(option), file) {
            (Some(_), Some(_)) => Err(KeyError::EnvTwice { name: option.to_owned() }),
            (Some(text), None) => read_secret(text),
            (None, Some(path)) => read_secret(&format!("@{path}")),
            (None, None) => return Ok(None),
        };
        read.map(Some).map_err(of(option))
    }

    /// Returns the PEM text that an option sets. Returns `None` if the text is empty.
    fn pem(&self, option: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, ConfigError> {
        Ok(self.secret_text(option)?.filter(|pem| !pem.is_empty()))
    }

    /// Returns an option's value if the option is set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// Returns an option's value if the option is set and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// Returns an option's value, which must be the name of a header or method.
    pub(crate) fn token(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        self.check(option, "letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)", is_token)
    }

    /// Returns an option's value, which must be the name of a header or method, or empty.
    pub(crate) fn token_or_none(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        let expected = "letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2), or an empty value";
        self.check(option, expected, |text| text.is_empty() || is_token(text))
    }

    /// Returns an option's value, which must be a cookie name.
    pub(crate) fn cookie_name(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        self.check(option, "letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1)", is_token)
    }

    /// Returns the value of an option that sets a cookie's path.
    pub(crate) fn cookie_path(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        self.check(option, "a path that starts with '/' and contains no ';' or spaces", is_cookie_path)
    }

    /// Returns the value of an option that must not be empty.
    pub(crate) fn name(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        self.check(option, "at least one character", |text| !text.is_empty())
    }

    /// Returns the value of an option that sets the cookie domain. Returns `None` if the option is not set or is empty.
    pub(crate) fn cookie_domain(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        let expected = "a domain with at least two labels, such as site.example, or an empty value";
        let domain = self.check(option, expected, |text| text.is_empty() || is_cookie_domain(text))?;
        Ok(domain.filter(|text| !text.is_empty()))
    }

    /// Returns the value of an option that sets the name of the identity claim.
    pub(crate) fn identity_claim(&self, option: &'static str) -> Result<Option<&str>, ConfigError> {
        self.check(option, "sub, or a non-empty name that Hardtack does not reserve", Claims::can_identify)
    }

    fn check(
        &self,
        option: &'static str,
        expected: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<&str>, ConfigError> {
        match self.text(option) {
            Some(text) if !fits(text) => Err(self.refused(option, expected)),
            text => Ok(text),
        }
    }

    pub(crate) fn flag(&self, option: &'static str) -> Result<Option<bool>, ConfigError> {
        self.read(option, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    pub(crate) fn lifetime(&self, option: &'static str) -> Result<Option<Lifetime>, ConfigError> {
        self.read(option, "whole seconds, at least 1, or false for tokens that never expire", |text| {
            if text.eq_ignore_ascii_case("false") {
                return Some(Lifetime::InsecureForever);
            }
            text.parse().ok().filter(|seconds| *seconds > 0).map(|seconds| Lifetime::For(Duration::from_secs(seconds)))
        })
    }

    pub(crate) fn seconds(&self, option: &'static str) -> Result<Option<Duration>, ConfigError> {
        self.read(option, "whole seconds, at most 60", |text| {
            text.parse().ok().filter(|seconds| *seconds <= 60).map(Duration::from_secs)
        })
    }

    pub(crate) fn list(&self, option: &str) -> Option<Vec<&str>> {
        self.given(option).map(|text| list(text).collect())
    }

    pub(crate) fn locations(&self, option: &'static str) -> Result<Option<Locations>, ConfigError> {
        self.read(option, "one or more of headers, cookies, query_string and json, separated by commas", |text| {
            let all = list(text).map(|name| name.parse::<TokenLocation>().ok()).collect::<Option<Locations>>();
            all.filter(|locations| !locations.is_empty())
        })
    }

    pub(crate) fn same_site(&self, option: &'static str) -> Result<Option<SameSite>, ConfigError> {
        self.read(option, "Lax, Strict or None", |text| match text.to_ascii_lowercase().as_str() {
            "lax" => Some(SameSite::Lax),
            "strict" => Some(SameSite::Strict),
            "none" => Some(SameSite::None),
            _ => None,
        })
    }

    fn read<T>(
        &self,
        option: &'static str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.text(option) {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or_else(|| self.refused(option, expected)),
        }
    }

    /// Returns the error for an option whose value is not allowed.
    pub(crate) fn refused(&self, option: &'static str, expected: &'static str) -> ConfigError {
        ConfigError::BadOption { option, value: self.text(option).unwrap_or_default().to_owned(), expected }
    }
}

const ALGORITHMS: &str = "HS256, HS384, HS512, ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA \
                          or Ed25519";

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn known(name: &str) -> Result<&'static str, ConfigError> {
    let known = JwtOptions::NAMES.into_iter().chain(FILE_NAMES).find(|known| *known == name);
    known.ok_or_else(|| ConfigError::UnknownOption { option: name.to_owned() })
}

/// Options that Flask-JWT-Extended does not have: the paths of files that contain secrets and keys.
const FILE_NAMES: [&str; 3] = ["JWT_SECRET_KEY_FILE", "JWT_PRIVATE_KEY_FILE", "JWT_PUBLIC_KEY_FILE"];

fn is_secret(option: &str) -> bool {
    option.ends_with("_KEY") && !option.contains("JSON") && !option.contains("MESSAGE")
}

fn of(option: &'static str) -> impl Fn(KeyError) -> ConfigError {
    move |error| ConfigError::OptionKey { option, error }
}

fn private_key(text: &[u8], algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    let key = match jwk(text) {
        Some(jwk) => jwk.and_then(|jwk| jwk.or_algorithm(algorithm).signing_key()),
        None => SigningKey::from_pem(text, algorithm),
    };
    let fits = |key: SigningKey| match key.algorithm() == algorithm {
        true => Ok(key),
        false => Err(KeyError::AlgorithmMismatch { algorithm }),
    };
    key.and_then(fits).map_err(of("JWT_PRIVATE_KEY"))
}

fn public_key(text: &[u8], algorithm: Algorithm) -> Result<VerifyingKey, ConfigError> {
    let key = match jwk(text) {
        Some(jwk) => jwk.and_then(|jwk| jwk.or_algorithm(algorithm).verifying_key()),
        None => VerifyingKey::from_pem(text, algorithm),
    };
    let fits = |key: VerifyingKey| match key.algorithm().signs_like(algorithm) {
        true => Ok(key),
        false => Err(KeyError::AlgorithmMismatch { algorithm }),
    };
    key.and_then(fits).map_err(of("JWT_PUBLIC_KEY"))
}

/// Parses a key in JWK format. Returns `None` if the text is not a JWK.
fn jwk(text: &[u8]) -> Option<Result<Jwk, KeyError>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    text.starts_with('{').then(|| Jwk::parse(text))
}

//! Option sets. Each configures one pair of servers.

use serde_json::{Map, Value, json};

use super::tokens::{Mint, Signer, now};

pub(super) const SECRET: &str = "mT8yV2bq0NwR5uKxJ7cE3sLhF9dZpA1gYiUoQnXvBtWkHrMzCjPlDfGe64S8a0Oy";
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../hardtack/tests/fixtures/keys");

/// Flask-JWT-Extended's defaults for the options that requests depend on.
const DEFAULTS: [(&str, &str); 20] = [
    ("JWT_TOKEN_LOCATION", "headers"),
    ("JWT_HEADER_NAME", "Authorization"),
    ("JWT_HEADER_TYPE", "Bearer"),
    ("JWT_QUERY_STRING_NAME", "jwt"),
    ("JWT_QUERY_STRING_VALUE_PREFIX", ""),
    ("JWT_JSON_KEY", "access_token"),
    ("JWT_REFRESH_JSON_KEY", "refresh_token"),
    ("JWT_ACCESS_COOKIE_NAME", "access_token_cookie"),
    ("JWT_REFRESH_COOKIE_NAME", "refresh_token_cookie"),
    ("JWT_ACCESS_CSRF_HEADER_NAME", "X-CSRF-TOKEN"),
    ("JWT_REFRESH_CSRF_HEADER_NAME", "X-CSRF-TOKEN"),
    ("JWT_ACCESS_CSRF_FIELD_NAME", "csrf_token"),
    ("JWT_REFRESH_CSRF_FIELD_NAME", "csrf_token"),
    ("JWT_CSRF_METHODS", "POST,PUT,PATCH,DELETE"),
    ("JWT_COOKIE_CSRF_PROTECT", "true"),
    ("JWT_CSRF_CHECK_FORM", "false"),
    ("JWT_IDENTITY_CLAIM", "sub"),
    ("JWT_ERROR_MESSAGE_KEY", "msg"),
    ("JWT_DECODE_LEEWAY", "0"),
    ("JWT_ALGORITHM", "HS256"),
];

/// How many requests are sent for an option set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of them.
    Full,
    /// Those that the set's options affect.
    Brief,
}

/// The options of one pair of servers.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) name: &'static str,
    pub(super) depth: Depth,
    pub(super) env: Vec<(&'static str, String)>,
    /// Claims that the options require in a token.
    more: Value,
    /// The file of the private key; `None` if the set uses the secret.
    key: Option<&'static str>,
}

impl Options {
    fn new(name: &'static str, depth: Depth, env: &[(&'static str, &str)]) -> Self {
        let mut env: Vec<_> = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        env.push(("JWT_SECRET_KEY", SECRET.to_owned()));
        Self { name, depth, env, more: json!({}), key: None }
    }

    fn requiring(mut self, claims: Value) -> Self {
        self.more = claims;
        self
    }

    /// Signs with this key. The private key is given as text, the public key as a file.
    fn keys(mut self, private: &'static str, public: &str) -> Self {
        self.env.retain(|(name, _)| *name != "JWT_SECRET_KEY");
        self.env.push(("JWT_PRIVATE_KEY", pem(private)));
        self.env.push(("JWT_PUBLIC_KEY", format!("@{KEYS}/{public}")));
        self.key = Some(private);
        self
    }

    /// Returns the value of an option: the set's own, or the default.
    pub(super) fn get(&self, name: &str) -> &str {
        let given = self.env.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str());
        let default = || DEFAULTS.iter().find(|(default, _)| *default == name).map(|(_, value)| *value);
        given.or_else(default).unwrap_or_else(|| panic!("no default of {name} is known"))
    }

    pub(super) fn is(&self, flag: &str) -> bool {
        self.get(flag) == "true"
    }

    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).split(',').collect()
    }

    pub(super) fn in_cookies(&self) -> bool {
        self.list("JWT_TOKEN_LOCATION").contains(&"cookies")
    }

    pub(super) fn mint(&self) -> Mint {
        let algorithm = self.get("JWT_ALGORITHM").to_owned();
        let key = self.key.map_or_else(|| SECRET.to_owned(), pem);
        let more = self.more.as_object().cloned().unwrap_or_else(Map::new);
        let identity = self.get("JWT_IDENTITY_CLAIM").to_owned();
        Mint { signer: Signer::new(&algorithm, &key), algorithm, now: now(), identity, more }
    }

    /// Returns the secret, even if this set does not use it.
    pub(super) fn secret(&self) -> &'static str {
        SECRET
    }

    /// A signer with the same algorithm and another key.
    pub(super) fn other_signer(&self) -> Signer {
        match self.get("JWT_ALGORITHM") {
            // The fixtures have no second key of these kinds, so use one with a different algorithm.
            "RS256" | "ES256" | "EdDSA" => Signer::new("HS256", &SECRET[1..]),
            algorithm => Signer::new(algorithm, &SECRET[1..]),
        }
    }

    /// A signer with the secret and another algorithm.
    pub(super) fn same_key_other_algorithm(&self) -> (Signer, &'static str) {
        let other = if self.get("JWT_ALGORITHM") == "HS384" { "HS512" } else { "HS384" };
        (Signer::new(other, SECRET), other)
    }
}

pub(super) fn pem(file: &str) -> String {
    std::fs::read_to_string(format!("{KEYS}/{file}")).unwrap()
}

/// All option sets. Each option of Flask-JWT-Extended has a value other than its default in at least one.
pub(super) fn all() -> Vec<Options> {
    use Depth::{Brief, Full};
    let everywhere = "headers,cookies,query_string,json";
    vec![
        Options::new("defaults", Full, &[]),
        Options::new("cookies", Full, &[("JWT_TOKEN_LOCATION", "cookies"), ("JWT_CSRF_CHECK_FORM", "true")]),
        Options::new("everywhere", Full, &[("JWT_TOKEN_LOCATION", everywhere), ("JWT_CSRF_CHECK_FORM", "true")]),
        Options::new(
            "renamed",
            Full,
            &[
                ("JWT_TOKEN_LOCATION", "json,query_string,cookies,headers"),
                ("JWT_HEADER_NAME", "X-Token"),
                ("JWT_HEADER_TYPE", ""),
                ("JWT_QUERY_STRING_NAME", "the token"),
                ("JWT_QUERY_STRING_VALUE_PREFIX", "Bearer "),
                ("JWT_JSON_KEY", "a"),
                ("JWT_REFRESH_JSON_KEY", "r"),
                ("JWT_ACCESS_COOKIE_NAME", "at"),
                ("JWT_REFRESH_COOKIE_NAME", "rt"),
                ("JWT_ACCESS_COOKIE_PATH", "/access"),
                ("JWT_REFRESH_COOKIE_PATH", "/refresh"),
                ("JWT_ACCESS_CSRF_COOKIE_NAME", "ac"),
                ("JWT_REFRESH_CSRF_COOKIE_NAME", "rc"),
                ("JWT_ACCESS_CSRF_COOKIE_PATH", "/a"),
                ("JWT_REFRESH_CSRF_COOKIE_PATH", "/r"),
                ("JWT_ACCESS_CSRF_HEADER_NAME", "X-Access-Csrf"),
                ("JWT_REFRESH_CSRF_HEADER_NAME", "X-Refresh-Csrf"),
                ("JWT_CSRF_CHECK_FORM", "true"),
                ("JWT_ACCESS_CSRF_FIELD_NAME", "access-csrf"),
                ("JWT_REFRESH_CSRF_FIELD_NAME", "refresh_csrf"),
                ("JWT_COOKIE_DOMAIN", "site.example"),
                ("JWT_COOKIE_SAMESITE", "Strict"),
                ("JWT_COOKIE_SECURE", "true"),
                ("JWT_SESSION_COOKIE", "false"),
                ("JWT_ERROR_MESSAGE_KEY", "error"),
            ],
        ),
        Options::new(
            "no-csrf",
            Brief,
            &[
                ("JWT_TOKEN_LOCATION", "cookies,headers"),
                ("JWT_COOKIE_CSRF_PROTECT", "false"),
                ("JWT_VERIFY_SUB", "false"),
                ("JWT_ENCODE_NBF", "false"),
                ("JWT_ACCESS_TOKEN_EXPIRES", "false"),
                ("JWT_REFRESH_TOKEN_EXPIRES", "false"),
            ],
        ),
        Options::new(
            "other-methods",
            Brief,
            &[
                ("JWT_TOKEN_LOCATION", "cookies"),
                ("JWT_CSRF_METHODS", "GET,DELETE"),
                ("JWT_CSRF_IN_COOKIES", "false"),
                ("JWT_COOKIE_SAMESITE", "Lax"),
                ("JWT_SESSION_COOKIE", "false"),
                ("JWT_ACCESS_TOKEN_EXPIRES", "60"),
                ("JWT_REFRESH_TOKEN_EXPIRES", "7200"),
            ],
        ),
        Options::new(
            "audience",
            Brief,
            &[
                ("JWT_ENCODE_AUDIENCE", "site,api"),
                ("JWT_DECODE_AUDIENCE", "api"),
                ("JWT_ENCODE_ISSUER", "https://issuer.example"),
                ("JWT_DECODE_ISSUER", "https://issuer.example"),
                ("JWT_DECODE_LEEWAY", "60"),
                ("JWT_HEADER_TYPE", "JWT"),
            ],
        )
        .requiring(json!({ "aud": ["api", "other"], "iss": "https://issuer.example" })),
        Options::new(
            "audiences",
            Brief,
            &[
                ("JWT_ENCODE_AUDIENCE", "site"),
                ("JWT_DECODE_AUDIENCE", "site,api"),
                ("JWT_ENCODE_ISSUER", "one"),
                ("JWT_DECODE_ISSUER", "one,two"),
                ("JWT_IDENTITY_CLAIM", "user"),
                ("JWT_TOKEN_LOCATION", "query_string,headers"),
            ],
        )
        .requiring(json!({ "aud": "api", "iss": "two" })),
        Options::new("hs512", Brief, &[("JWT_ALGORITHM", "HS512"), ("JWT_DECODE_ALGORITHMS", "HS256,HS384")]),
        Options::new("rs256", Brief, &[("JWT_ALGORITHM", "RS256"), ("JWT_TOKEN_LOCATION", "headers,cookies")])
            .keys("rsa.pem", "rsa.pub.pem"),
        Options::new("es256", Brief, &[("JWT_ALGORITHM", "ES256"), ("JWT_TOKEN_LOCATION", "cookies,json")])
            .keys("es256.pem", "es256.pub.pem"),
        Options::new("eddsa", Brief, &[("JWT_ALGORITHM", "EdDSA"), ("JWT_TOKEN_LOCATION", "json,headers")])
            .keys("ed25519.pem", "ed25519.pub.pem"),
    ]
}

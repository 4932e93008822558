//! The claims of Hardtack's tokens, as a struct for a general JWT crate.

/// The claims of Hardtack's tokens in an owned struct, as an application with a general JWT crate would define it.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub(crate) struct TypedClaims {
    pub(crate) fresh: Fresh,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) sub: String,
    pub(crate) nbf: i64,
    pub(crate) csrf: String,
    pub(crate) exp: i64,
}

/// The claim `fresh`: `true`, `false` or a time.
#[derive(Clone, Copy, Debug, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Fresh {
    Whether(bool),
    Until(i64),
}

//! What is measured: an engine, someone who is logged in to it, and that browser's request.

mod ended;
mod engine;
mod hmac;
mod visitor;

pub(crate) use ended::EndedSessions;
pub(crate) use engine::{SITE, generated, hs256_keys, stored, stored_without_cache, without_cache};
pub(crate) use hmac::Hmac;
pub(crate) use visitor::{SUBJECT, Visitor, post};

/// The claims of our tokens, owned, as an application with a general JWT crate would have them.
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

/// `true`, `false` or a time.
#[derive(Clone, Copy, Debug, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Fresh {
    Whether(bool),
    Until(i64),
}

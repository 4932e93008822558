//! Reads the beginning of a request's body before the handler runs, to find the CSRF field of a form or a token in
//! JSON.

mod form;
mod json;
mod limit;
mod multipart;
mod peek;

pub(crate) use form::{FormPeek, FormToken, FormTokens};
pub(crate) use json::{JsonPeek, JsonTokens, Member, is_json};
pub(crate) use limit::BodyCount;
pub use limit::ReadAheadLimits;
pub(crate) use peek::Reader;
pub use peek::{BodyPeek, Peeked};

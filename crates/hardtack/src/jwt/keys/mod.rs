//! Keys: what signs, what verifies, and the set of both.

mod parts;
mod secret;
mod set;
mod signing;
mod verifying;

pub use set::KeySet;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

pub(super) use parts::{Curve, KeyType, PrivateParts, PublicParts, RsaPrivate};

//! Single keys: loading, signing and verifying bytes.

#[cfg(feature = "asymmetric")]
mod asymmetric;
mod der;
mod hmac;
mod named_secret;
#[cfg(not(feature = "asymmetric"))]
mod no_asymmetric;
mod parts;
mod pem;
mod roca;
mod sample_words;
mod secret_strength;
mod secret_text;
mod signing;
mod verifying;

#[cfg(not(feature = "asymmetric"))]
use no_asymmetric as asymmetric;

pub(crate) use asymmetric::SUPPORTS_ASYMMETRIC;
pub(crate) use hmac::hmac_sha256;
pub(super) use secret_text::read_file as read_secret_file;
pub use secret_text::read_secret;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

pub(super) use parts::{KeyType, PrivateParts, PublicParts, RsaPrivate};
#[cfg(all(test, feature = "asymmetric"))]
pub(super) use pem::first_block;

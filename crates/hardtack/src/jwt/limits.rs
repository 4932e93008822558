//! The maximum lengths of tokens, headers, key ids and signatures, in bytes.

/// The maximum length, in bytes, of a token that is signed or verified. It is twice the size of the largest cookie that
/// browsers accept.
pub const MAX_TOKEN_LEN: usize = 8192;

/// The maximum length of a header as JSON, in bytes.
pub(super) const MAX_HEADER_LEN: usize = 2048;

/// The maximum length of a key id (`kid`), in bytes.
pub(super) const MAX_KEY_ID_LEN: usize = 256;

/// The maximum length, in bytes, of a `typ` that [`KeySet::require_typ`](super::KeySet::require_typ) accepts.
pub(super) const MAX_TYP_LEN: usize = 64;

/// The maximum length of a signature, in bytes. This is the length of an RSA signature with an 8192-bit modulus.
pub(super) const MAX_SIGNATURE_LEN: usize = 1024;

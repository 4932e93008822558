//! The names of a store's keys in Redis.

use crate::error::OpenError;

/// The default name of a store.
pub(crate) const DEFAULT_NAME: &str = "hardtack";

/// The maximum length of a store's name, in bytes. The length is limited because every key contains the name.
const LONGEST_NAME: usize = 64;

/// Returns the prefix of all keys of a store: the store's name in braces. Redis hashes only the text between the braces
/// when it assigns a key to a hash slot, so all keys of a store are in the same slot.
pub(crate) fn key_prefix(name: &str) -> Result<String, OpenError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_allowed) {
        return Err(OpenError::InvalidName(name.to_owned()));
    }
    Ok(format!("{{{name}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_braces() {
        assert_eq!(key_prefix("app:1_a-b.c").unwrap(), "{app:1_a-b.c}");
        for name in ["", "{a}", "a}b", "a b", "ä", "*", &"a".repeat(65)] {
            assert!(matches!(key_prefix(name), Err(OpenError::InvalidName(_))), "{name}");
        }
    }
}

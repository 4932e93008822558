//! What the keys of a store begin with.

use crate::OpenError;

/// What a store is called unless it is told.
pub(crate) const DEFAULT: &str = "hardtack";

/// The longest name, in bytes: it is in every key.
const LONGEST: usize = 64;

/// The name in braces: Redis hashes what is between them only, so that all keys are in one slot.
pub(crate) fn tag(name: &str) -> Result<String, OpenError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(fits) {
        return Err(OpenError::Name(name.to_owned()));
    }
    Ok(format!("{{{name}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_braces() {
        assert_eq!(tag("app:1_a-b.c").unwrap(), "{app:1_a-b.c}");
        for name in ["", "{a}", "a}b", "a b", "ä", "*", &"a".repeat(65)] {
            assert!(matches!(tag(name), Err(OpenError::Name(_))), "{name}");
        }
    }
}

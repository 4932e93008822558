//! The secret in a link.

use std::fmt;

use sha2::{Digest, Sha256};

/// A link's secret: 128 random bits, written as 32 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LinkToken(String);

impl LinkToken {
    pub(crate) fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// Parses a token from a request. Returns `None` if `text` is not 32 lower-case hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the SHA-256 hash under which the token is stored. A fast hash suffices, because 128 random bits cannot
    /// be guessed.
    pub(super) fn hash(&self) -> String {
        hexadecimal_hash(&self.0)
    }

    /// Returns the value of the hidden field that binds a form to this link. The token and the hash in the database
    /// cannot be computed from this value.
    pub(crate) fn form_key(&self) -> String {
        hexadecimal_hash(&format!("form of {}", self.0))
    }
}

fn hexadecimal_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_tokens_are_parsed() {
        let token = LinkToken::new();
        assert_eq!(LinkToken::parse(token.as_str()), Some(token.clone()));
        assert_ne!(token, LinkToken::new());
        assert!(!token.hash().contains(token.as_str()) && token.hash().len() == 64);
        assert!(token.form_key() != token.hash() && token.form_key() != LinkToken::new().form_key());
        for bad in ["", "0", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), &"é".repeat(16)] {
            assert_eq!(LinkToken::parse(bad), None, "{bad}");
        }
    }
}

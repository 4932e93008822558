//! A password, both as typed and in normalized form.

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Rules;

use super::problem::PasswordProblem;

/// The maximum length of a password, in bytes: long enough for any phrase, and short enough to hash cheaply.
const MAX_BYTES: usize = 1024;

/// A password as it was typed, with its normalized form (RFC 8265). The password is short enough to be hashed, but
/// might break the rules for new passwords.
///
/// The same password can arrive as different bytes. For example, some keyboards send `é` as one character, and other
/// keyboards send it as two. New passwords are hashed in the normalized form. Older versions hashed passwords as they
/// were typed, so a log-in tries both forms.
pub(crate) struct TypedPassword {
    typed: String,
    /// `None` if the password was typed in its normalized form.
    normalized: Option<String>,
}

impl TypedPassword {
    /// Refuses a password that is too long, so that it is never looked up or hashed.
    pub(crate) fn new(typed: String) -> Result<Self, PasswordProblem> {
        if typed.len() > MAX_BYTES {
            return Err(PasswordProblem::TooLong);
        }
        let normalized = normalize(&typed).filter(|normalized| *normalized != typed);
        Ok(Self { typed, normalized })
    }

    /// Returns the normalized form, which is hashed and checked against the rules.
    pub(crate) fn normalized(&self) -> &str {
        self.normalized.as_deref().unwrap_or(&self.typed)
    }

    /// Returns the normalized form.
    pub(crate) fn into_normalized(self) -> String {
        self.normalized.unwrap_or(self.typed)
    }

    /// Returns the password as it was typed, if it differs from the normalized form.
    pub(super) fn only_typed(&self) -> Option<&str> {
        self.normalized.is_some().then_some(self.typed.as_str())
    }
}

/// Replaces every Unicode space with U+0020, and normalizes to NFC (RFC 8265 §4.2.2). Does not check the characters,
/// because precis-core would refuse every character that is newer than Unicode 6.3, including many emoji.
fn normalize(typed: &str) -> Option<String> {
    let profile = OpaqueString::new();
    let mapped = profile.additional_mapping_rule(typed).ok()?;
    profile.normalization_rule(mapped).ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s79_composed_and_decomposed_passwords_are_the_same() {
        let typed = |text: &str| TypedPassword::new(text.to_owned()).unwrap_or_else(|problem| panic!("{problem}"));
        let (nfc, nfd) = (typed("caf\u{e9} cr\u{e8}me"), typed("cafe\u{301} cre\u{300}me"));
        assert_eq!(nfc.normalized(), nfd.normalized());
        assert_eq!((nfc.only_typed(), nfd.only_typed()), (None, Some("cafe\u{301} cre\u{300}me")));
        assert_eq!(typed("a\u{a0}b\u{3000}c").normalized(), "a b c");
        // Normalization keeps width, case and surrounding spaces.
        for same in ["Ａ a ﬁ ", "🦀❤\u{fe0f}", "\u{1f9d1}\u{200d}\u{1f680}"] {
            assert_eq!(typed(same).only_typed(), None, "{same}");
        }
        assert!(TypedPassword::new("x".repeat(1024)).is_ok());
        assert!(matches!(TypedPassword::new("x".repeat(1025)), Err(PasswordProblem::TooLong)));
    }
}

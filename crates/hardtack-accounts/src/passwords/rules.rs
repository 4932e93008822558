//! The rules for a new password (ASVS 5.0 V6.2; NIST SP 800-63B §3.1.1.2): it is neither too short nor too long, and
//! it is neither the user name nor one repeated character. It need not contain digits or special characters.

/// The minimum length, in characters.
const MIN_CHARS: usize = 8;

/// The maximum length, in bytes: more than anyone types, and little enough to hash cheaply.
const MAX_BYTES: usize = 1024;

/// Why a new password is refused. The text is shown to the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordProblem {
    #[error("Choose a password of at least 8 characters. A long phrase works well.")]
    TooShort,
    #[error("Choose a password of at most 1024 bytes.")]
    TooLong,
    /// The password equals the user name, ignoring case.
    #[error("Choose a password that is not your user name.")]
    IsUserName,
    #[error("Choose a password that does not just repeat one character.")]
    OneCharacter,
}

/// Checks a password that a user chooses.
pub(crate) fn validate_password(password: &str, username: &str) -> Result<(), PasswordProblem> {
    if password.len() > MAX_BYTES {
        return Err(PasswordProblem::TooLong);
    }
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordProblem::TooShort);
    }
    if password.to_lowercase() == username.to_lowercase() {
        return Err(PasswordProblem::IsUserName);
    }
    let mut chars = password.chars();
    let first = chars.next();
    if chars.all(|c| Some(c) == first) {
        return Err(PasswordProblem::OneCharacter);
    }
    Ok(())
}

/// Returns whether a password is short enough to be hashed. A longer one cannot be right.
pub(super) fn is_hashable(password: &str) -> bool {
    password.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_what_counts() {
        assert_eq!(validate_password("correct horse battery staple", "alice"), Ok(()));
        assert_eq!(validate_password("пароль-с-буквами", "alice"), Ok(()));
        assert_eq!(validate_password(&"long phrase ".repeat(20), "alice"), Ok(()));
        assert_eq!(validate_password("1234567", "alice"), Err(PasswordProblem::TooShort));
        assert_eq!(validate_password("пароль", "alice"), Err(PasswordProblem::TooShort));
        assert_eq!(validate_password(&"ab".repeat(600), "alice"), Err(PasswordProblem::TooLong));
        assert_eq!(validate_password("Alice.Example", "alice.example"), Err(PasswordProblem::IsUserName));
        assert_eq!(validate_password("aaaaaaaaaa", "alice"), Err(PasswordProblem::OneCharacter));
    }
}

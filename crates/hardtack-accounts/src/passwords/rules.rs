//! What a password may be (ASVS 5.0 V6.2; NIST SP 800-63B §3.1.1.2): long enough, and nothing else is
//! asked of it.

/// The fewest characters.
const MIN_CHARS: usize = 8;

/// The most bytes: no phrase is cut, and none is a denial of service.
const MAX_BYTES: usize = 1024;

/// Why a password is refused when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// Fewer than 8 characters.
    #[error("Choose a password of at least 8 characters. A long phrase is a good one.")]
    TooShort,
    /// More than 1024 bytes.
    #[error("Choose a password of at most 1024 bytes.")]
    TooLong,
    /// The user name, in whatever capitals.
    #[error("Choose a password that is not your user name.")]
    IsUserName,
    /// One character over and over.
    #[error("Choose a password that is not one character over and over.")]
    OneCharacter,
}

/// Judges a password that someone chooses.
pub(crate) fn validate(password: &str, username: &str) -> Result<(), PasswordProblem> {
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

/// Whether a typed password could be anybody's; longer ones are not even hashed.
pub(super) fn is_hashable(password: &str) -> bool {
    password.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_what_counts() {
        assert_eq!(validate("correct horse battery staple", "alice"), Ok(()));
        assert_eq!(validate("пароль-с-буквами", "alice"), Ok(()));
        assert_eq!(validate(&"long phrase ".repeat(20), "alice"), Ok(()));
        assert_eq!(validate("1234567", "alice"), Err(PasswordProblem::TooShort));
        assert_eq!(validate("пароль", "alice"), Err(PasswordProblem::TooShort));
        assert_eq!(validate(&"ab".repeat(600), "alice"), Err(PasswordProblem::TooLong));
        assert_eq!(validate("Alice.Example", "alice.example"), Err(PasswordProblem::IsUserName));
        assert_eq!(validate("aaaaaaaaaa", "alice"), Err(PasswordProblem::OneCharacter));
    }
}

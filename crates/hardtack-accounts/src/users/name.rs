//! User names.

/// The longest user name, in characters.
const MAX_CHARS: usize = 64;

/// Why a user name is refused. The text is shown to the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UserNameProblem {
    #[error("Choose a user name.")]
    Empty,
    #[error("Choose a user name of at most 64 characters.")]
    TooLong,
    /// The name contains a character that is neither a letter, nor a digit, nor one of the listed characters.
    #[error("Use letters, digits and . _ - @ + in your user name.")]
    BadCharacter,
    /// Another user has the name, possibly in different case.
    #[error("That user name is taken. Choose another one, or log in if you have just signed up.")]
    Taken,
}

/// Checks that a name can be typed, compared and displayed.
pub(crate) fn validate_username(name: &str) -> Result<(), UserNameProblem> {
    if name.is_empty() {
        return Err(UserNameProblem::Empty);
    }
    if name.chars().count() > MAX_CHARS {
        return Err(UserNameProblem::TooLong);
    }
    if name.chars().all(|c| c.is_alphanumeric() || "._-@+".contains(c)) {
        Ok(())
    } else {
        Err(UserNameProblem::BadCharacter)
    }
}

/// Returns the name in lower case, for comparison: `Alice` cannot be registered if `alice` exists.
pub(crate) fn username_key(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_typed_are_valid() {
        for good in ["alice", "Jörg", "a.b-c_d", "me@site.example", "me+you", "名前"] {
            assert_eq!(validate_username(good), Ok(()), "{good}");
        }
        assert_eq!(validate_username(""), Err(UserNameProblem::Empty));
        assert_eq!(validate_username(&"a".repeat(65)), Err(UserNameProblem::TooLong));
        for bad in ["a b", "a\n", "<b>", "a/b", "\u{202e}a", "a\u{0}"] {
            assert_eq!(validate_username(bad), Err(UserNameProblem::BadCharacter), "{bad:?}");
        }
        assert_eq!(username_key("ALICE"), username_key("alice"));
    }
}

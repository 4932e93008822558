//! What a user name may be.

/// The longest user name, in characters.
const MAX_CHARS: usize = 64;

/// Why a user name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserNameProblem {
    /// Nothing was typed.
    #[error("Choose a user name.")]
    Empty,
    /// More than 64 characters.
    #[error("Choose a user name of at most 64 characters.")]
    TooLong,
    /// Spaces, control characters, punctuation.
    #[error("Use letters, digits and . _ - @ + in your user name.")]
    BadCharacter,
    /// Somebody has it, perhaps in other capitals.
    #[error("That user name is taken. Choose another one.")]
    Taken,
}

/// Takes a name that can be typed, compared and shown.
pub(crate) fn validate(name: &str) -> Result<(), UserNameProblem> {
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

/// What two spellings of one name have in common: `Alice` cannot be taken beside `alice`.
pub(crate) fn key_of(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_typed_are_taken() {
        for good in ["alice", "Jörg", "a.b-c_d", "me@site.example", "me+you", "名前"] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        assert_eq!(validate(""), Err(UserNameProblem::Empty));
        assert_eq!(validate(&"a".repeat(65)), Err(UserNameProblem::TooLong));
        for bad in ["a b", "a\n", "<b>", "a/b", "\u{202e}a", "a\u{0}"] {
            assert_eq!(validate(bad), Err(UserNameProblem::BadCharacter), "{bad:?}");
        }
        assert_eq!(key_of("ALICE"), key_of("alice"));
    }
}

//! Why a user name is refused.

/// Why a user name is rejected. `Display` writes a sentence for the person who chose the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserNameProblem {
    /// The name is empty.
    #[error("Choose a user name.")]
    Empty,
    /// The name is longer than 64 characters.
    #[error("Choose a user name of at most 64 characters.")]
    TooLong,
    /// The name contains a space.
    #[error("A user name cannot contain spaces. Use only letters, digits and . _ - @ +")]
    Blank,
    /// The name contains a control character, or another character that has no width and does not affect the characters
    /// next to it.
    #[error(
        "Your user name contains an invisible character. Type the name again, and use only letters, digits and \
         . _ - @ +"
    )]
    Invisible,
    /// The name contains a symbol, punctuation other than `.`, `_`, `-`, `@` and `+`, or a variant of another
    /// character, such as `ﬁ` or `²`.
    #[error("A user name can contain only letters, digits and . _ - @ +")]
    BadCharacter,
    /// The name does not begin with a letter or a digit, so it could be mistaken for a command-line option, a path or a
    /// mention.
    #[error("Begin your user name with a letter or a digit.")]
    BadStart,
    /// The name breaks the Bidi Rule (RFC 5893 §2), so it would be displayed in a confusing order.
    #[error(
        "Your user name would be displayed in a confusing order. Do not mix letters that are written from right to \
         left with letters that are written from left to right. Begin and end the name with a letter."
    )]
    MixedDirections,
    /// The name is on the list of reserved names, or looks like one of them.
    #[error("That user name is reserved. Choose another name.")]
    Reserved,
    /// Another user has the name, possibly in a different case.
    #[error("That user name is taken. Choose another name, or log in if you have just signed up.")]
    Taken,
    /// Another user has a name that looks the same.
    #[error("That user name looks like the name of another user. Choose another name.")]
    LooksTaken,
}

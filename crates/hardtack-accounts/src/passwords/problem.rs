//! Why a new password is refused.

/// Why a new password is rejected. `Display` produces a sentence for the person who chose the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// The password has fewer characters than the site requires.
    #[error("Choose a password of at least {min} characters. A long phrase works well.")]
    TooShort {
        /// How many characters the site requires.
        min: u8,
    },
    /// The password is longer than 1024 bytes.
    #[error("Use a password of at most 1024 bytes.")]
    TooLong,
    /// The password contains a control character, which some keyboards and forms cannot send.
    #[error("Choose a password without tabs, line breaks or other control characters.")]
    ControlCharacter,
    /// The password is little more than words from the user name, the email address or the name of the site.
    #[error(
        "This password is little more than your user name, your email address or the name of this site. Choose another \
         password."
    )]
    Expected,
    /// The password repeats a single character.
    #[error("Choose a password that does not just repeat one character.")]
    OneCharacter,
    /// The password just repeats a string that is shorter than the required length.
    #[error("Choose a password that does not just repeat a few characters. A long phrase works well.")]
    Repetition,
    /// The password consists of sequences of letters, digits or neighboring keys, such as `abcdefgh` or `asdf1234`.
    #[error(
        "This password consists of letters, digits or neighboring keys in order, such as abcd, 1234 or qwerty. Choose \
         another password. A long phrase works well."
    )]
    Sequence,
    /// Apart from a few digits and symbols, the password is one of the most common passwords.
    #[error(
        "This password is so common that attackers try it first. Choose another password. A long phrase works well."
    )]
    Common,
    /// The new password is the same as the current one.
    #[error("Your new password is the same as your current one. Choose another.")]
    Unchanged,
    /// The password is in the table that the site passed to [`PasswordRules::table`](crate::PasswordRules::table).
    #[error("This password is on a list of stolen passwords that attackers try. Choose another password.")]
    Breached,
}

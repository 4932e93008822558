//! The rules for a new password (ASVS 5.0 V6.2; NIST SP 800-63B §3.1.1.2).

use std::sync::Arc;

use super::context::is_expected;
use super::patterns::{core, folded, is_made_of_runs, repeated, repeated_core};
use super::problem::PasswordProblem;
use super::table::{PasswordTable, PasswordTableError};
use super::typed::TypedPassword;

/// The minimum length that every site requires, in characters (ASVS 5.0 V6.2.1).
const MIN_CHARS: u8 = 8;

/// The highest minimum length that a site can set. Every site must accept passwords of 64 characters (ASVS 5.0 V6.2.9).
const MAX_MIN_CHARS: u8 = 64;

/// The rules for new passwords. By default, a password must be at least 8 characters and at most 1024 bytes long, and
/// must not be one of the passwords that attackers try first. Digits and special characters are not required.
///
/// The rules reject 11,611 common passwords, even with a few digits or symbols before or after them. Case, width
/// (`ｐａｓｓｗｏｒｄ`) and spaces around a password make no difference. If you set a [`PasswordTable`], the rules also reject
/// the passwords in the table.
///
/// The rules also reject the following passwords:
/// - passwords that repeat a short string or a common password
/// - passwords that consist of sequences of letters, digits or neighboring keys
/// - passwords that contain control characters
/// - passwords that are little more than the user name, the email address or the name of the site. If these words are
///   removed from a password, at least eight characters that are hard to guess must be left.
///
/// If the password is the only factor, raise the minimum to 15 characters, as NIST SP 800-63B-4 requires.
///
/// Before a comparison, each password is normalized to Unicode NFC, and every Unicode space is replaced with the ASCII
/// space (RFC 8265, OpaqueString).
///
/// ```
/// use hardtack_accounts::{PasswordProblem, PasswordRules, PasswordTableError};
///
/// let rules = PasswordRules::default().site("notes.example");
/// let user = ["alice", "alice@site.example"];
/// assert_eq!(rules.problem("correct horse battery staple", &user)?, None);
/// assert_eq!(rules.problem("Password1", &user)?, Some(PasswordProblem::Common));
/// assert_eq!(rules.problem("alice2024", &user)?, Some(PasswordProblem::Expected));
/// # Ok::<(), PasswordTableError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PasswordRules {
    min_chars: u8,
    site: Arc<str>,
    table: Option<Arc<PasswordTable>>,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self { min_chars: MIN_CHARS, site: "".into(), table: None }
    }
}

impl PasswordRules {
    /// Sets the minimum length in characters. A value below 8 is treated as 8, and a value above 64 as 64.
    #[must_use]
    pub fn min_chars(self, min_chars: u8) -> Self {
        Self { min_chars: min_chars.clamp(MIN_CHARS, MAX_MIN_CHARS), ..self }
    }

    /// Sets the name of the site, such as its host. Passwords that are little more than this name are rejected. If the
    /// name is an IP address, its numbers do not count as words.
    #[must_use]
    pub fn site(self, site: &str) -> Self {
        Self { site: site.into(), ..self }
    }

    /// Rejects the passwords in a table, in addition to the common passwords.
    #[must_use]
    pub fn table(self, table: PasswordTable) -> Self {
        Self { table: Some(Arc::new(table)), ..self }
    }

    /// Returns why a new password is refused, or `None` if it is accepted. `user` contains the user name, the email
    /// address and similar strings. A password that is little more than one of these strings is refused.
    ///
    /// If a table is set, this method reads the table's file. Call it on a thread that is allowed to block.
    ///
    /// # Errors
    /// The table cannot be read, or its file has changed since it was opened. Do not accept the password then.
    pub fn problem(&self, password: &str, user: &[&str]) -> Result<Option<PasswordProblem>, PasswordTableError> {
        match TypedPassword::new(password.to_owned()) {
            Ok(typed) => self.problem_of(&typed, user),
            Err(problem) => Ok(Some(problem)),
        }
    }

    pub(crate) fn problem_of(
        &self,
        password: &TypedPassword,
        user: &[&str],
    ) -> Result<Option<PasswordProblem>, PasswordTableError> {
        let password = password.normalized();
        if let Some(problem) = self.problem_in_memory(password, user) {
            return Ok(Some(problem));
        }
        let breached = self.table.as_ref().map_or(Ok(false), |table| table.contains(password))?;
        Ok(breached.then_some(PasswordProblem::Breached))
    }

    fn problem_in_memory(&self, password: &str, user: &[&str]) -> Option<PasswordProblem> {
        if password.chars().count() < usize::from(self.min_chars) {
            return Some(PasswordProblem::TooShort { min: self.min_chars });
        }
        if password.chars().any(char::is_control) {
            return Some(PasswordProblem::ControlCharacter);
        }
        let folded = folded(password);
        if folded.is_empty() {
            // The password consists of spaces. Each Unicode space has already been replaced with the ASCII space.
            return Some(PasswordProblem::OneCharacter);
        }
        if is_expected(&folded, user.iter().copied().chain([&*self.site]), is_common) {
            return Some(PasswordProblem::Expected);
        }
        // A password that repeats a word is as weak as that word, even with a few digits or symbols around it.
        let repeated = repeated(&folded);
        let text = repeated.as_deref().map_or(folded.as_str(), str::trim);
        let repeated_core = repeated_core(&folded);
        let inner = repeated_core.as_deref().map(str::trim);
        if [Some(text), inner].into_iter().flatten().any(|text| is_common(text) || core(text).is_some_and(is_common)) {
            return Some(PasswordProblem::Common);
        }
        let is_short = |text: &str| text.chars().count() < usize::from(self.min_chars);
        match &repeated {
            Some(_) if text.chars().count() <= 1 => Some(PasswordProblem::OneCharacter),
            _ if is_made_of_runs(text) => Some(PasswordProblem::Sequence),
            Some(_) if is_short(text) => Some(PasswordProblem::Repetition),
            _ if inner.is_some_and(is_short) => Some(PasswordProblem::Repetition),
            _ => None,
        }
    }

    /// Returns the minimum length in characters.
    pub(crate) const fn min(&self) -> u8 {
        self.min_chars
    }

    /// Returns whether [`Self::problem`] reads a file.
    pub(crate) const fn reads_a_file(&self) -> bool {
        self.table.is_some()
    }
}

fn is_common(password: &str) -> bool {
    PasswordTable::common().is_ok_and(|common| common.contains(password).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(password: &str) -> Option<PasswordProblem> {
        PasswordRules::default().site("notes.example").problem(password, &["alice", "alice@mail.example"]).unwrap()
    }

    #[test]
    fn length_is_what_counts() {
        for good in ["correct horse battery staple", "пароль-с-буквами", &"long phrase ".repeat(20), "🦀🦞🐙🐚🐟🐠🐡🐬"]
        {
            assert_eq!(problem(good), None, "{good}");
        }
        let too_short = Some(PasswordProblem::TooShort { min: 8 });
        assert_eq!(problem("1234567"), too_short);
        assert_eq!(problem("пароль"), too_short);
        // The length is the number of code points in the normalized form.
        assert_eq!(problem("e\u{301}e\u{301}e\u{301}e\u{301}"), too_short);
        assert_eq!(problem(&"ab".repeat(600)), Some(PasswordProblem::TooLong));
        assert_eq!(problem("aaaaaaaaaa"), Some(PasswordProblem::OneCharacter));
        assert_eq!(problem("        "), Some(PasswordProblem::OneCharacter));
        assert_eq!(problem("\u{a0} \u{3000}\u{2003}\u{a0} \u{3000}\u{2003}"), Some(PasswordProblem::OneCharacter));
        assert_eq!(problem("tab\there it is"), Some(PasswordProblem::ControlCharacter));
        let strict = PasswordRules::default().min_chars(15);
        assert_eq!(strict.problem("an umbrella 12", &[]).unwrap(), Some(PasswordProblem::TooShort { min: 15 }));
        assert_eq!(strict.problem("an umbrella 123", &[]).unwrap(), None);
        assert_eq!(
            (PasswordRules::default().min_chars(1).min(), PasswordRules::default().min_chars(99).min()),
            (8, 64)
        );
    }

    #[test]
    fn s60_common_passwords_and_words_of_the_context_are_refused() {
        for common in ["password", "Password", "12345678", "PASSWORD1", "qwertyuiop", "iloveyou", "1q2w3e4r5t"] {
            assert_eq!(problem(common), Some(PasswordProblem::Common), "{common}");
        }
        for common in [
            "ｐａｓｓｗｏｒｄ",
            "password ",
            "  Password",
            "passwordpassword",
            "password password",
            "password2026!",
            "!iloveyou1",
            "password123456789",
            "passwordpassword1",
            "1passwordpassword",
            "password password!",
            "password1password!",
            "iloveyouiloveyou!",
        ] {
            assert_eq!(problem(common), Some(PasswordProblem::Common), "{common}");
        }
        for sequence in ["abcdefgh", "ABCDEFGH", "hgfedcba", "abcd5678", "asdfghjkl;", "ａｂｃｄｅｆｇｈ", "aaaabbbb"]
        {
            let problem = problem(sequence);
            assert!(
                matches!(problem, Some(PasswordProblem::Sequence | PasswordProblem::Common)),
                "{sequence} {problem:?}"
            );
        }
        for repetition in
            ["xkwxkwxkw", "axaxaxax", "axax axax", "xylophxyloph", "xkwxkwxkw1", "abababab1", "!axaxaxax2024"]
        {
            assert_eq!(problem(repetition), Some(PasswordProblem::Repetition), "{repetition}");
        }
        for good in ["xkwxkw8205739", "onion-8205", "murmur-82057391", "football-8205739163"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for expected in [
            "alice123",
            "ａｌｉｃｅ123",
            "Notes2024",
            "notes.example",
            "alice@mail.example",
            "alice123456789",
            "1234567890-Alice",
            "alice.qwertyuiop",
            "AlicePassword",
            "iloveyou.notes!",
            "alice2026alice",
            "alice2026notes2027",
            "notes-1234-alice-2026",
        ] {
            assert_eq!(problem(expected), Some(PasswordProblem::Expected), "{expected}");
        }
    }
}

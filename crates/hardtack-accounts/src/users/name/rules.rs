//! The rules for new user names.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::UserNameProblem;
use super::fold::{Folded, Looks, fold, skeleton};

/// The longest user name, in characters.
const MAX_CHARS: usize = 64;

/// The ASCII punctuation that a name may contain.
const PUNCTUATION: &str = "._-@+";

/// Names that cannot be chosen at sign-up. Other users could believe that someone with such a name runs the site, or
/// programs could treat the name in a special way. The first rows are from RFC 2142.
const RESERVED: &[&str] = &[
    "abuse",
    "contact",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "mailer-daemon",
    "no-reply",
    "noc",
    "noreply",
    "postmaster",
    "security",
    "support",
    "webmaster", //
    "admin",
    "administrator",
    "moderator",
    "official",
    "operator",
    "owner",
    "root",
    "staff",
    "sysadmin",
    "system", //
    "all",
    "anonymous",
    "everyone",
    "nobody",
    "none",
    "null",
    "undefined", //
    "api",
    "ftp",
    "imap",
    "localhost",
    "mail",
    "smtp",
    "www", //
    "favicon.ico",
    "robots.txt",
    "security.txt",
    "sitemap.xml",
    "well-known",
];

/// The rules for new user names. A user who already has a name that breaks these rules keeps it.
///
/// A name has 1 to 64 characters: letters, marks and digits of any script, and `.`, `_`, `-`, `@` and `+`. It begins
/// with a letter or a digit. Names are compared with the profile UsernameCaseMapped of RFC 8265, so `Alice`, `ALICE`
/// and `ａｌｉｃｅ` are the same name. A name is also refused if it looks like the name of another user (UTS #39, confusable
/// detection), or if it is reserved. Examples of reserved names are `admin`, `root`, `support` and `www`.
///
/// ```no_run
/// use hardtack_accounts::{Accounts, NameRules};
///
/// # async fn open(database: hardtack_sqlx::Database) -> Result<(), Box<dyn std::error::Error>> {
/// let names = NameRules::default().reserve(["billing", "team"]);
/// let accounts = Accounts::open(database).await?.with_name_rules(names);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NameRules {
    /// The skeletons of the reserved names.
    reserved: Arc<HashSet<String>>,
}

impl Default for NameRules {
    /// The usual reserved names.
    fn default() -> Self {
        Self::without_reserved_names().reserve(RESERVED)
    }
}

impl NameRules {
    /// Creates rules that reserve no name, for operators who add users themselves.
    #[must_use]
    pub fn without_reserved_names() -> Self {
        Self { reserved: Arc::default() }
    }

    /// Reserves more names. Names that look like these names are also reserved.
    #[must_use]
    pub fn reserve<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        Arc::make_mut(&mut self.reserved).extend(names.into_iter().map(|name| skeleton(name.as_ref())));
        self
    }

    /// Checks a name that someone chooses. Does not check whether it is taken.
    pub(crate) fn check(&self, name: &str) -> Result<NewName, UserNameProblem> {
        if name.nfc().nth(MAX_CHARS).is_some() {
            return Err(UserNameProblem::TooLong);
        }
        let Folded { shown, key } = fold(name)?;
        if shown.chars().any(|c| c.is_ascii_punctuation() && !PUNCTUATION.contains(c)) {
            return Err(UserNameProblem::BadCharacter);
        }
        if !shown.starts_with(char::is_alphanumeric) {
            return Err(UserNameProblem::BadStart);
        }
        let name = NewName { looks: Looks::of(&shown), shown, key };
        let is_read_as = |reserved: &String| can_be_read_as(&name.looks.skeleton, reserved);
        if self.reserved.contains(&name.looks.as_written) || self.reserved.iter().any(is_read_as) {
            return Err(UserNameProblem::Reserved);
        }
        Ok(name)
    }
}

/// Returns whether people can read a skeleton as `reserved`. In many fonts, `l`, `1` and a capital `I` look the same,
/// so an `l` in the skeleton also matches an `i` in `reserved`. A small `i` has a dot, so `ali` cannot be read as
/// `all`.
fn can_be_read_as(skeleton: &str, reserved: &str) -> bool {
    let is_read_as = |(c, reserved): (char, char)| c == reserved || (c, reserved) == ('l', 'i');
    skeleton.chars().count() == reserved.chars().count() && skeleton.chars().zip(reserved.chars()).all(is_read_as)
}

impl fmt::Debug for NameRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameRules").field("reserved", &self.reserved.len()).finish_non_exhaustive()
    }
}

/// A name that obeys the rules. Only [`NameRules::check`] creates such a value.
#[derive(Debug)]
pub(crate) struct NewName {
    /// The name as it is stored and shown.
    pub(crate) shown: String,
    /// The form in which names are compared. It is in lower case.
    pub(crate) key: String,
    /// What the name looks like.
    pub(crate) looks: Looks,
}

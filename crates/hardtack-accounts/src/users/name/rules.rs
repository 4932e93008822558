//! The rules for new user names.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::UserNameProblem;
use super::fold::{Folded, Looks, fold, username_key};

/// The maximum length of a user name, in characters.
const MAX_CHARS: usize = 64;

/// The ASCII punctuation that a name may contain.
const PUNCTUATION: &str = "._-@+";

/// Names that cannot be chosen at sign-up. Other users could believe that someone with such a name runs the site, or
/// programs could treat the name specially. The first rows are from RFC 2142.
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

/// The rules for new user names. Users whose existing names break these rules keep those names.
///
/// A name has 1 to 64 characters: letters, marks and digits of any script, and `.`, `_`, `-`, `@` and `+`. It begins
/// with a letter or a digit. Names are compared with RFC 8265's UsernameCaseMapped profile, so `Alice`, `ALICE` and
/// `ａｌｉｃｅ` are the same name. A name is also rejected if it looks like another user's name (UTS #39, confusable
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
    reserved: Arc<HashSet<ReservedName>>,
}

impl Default for NameRules {
    /// The usual reserved names.
    fn default() -> Self {
        Self::without_reserved_names().reserve(RESERVED)
    }
}

impl NameRules {
    /// Creates rules without any reserved names, for operators who add users themselves.
    #[must_use]
    pub fn without_reserved_names() -> Self {
        Self { reserved: Arc::default() }
    }

    /// Reserves more names. Names that look like these names are also reserved.
    #[must_use]
    pub fn reserve<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        Arc::make_mut(&mut self.reserved).extend(names.into_iter().map(|name| ReservedName::new(name.as_ref())));
        self
    }

    /// Checks a name that a user has chosen, but not whether it is taken.
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
        if self.reserved.iter().any(|reserved| reserved.looks_like(&name)) {
            return Err(UserNameProblem::Reserved);
        }
        Ok(name)
    }
}

/// A reserved name.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ReservedName {
    /// The skeleton of the name's key.
    skeleton: String,
    /// What the name looks like in capital letters.
    in_capitals: String,
    /// Whether the name's key consists of ASCII characters.
    is_ascii: bool,
}

impl ReservedName {
    fn new(name: &str) -> Self {
        let Looks { skeleton, all: [_, _, in_capitals], .. } = Looks::of(name);
        Self { skeleton, in_capitals, is_ascii: username_key(name).is_ascii() }
    }

    /// Returns whether a name looks like this reserved name when the name is shown as it is written, in lower case or
    /// in upper case.
    ///
    /// A capital `I` looks like a small `l`, so two ASCII names are not compared in capital letters. Otherwise, nobody
    /// could be called `ali`, because `all` is reserved. If either name contains non-ASCII characters, the names are
    /// compared in capital letters as well: `adмin` with a Cyrillic `м` looks like `admin` only in capital letters.
    fn looks_like(&self, name: &NewName) -> bool {
        let looks = &name.looks;
        let is_strict = !(self.is_ascii && name.shown.is_ascii());
        self.skeleton == looks.as_written
            || can_be_read_as(&looks.skeleton, &self.skeleton)
            || (is_strict && looks.all.contains(&self.in_capitals))
    }
}

/// Returns whether people can mistake a skeleton for `reserved`. In many fonts, `l`, `1` and a capital `I` look the
/// same, so an `l` in the skeleton also matches an `i` in `reserved`. A small `i` has a dot, so `ali` cannot be
/// mistaken for `all`.
fn can_be_read_as(skeleton: &str, reserved: &str) -> bool {
    let is_read_as = |(c, reserved): (char, char)| c == reserved || (c, reserved) == ('l', 'i');
    skeleton.chars().count() == reserved.chars().count() && skeleton.chars().zip(reserved.chars()).all(is_read_as)
}

impl fmt::Debug for NameRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameRules").field("reserved", &self.reserved.len()).finish_non_exhaustive()
    }
}

/// A name that follows [`NameRules`]. Only [`NameRules::check`] creates a value of this type.
#[derive(Debug)]
pub(crate) struct NewName {
    /// The name as it is stored and shown.
    pub(crate) shown: String,
    /// The lowercase form of the name, in which names are compared.
    pub(crate) key: String,
    /// What the name looks like.
    pub(crate) looks: Looks,
}

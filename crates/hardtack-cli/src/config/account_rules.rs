//! The rules for user names and passwords.

use hardtack::error::WithCauses;
use hardtack_accounts::{Accounts, NameRules, PasswordRules, PasswordTable, PasswordTableError};

use super::settings::{MIN_PASSWORD_LENGTH, PASSWORD_LIST, RESERVED_NAMES};
use super::sources::Sources;
use crate::error::Error;

/// The rules for new user names and new passwords.
pub(crate) struct AccountRules {
    names: NameRules,
    passwords: PasswordRules,
}

impl AccountRules {
    /// Applies the rules to the accounts. Also refuses passwords that consist of the host of `site` and a few other
    /// characters.
    pub(crate) fn apply(&self, accounts: Accounts, site: &str) -> Accounts {
        let passwords = self.passwords.clone().site(host_of(site));
        accounts.with_name_rules(self.names.clone()).with_password_rules(passwords)
    }
}

/// Returns the host of an origin. The port is left out, because it is not part of the site's name.
fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host)
}

/// Reads the settings, and opens the table of passwords.
pub(super) fn read(sources: &Sources) -> Result<AccountRules, Error> {
    let expected = "a whole number from 8 to 64";
    let min = sources.parse_required(&MIN_PASSWORD_LENGTH, expected, |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|min| digits && (8..=64).contains(min))
    })?;
    let mut passwords = PasswordRules::default().min_chars(min);
    if let Some(path) = sources.text(&PASSWORD_LIST) {
        let refused = |error| {
            let advice = match matches!(error, PasswordTableError::Io { .. }) {
                true => "; expected a table that this user can read, made with: hardtack passwords build FILE",
                false => "",
            };
            Error::config(format_args!("{}: {}{advice}", sources.label(&PASSWORD_LIST), WithCauses(&error)))
        };
        passwords = passwords.table(PasswordTable::open(path).map_err(refused)?);
    }
    let names = sources.text_or_empty(&RESERVED_NAMES);
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(AccountRules { names: NameRules::default().reserve(names), passwords })
}

//! Settings from environment variables.

use std::ffi::OsString;

use super::similar_name::similar_name;
use super::value::{SettingValue, Source, SourceValues};
use crate::config::settings::{ALL, FIXED, Setting};
use crate::error::Error;

/// The variable that contains the settings file's path. This variable cannot be set in the file itself.
pub(super) const CONFIG: &str = "HARDTACK_CONFIG";

/// Reads the variables whose names begin with `HARDTACK_` or `JWT_`. Refuses a name that looks like a mistyped setting.
/// Any other unknown name only causes a warning, because other programs and container platforms also set variables with
/// these prefixes.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(SourceValues, Vec<String>), Error> {
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| (name.starts_with("HARDTACK_") || name.starts_with("JWT_")) && name != CONFIG)
        .collect();
    variables.sort_unstable();

    let mut values = SourceValues::default();
    let mut warnings = Vec::new();
    for (name, value) in variables {
        let not_text = |_| Error::config(format_args!("{name} is not valid UTF-8; expected UTF-8 text"));
        if let Some(setting) = ALL.iter().find(|setting| setting.env_names().any(|known| known == name)) {
            let text = value.into_string().map_err(not_text)?;
            values.insert(setting, SettingValue::new(name, text, Source::Environment))?;
        } else if let Some(setting) = name.strip_suffix("_FILE").and_then(secret_named) {
            let path = value.into_string().map_err(not_text)?;
            values.insert(setting, SettingValue::new(name, format!("@{path}"), Source::Environment))?;
        } else if let Some(fixed) = FIXED.iter().find(|fixed| fixed.name == name) {
            fixed.check(&name, &value.into_string().map_err(not_text)?)?;
        } else {
            warnings.push(unknown(&name)?);
        }
    }
    Ok((values, warnings))
}

fn secret_named(name: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.is_secret() && setting.env_names().any(|known| known == name))
}

/// Returns the known name that the user probably meant, if any. `words` can be the beginning of this name, such as
/// `SECRET` or `SECRET_KEY_PREV` for `SECRET_KEY_PREVIOUS`. `words` can also have a second prefix before the name, as
/// in `HARDTACK_JWT_SECRET_KEY`.
fn part_of_name<'a>(words: &str, known: &'a [String]) -> Option<&'a str> {
    let begins = |known: &&String| {
        known.strip_prefix(words).is_some_and(|rest| rest.starts_with('_') || (words.contains('_') && !rest.is_empty()))
    };
    let ends = |known: &&String| ["JWT_", "HARDTACK_"].iter().any(|prefix| words.strip_prefix(prefix) == Some(known));
    known.iter().find(ends).or_else(|| known.iter().find(begins)).map(String::as_str)
}

/// Refuses a name that looks like a misspelled setting. Returns a warning for any other unknown name.
fn unknown(name: &str) -> Result<String, Error> {
    let files =
        |setting: &'static Setting| setting.env_names().filter(|_| setting.is_secret()).map(|name| name + "_FILE");
    let known: Vec<String> = ALL.iter().flat_map(|setting| setting.env_names().chain(files(setting))).collect();
    // Compare the names without their prefix, because a common prefix would make all names look similar.
    let without_prefix = |name: &str| name.split_once('_').map_or(name, |(_, rest)| rest).to_owned();
    let rests: Vec<String> = known.iter().map(|known| without_prefix(known)).collect();
    let rest = without_prefix(name);
    let similar = part_of_name(&rest, &rests).or_else(|| similar_name(&rest, rests.iter().map(String::as_str)));
    match similar.and_then(|similar| known.iter().find(|known| known.ends_with(&format!("_{similar}")))) {
        Some(similar) => Err(Error::config(format_args!(
            "{name} is not a setting; did you mean {similar}? If not, rename the variable"
        ))),
        None => Ok(format!("{name} is not a setting and is ignored")),
    }
}

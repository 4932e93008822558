//! Settings from environment variables.

use std::ffi::OsString;

use super::similar_name::similar_name;
use super::value::{SettingValue, Source, SourceValues};
use crate::config::settings::{ALL, FIXED, Setting};
use crate::error::Error;

/// Names the settings file and so cannot be a setting.
pub(super) const CONFIG: &str = "HARDTACK_CONFIG";

/// Reads the variables whose names begin with `HARDTACK_` or `JWT_`. Also returns a warning for each of them that
/// is not a setting: other programs and container platforms set such names too, so that is not an error.
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
            values.insert(setting, SettingValue { text, name, source: Source::Environment })?;
        } else if let Some(fixed) = FIXED.iter().find(|fixed| fixed.name == name) {
            fixed.check(&name, &value.into_string().map_err(not_text)?)?;
        } else {
            warnings.push(warning(&name));
        }
    }
    Ok((values, warnings))
}

fn warning(name: &str) -> String {
    let known: Vec<String> = ALL.iter().flat_map(Setting::env_names).collect();
    match similar_name(name, known.iter().map(String::as_str)) {
        Some(similar) => format!("{name} is not a setting and is ignored; did you mean {similar}?"),
        None => format!("{name} is not a setting and is ignored"),
    }
}

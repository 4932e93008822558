//! Settings in the environment.

use std::ffi::OsString;

use super::given::{Given, Layer, Source};
use super::nearest::nearest;
use super::options::{ALL, FIXED};
use crate::error::Error;

/// Read elsewhere: it says where the file is.
pub(super) const CONFIG: &str = "HARDTACK_CONFIG";

/// What the environment sets, and what in it looks like a setting and is none.
pub(super) struct Read {
    pub(super) layer: Layer,
    pub(super) unknown: Vec<String>,
}

/// Takes the variables whose names begin with `HARDTACK_` or `JWT_`. Unknown ones are no error: other
/// programs and container platforms set such names too.
pub(super) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Read, Error> {
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| (name.starts_with("HARDTACK_") || name.starts_with("JWT_")) && name != CONFIG)
        .collect();
    variables.sort_unstable();

    let mut layer = Layer::default();
    let mut unknown = Vec::new();
    for (name, value) in variables {
        let not_text = |_| Error::config(format_args!("{name} is not UTF-8; expected text"));
        if let Some(opt) = ALL.into_iter().find(|opt| opt.env_names().any(|known| known == name)) {
            let value = value.into_string().map_err(not_text)?;
            layer.put(opt, Given { value, name, source: Source::Environment })?;
        } else if let Some(fixed) = FIXED.iter().find(|fixed| fixed.name == name) {
            fixed.check(&name, &value.into_string().map_err(not_text)?)?;
        } else {
            unknown.push(describe(&name));
        }
    }
    Ok(Read { layer, unknown })
}

fn describe(name: &str) -> String {
    let known: Vec<String> = ALL.iter().flat_map(|opt| opt.env_names()).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("{name} is no setting and is ignored; is {meant} meant?"),
        None => format!("{name} is no setting and is ignored"),
    }
}

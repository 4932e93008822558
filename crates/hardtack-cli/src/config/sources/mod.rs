//! Where values come from: flags, environment variables and the settings file.

mod environment;
mod file;
mod flags;
mod similar_name;
mod value;

use std::ffi::OsString;
use std::path::Path;

use crate::error::Error;
pub(crate) use flags::{FlagSet, FlagValues, Flags};
pub(crate) use value::{Source, Sources};

/// Reads all sources. Also returns warnings about environment variables that look like settings.
pub(super) fn read(
    flags: &FlagValues,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Sources, Vec<String>), Error> {
    let variables: Vec<_> = variables.into_iter().collect();
    let from_environment = variables.iter().find(|(name, _)| name == environment::CONFIG);
    let file = file::read(match (flags.config(), from_environment) {
        (Some(path), _) => Some(("--config", path)),
        (None, Some((_, path))) => Some((environment::CONFIG, Path::new(path))),
        (None, None) => None,
    })?;
    let (environment, warnings) = environment::read(variables)?;
    Ok((Sources([flags.read()?, environment, file]), warnings))
}

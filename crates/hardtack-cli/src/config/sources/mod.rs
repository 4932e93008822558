//! Where the settings come from: flags, environment variables and the settings file.

mod command_line;
mod environment;
mod file;
mod similar_name;
mod value;

use std::ffi::OsString;
use std::path::Path;

use crate::error::Error;
pub(crate) use command_line::{FlagSet, FlagValues, Flags};
pub(crate) use value::{Source, Sources};

/// Reads all sources. Also returns warnings about environment variables that look like settings, and about files with
/// secrets that other users can read.
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
    let (environment, mut warnings) = environment::read(variables)?;
    let sources = Sources([flags.read()?, environment, file]);
    warnings.extend(sources.readable_secrets());
    Ok((sources, warnings))
}

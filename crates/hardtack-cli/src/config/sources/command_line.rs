//! Settings from the command line.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::value::{SettingValue, Source, SourceValues};
use crate::config::settings::{ALL, Setting};
use crate::error::Error;

/// The id of the flag `--config`. This flag specifies the settings file, so it cannot be set in that file.
const CONFIG: &str = "config";

/// Determines which flags a command accepts.
pub(crate) trait FlagSet {
    /// Returns whether the command accepts the setting's flag.
    fn accepts(setting: &Setting) -> bool;

    /// Returns whether `--help` lists the flag. Some commands also accept flags that `--help` does not list. Such flags
    /// have no effect. They only allow the command to be called with the same flags as `serve`.
    fn lists(setting: &Setting) -> bool;

    /// Returns the flag's help text.
    fn help(setting: &Setting) -> String {
        setting.help()
    }
}

/// A command's arguments: `--config` and the flags in the set `S`.
pub(crate) struct Flags<S> {
    values: FlagValues,
    set: PhantomData<S>,
}

impl<S> Flags<S> {
    pub(crate) const fn values(&self) -> &FlagValues {
        &self.values
    }
}

/// The values of the flags on a command line.
pub(crate) struct FlagValues {
    config: Option<PathBuf>,
    values: Vec<(&'static Setting, String)>,
}

impl FlagValues {
    /// Returns the path of the settings file, as given by `--config`.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    pub(super) fn read(&self) -> Result<SourceValues, Error> {
        let mut values = SourceValues::default();
        for (setting, text) in &self.values {
            let value = SettingValue::new(setting.usual_name(), text.clone(), Source::Flag);
            values.insert(setting, value)?;
        }
        Ok(values)
    }
}

impl<S: FlagSet> Args for Flags<S> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Settings file [default: ./hardtack.toml, if it exists]");
        let flags = ALL.iter().filter(|setting| S::accepts(setting)).filter_map(|setting| {
            let flag = setting.flag()?;
            let arg = Arg::new(setting.name()).long(flag.long()).help(S::help(setting)).hide(!S::lists(setting));
            Some(match flag.value_name {
                Some(name) => arg.value_name(name),
                None => arg.action(ArgAction::SetTrue),
            })
        });
        command.arg(config).args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: FlagSet> FromArgMatches for Flags<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values = ALL.iter().filter(|setting| S::accepts(setting)).filter_map(|setting| {
            let text = match setting.flag()?.value_name {
                Some(_) => matches.get_one::<String>(setting.name())?.clone(),
                None => matches.get_flag(setting.name()).then(|| "true".to_owned())?,
            };
            Some((setting, text))
        });
        let values = FlagValues { config: matches.get_one(CONFIG).cloned(), values: values.collect() };
        Ok(Self { values, set: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

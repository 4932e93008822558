//! The values that were set, and where each one came from.

use std::collections::HashMap;
use std::path::PathBuf;

use hardtack::files;
use hardtack::jwt::read_secret;

use crate::config::settings::Setting;
use crate::error::Error;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment,
    File(PathBuf),
}

/// The unparsed text of a setting. The type has no `Debug` implementation, because the value may be a secret.
#[derive(Clone)]
pub(crate) struct SettingValue {
    pub(crate) text: String,
    /// The name under which the setting was set.
    pub(crate) name: String,
    pub(crate) source: Source,
    /// The file from which `text` was read, if the value was `@PATH`.
    pub(crate) file: Option<PathBuf>,
}

impl SettingValue {
    pub(super) fn new(name: String, text: String, source: Source) -> Self {
        Self { text, name, source, file: None }
    }

    /// If the setting is a secret, replaces a value of the form `@PATH` with the content of that file. Refuses a value
    /// that is probably not the secret itself, such as a path without `@`.
    fn resolve(mut self, setting: &Setting) -> Result<Self, Error> {
        let path = self.text.strip_prefix('@').map(PathBuf::from);
        if !setting.is_secret() || !(path.is_some() || setting.is_always_secret()) {
            return Ok(self);
        }
        let content =
            read_secret(&self.text).map_err(|error| Error::config(format_args!("{}: {error}", self.label())))?;
        let content = std::str::from_utf8(&content).map_err(|_| {
            Error::config(format_args!(
                "{}: the file is not UTF-8 text; expected a secret or a key as text",
                self.label()
            ))
        })?;
        self.text = content.to_owned();
        self.file = path;
        Ok(self)
    }

    /// Returns the setting's name for error messages: the name under which it was set and, if it was set in a file,
    /// that file's path.
    pub(crate) fn label(&self) -> String {
        match &self.source {
            Source::Flag | Source::Environment => self.name.clone(),
            Source::File(path) => format!("{} in {}", self.name, path.display()),
        }
    }
}

/// The values from one source.
#[derive(Default)]
pub(crate) struct SourceValues(HashMap<&'static str, SettingValue>);

impl SourceValues {
    /// Returns whether this source contains a secret for the setting.
    pub(super) fn sets_secret(&self, setting: &Setting) -> bool {
        self.0.get(setting.name()).is_some_and(|value| value.file.is_none() && setting.hides(&value.text))
    }

    /// Adds a value. If the value names a file, adds the file's content instead. If a setting is set under two of its
    /// names, the two values must be equal.
    pub(super) fn insert(&mut self, setting: &'static Setting, value: SettingValue) -> Result<(), Error> {
        let value = value.resolve(setting)?;
        let Some(other) = self.0.get(setting.name()).filter(|other| other.text != value.text) else {
            self.0.insert(setting.name(), value);
            return Ok(());
        };
        // Environment variables come in no fixed order, so sort the names.
        let mut labels = [value.label(), other.label()];
        labels.sort_unstable();
        let [one, two] = labels;
        Err(Error::config(format_args!(
            "{one} and {two} set the same option to different values; remove one, or make the values equal"
        )))
    }
}

/// The values from all sources, in order of precedence: flags, the environment, the file.
pub(crate) struct Sources(pub(super) [SourceValues; 3]);

impl Sources {
    /// Returns the value that was set, or `None` if the default applies.
    pub(crate) fn value(&self, setting: &Setting) -> Option<&SettingValue> {
        self.0.iter().find_map(|values| values.0.get(setting.name()))
    }

    /// Returns a warning for each secret's file that other users can read. The core logs the same warning when it reads
    /// such a file, but settings are read before logging starts.
    pub(super) fn readable_secrets(&self) -> impl Iterator<Item = String> {
        let files = self.0.iter().flat_map(|values| values.0.values()).filter_map(|value| value.file.as_deref());
        files.filter_map(|path| files::readable_secret(path, &path.metadata().ok()?))
    }

    /// Returns whether the setting is set in any source.
    pub(crate) fn is_set(&self, setting: &Setting) -> bool {
        self.value(setting).is_some()
    }

    /// Returns the name by which errors refer to the setting, such as `--listen`, `HARDTACK_LISTEN` or `listen in
    /// hardtack.toml`.
    pub(crate) fn label(&self, setting: &Setting) -> String {
        self.value(setting).map_or_else(|| setting.usual_name(), SettingValue::label)
    }

    /// Returns the beginning of an error message: the setting and its value, such as `--listen is "localhost"`. If the
    /// value is a secret, it is left out.
    pub(crate) fn describe(&self, setting: &Setting) -> String {
        match self.value(setting) {
            Some(value) if setting.hides(&value.text) => value.label(),
            Some(value) => format!("{} is {:?}", value.label(), value.text),
            None => format!("{} is {:?} (the default)", setting.usual_name(), setting.default),
        }
    }

    /// Returns the value of a setting as text. If the setting is not set, returns its default, or `None` if it has no
    /// default.
    pub(crate) fn text(&self, setting: &Setting) -> Option<&str> {
        let default = (!setting.default.is_empty()).then_some(setting.default);
        self.value(setting).map(|value| value.text.as_str()).or(default)
    }

    /// Returns the value of a setting as text. If the setting is not set, returns its default, or an empty string if it
    /// has no default.
    pub(crate) fn text_or_empty(&self, setting: &Setting) -> String {
        self.text(setting).unwrap_or_default().to_owned()
    }

    /// Parses a setting. Returns `None` if the setting is not set and has no default.
    pub(crate) fn parse<T>(
        &self,
        setting: &Setting,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.text(setting) else { return Ok(None) };
        let invalid = || Error::config(format_args!("{}; expected {expected}", self.describe(setting)));
        parse(text).map(Some).ok_or_else(invalid)
    }

    /// Parses a setting that has a default.
    pub(crate) fn parse_required<T>(
        &self,
        setting: &Setting,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let missing =
            || Error::runtime(format_args!("{} has no default; this is a bug in hardtack", setting.usual_name()));
        self.parse(setting, expected, parse)?.ok_or_else(missing)
    }

    /// Parses a setting whose value is `true` or `false`.
    pub(crate) fn parse_bool(&self, setting: &Setting) -> Result<Option<bool>, Error> {
        self.parse(setting, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }
}

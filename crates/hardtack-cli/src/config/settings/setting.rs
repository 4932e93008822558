//! The type that describes a setting: its names, its flag, its default, and whether it is secret.

/// A setting, with its names, its default, and whether its value may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    flag: Option<Flag>,
    /// The setting's names in Flask-JWT-Extended. The environment and the settings file also accept these names.
    flask_names: &'static [&'static str],
    /// The default value. Empty if there is no default, or if the default depends on other settings.
    pub(crate) default: &'static str,
    /// A note in `--help` that describes a default which depends on other settings.
    default_note: &'static str,
    secrecy: Secrecy,
}

/// The flag of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The name in the settings file, such as `access_lifetime`. The flag (`--access-lifetime`) and the environment
    /// variable (`HARDTACK_ACCESS_LIFETIME`) are derived from this name.
    name: &'static str,
    /// The name of the value in `--help`. `None` for a switch.
    pub(crate) value_name: Option<&'static str>,
    /// The help text for `--help`, on one line.
    help: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum Secrecy {
    Public,
    Secret,
    /// The value is a URL that may contain a password.
    SecretUrl,
    /// The value is secret unless it begins with this prefix.
    SecretUnless(&'static str),
}

/// Constructors for the entries in the settings table.
impl Setting {
    /// Creates a setting with a flag that takes a value.
    pub(super) const fn option(name: &'static str, value_name: &'static str, help: &'static str) -> Self {
        Self::with_flag(Flag { name, value_name: Some(value_name), help })
    }

    /// Creates a setting with a flag that turns it on.
    pub(super) const fn switch(name: &'static str, help: &'static str) -> Self {
        Self::with_flag(Flag { name, value_name: None, help })
    }

    const fn with_flag(flag: Flag) -> Self {
        Self { flag: Some(flag), flask_names: &[], default: "", default_note: "", secrecy: Secrecy::Public }
    }

    /// Creates a Flask-JWT-Extended setting that has no flag.
    pub(super) const fn flask(names: &'static [&'static str]) -> Self {
        Self { flag: None, flask_names: names, default: "", default_note: "", secrecy: Secrecy::Public }
    }

    /// Adds names of Flask-JWT-Extended.
    pub(super) const fn or_flask(mut self, names: &'static [&'static str]) -> Self {
        self.flask_names = names;
        self
    }

    /// Sets the default value.
    pub(super) const fn default(mut self, value: &'static str) -> Self {
        self.default = value;
        self
    }

    /// Describes a default that depends on other settings.
    pub(super) const fn default_note(mut self, note: &'static str) -> Self {
        self.default_note = note;
        self
    }

    /// Never shows the value.
    pub(super) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    /// Marks the setting as a URL that may contain a password.
    pub(super) const fn secret_url(mut self) -> Self {
        self.secrecy = Secrecy::SecretUrl;
        self
    }

    /// Marks the setting's value as secret unless it begins with `prefix`.
    pub(super) const fn secret_unless(mut self, prefix: &'static str) -> Self {
        self.secrecy = Secrecy::SecretUnless(prefix);
        self
    }
}

impl Setting {
    /// Returns the flag, or `None` if the setting has no flag.
    pub(crate) const fn flag(&self) -> Option<&Flag> {
        self.flag.as_ref()
    }

    /// Returns the first name under which the settings file accepts the setting.
    pub(crate) fn name(&self) -> &'static str {
        self.file_names().next().unwrap_or_default()
    }

    /// Returns all names under which the settings file accepts the setting.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &'static str> {
        let own = self.flag.as_ref().map(|flag| flag.name);
        own.into_iter().chain(self.flask_names.iter().copied())
    }

    /// Returns the names of the environment variables that can contain the setting's value.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = String> {
        let own = self.flag.as_ref().map(|flag| format!("HARDTACK_{}", flag.name.to_ascii_uppercase()));
        own.into_iter().chain(self.flask_names.iter().map(|name| (*name).to_owned()))
    }

    /// Returns the name under which errors report that the setting is missing. If the setting has a flag, this is the
    /// flag, such as `--listen`. Otherwise, it is the setting's name in the settings file.
    pub(crate) fn usual_name(&self) -> String {
        self.flag.as_ref().map_or_else(|| self.name().to_owned(), |flag| format!("--{}", flag.long()))
    }

    /// Returns the setting's help text for `--help`, with the default at the end.
    pub(crate) fn help(&self) -> String {
        let Some(flag) = &self.flag else { return String::new() };
        match (flag.value_name, self.default, self.default_note) {
            (Some(_), "", "") | (None, ..) => flag.help.to_owned(),
            (Some(_), "", default) | (Some(_), default, _) => format!("{} [default: {default}]", flag.help),
        }
    }

    /// Returns whether the setting is a secret. The value of a secret can be in a separate file.
    pub(crate) fn is_secret(&self) -> bool {
        self.secrecy != Secrecy::Public
    }

    /// Returns whether the setting's value must always be a secret or a key. Such a setting refuses values that look
    /// like a path or a placeholder.
    pub(crate) fn is_always_secret(&self) -> bool {
        self.secrecy == Secrecy::Secret
    }

    /// Returns whether this value must never be shown.
    pub(crate) fn hides(&self, value: &str) -> bool {
        match self.secrecy {
            Secrecy::Public => false,
            Secrecy::Secret | Secrecy::SecretUrl => true,
            Secrecy::SecretUnless(prefix) => !value.starts_with(prefix),
        }
    }
}

impl Flag {
    /// Returns the flag without its dashes, such as `access-lifetime`.
    pub(crate) fn long(&self) -> String {
        self.name.replace('_', "-")
    }
}

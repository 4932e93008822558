//! The type of a setting: its names, its flag, its default, and whether it is secret.

/// A setting: its names, its default, and whether its value may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    flag: Option<Flag>,
    /// The names in Flask-JWT-Extended, which the environment and the file accept too.
    flask_names: &'static [&'static str],
    /// The default value; empty if there is none, or if it depends on other settings.
    pub(crate) default: &'static str,
    /// A default that depends on other settings, as `--help` describes it.
    default_note: &'static str,
    secrecy: Secrecy,
}

/// The flag of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The name in the settings file, such as `access_lifetime`. The flag (`--access-lifetime`) and the environment
    /// variable (`HARDTACK_ACCESS_LIFETIME`) are derived from it.
    name: &'static str,
    /// What `--help` calls the value; `None` for a switch.
    pub(crate) value_name: Option<&'static str>,
    /// What `--help` says, in one line.
    help: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum Secrecy {
    Public,
    Secret,
    /// A URL that contains a secret.
    SecretUrl,
    /// Secret, except for values with this prefix.
    SecretUnless(&'static str),
}

/// The constructors that the table of settings uses.
impl Setting {
    /// A setting with a flag that takes a value.
    pub(super) const fn option(name: &'static str, value_name: &'static str, help: &'static str) -> Self {
        Self::with_flag(Flag { name, value_name: Some(value_name), help })
    }

    /// A setting with a flag that turns it on.
    pub(super) const fn switch(name: &'static str, help: &'static str) -> Self {
        Self::with_flag(Flag { name, value_name: None, help })
    }

    const fn with_flag(flag: Flag) -> Self {
        Self { flag: Some(flag), flask_names: &[], default: "", default_note: "", secrecy: Secrecy::Public }
    }

    /// A setting of Flask-JWT-Extended that has no flag.
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

    /// Never shows the value, unless it has this prefix.
    pub(super) const fn secret_unless(mut self, prefix: &'static str) -> Self {
        self.secrecy = Secrecy::SecretUnless(prefix);
        self
    }
}

impl Setting {
    /// The flag, if the setting has one.
    pub(crate) const fn flag(&self) -> Option<&Flag> {
        self.flag.as_ref()
    }

    /// The first name under which the settings file accepts the setting.
    pub(crate) fn name(&self) -> &'static str {
        self.file_names().next().unwrap_or_default()
    }

    /// All names under which the settings file accepts the setting.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &'static str> {
        let own = self.flag.as_ref().map(|flag| flag.name);
        own.into_iter().chain(self.flask_names.iter().copied())
    }

    /// The names of the environment variables that set the setting.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = String> {
        let own = self.flag.as_ref().map(|flag| format!("HARDTACK_{}", flag.name.to_ascii_uppercase()));
        own.into_iter().chain(self.flask_names.iter().map(|name| (*name).to_owned()))
    }

    /// The name that errors use for a setting that is not set: its flag, such as `--listen`. For a setting that has no
    /// flag, its name in the settings file.
    pub(crate) fn usual_name(&self) -> String {
        self.flag.as_ref().map_or_else(|| self.name().to_owned(), |flag| format!("--{}", flag.long()))
    }

    /// The line in `--help`, with the default at its end.
    pub(crate) fn help(&self) -> String {
        let Some(flag) = &self.flag else { return String::new() };
        match (flag.value_name, self.default, self.default_note) {
            (Some(_), "", "") | (None, ..) => flag.help.to_owned(),
            (Some(_), "", default) | (Some(_), default, _) => format!("{} [default: {default}]", flag.help),
        }
    }

    /// Whether the setting is a secret, so that its value may be in a file of its own.
    pub(crate) fn is_secret(&self) -> bool {
        self.secrecy != Secrecy::Public
    }

    /// Whether every value of the setting must be a secret or a key. If so, a value that looks like a path or a
    /// placeholder is refused.
    pub(crate) fn is_always_secret(&self) -> bool {
        self.secrecy == Secrecy::Secret
    }

    /// Whether this value must never be shown.
    pub(crate) fn hides(&self, value: &str) -> bool {
        match self.secrecy {
            Secrecy::Public => false,
            Secrecy::Secret | Secrecy::SecretUrl => true,
            Secrecy::SecretUnless(prefix) => !value.starts_with(prefix),
        }
    }
}

impl Flag {
    /// The flag without its dashes: `access-lifetime`.
    pub(crate) fn long(&self) -> String {
        self.name.replace('_', "-")
    }
}

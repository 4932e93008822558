//! How advice refers to the settings of an authenticator.

use std::borrow::Cow;

/// The names of settings in a program that reads them from flags or files. By default, advice refers to a setting by
/// the code that sets it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SettingNames(Option<fn(&str) -> Option<String>>);

impl SettingNames {
    pub(crate) const fn new(names: fn(&str) -> Option<String>) -> Self {
        Self(Some(names))
    }

    /// Returns how advice refers to a setting, in backticks. `code` is a function, a call or a type, such as
    /// `.realm("shop")`.
    pub(crate) fn of(self, code: &str) -> String {
        self.find(code).unwrap_or_else(|| format!("`{code}`"))
    }

    /// Like [`Self::of`], for advice that also makes sense without the setting. Returns `None` if the program has no
    /// name for the setting.
    pub(crate) fn find(self, code: &str) -> Option<String> {
        let Some(names) = self.0 else { return Some(format!("`{code}`")) };
        let (setter, arguments) = code.trim_start_matches('.').split_once('(').unwrap_or((code, ""));
        let name = names(setter)?;
        let value = arguments.split('"').nth(1).filter(|value| *value != "…");
        Some(match value {
            Some(value) if name.starts_with("--") => format!("`{name} {value}`"),
            Some(value) => format!("`{name}={value}`"),
            None => format!("`{name}`"),
        })
    }

    /// Returns what the program says instead of `text`, which is about the function or type `code`.
    pub(crate) fn or<'t>(self, code: &str, text: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
        self.0.and_then(|names| names(code)).map_or_else(|| text.into(), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_own_settings() {
        let code = SettingNames::default();
        assert_eq!((code.of(".realm(\"shop\")").as_str(), &*code.or("key", "a key")), ("`.realm(\"shop\")`", "a key"));
        let program = SettingNames::new(|code| match code {
            "realm" => Some("--realm".to_owned()),
            "CookiePolicy::access_name" => Some("ACCESS_NAME".to_owned()),
            "key" => Some("a file".to_owned()),
            _ => None,
        });
        for (code, name) in [
            (".realm(\"shop\")", "`--realm shop`"),
            (".realm(\"…\")", "`--realm`"),
            (".realm(…)", "`--realm`"),
            ("CookiePolicy::access_name(\"id\")", "`ACCESS_NAME=id`"),
            ("CookiePolicy::access_name", "`ACCESS_NAME`"),
            (".urls(…)", "`.urls(…)`"),
        ] {
            assert_eq!(program.of(code), name, "{code}");
        }
        assert_eq!(program.or("key", "a key"), "a file");
        assert_eq!(program.find(".realm(…)").as_deref(), Some("`--realm`"));
        assert_eq!((program.find(".urls(…)"), code.find(".urls(…)").as_deref()), (None, Some("`.urls(…)`")));
    }
}

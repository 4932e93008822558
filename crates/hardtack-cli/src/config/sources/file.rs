//! Settings from `hardtack.toml`.

use std::path::{Path, PathBuf};

use hardtack::files;

use super::similar_name::similar_name;
use super::value::{SettingValue, Source, SourceValues};
use crate::config::settings::{ALL, FIXED, LOG_IN_LIMITS, Setting};
use crate::error::Error;
use crate::private_file;

/// The settings file that is read if it exists and the operator has specified no other.
const DEFAULT: &str = "hardtack.toml";

/// An example setting, written as it would be in the file, for error messages.
const EXAMPLE: &str = "listen = \"127.0.0.1:8080\"";

/// The maximum length of the file, in bytes. Longer files are refused.
const MAX_FILE_LEN: u32 = 1024 * 1024;

/// Reads the settings file that the operator specified. If the operator specified none, reads the default file, if it
/// exists.
///
/// `named` contains the flag or variable that specifies the file, and the file's path.
pub(super) fn read(named: Option<(&str, &Path)>) -> Result<SourceValues, Error> {
    let (label, path) = named.unwrap_or(("the settings file", Path::new(DEFAULT)));
    let file = match files::open_regular(path) {
        Ok(file) => file,
        Err(error) if named.is_none() && private_file::is_missing(path, &error) => {
            return Ok(SourceValues::default());
        }
        Err(error) => {
            let reason = private_file::why_unreadable(path, &error);
            return Err(Error::config(format_args!("{label} {path:?} cannot be read: {reason}")));
        }
    };
    private_file::check_trusted(&file, path)?;
    let no_toml = |reason: &dyn std::fmt::Display| {
        Error::config(format_args!("{} cannot be read: {reason}; expected TOML, in UTF-8", path.display()))
    };
    let content = files::read_at_most(&file, MAX_FILE_LEN).map_err(|error| no_toml(&error))?;
    let values = parse(std::str::from_utf8(&content).map_err(|error| no_toml(&error))?, path)?;
    if ALL.iter().any(|setting| values.sets_secret(setting)) {
        private_file::check(&file, path)?;
    }
    Ok(values)
}

fn parse(text: &str, path: &Path) -> Result<SourceValues, Error> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().replace('\n', ", ");
        Error::config(format_args!(
            "{} is not valid TOML: line {line}: {message}; write each setting once, and put text in quotes, such \
             as {EXAMPLE}",
            path.display()
        ))
    })?;
    let mut values = SourceValues::default();
    for (name, value) in table {
        let named = |wanted: &str| ALL.iter().find(|setting| setting.file_names().any(|known| known == wanted));
        let in_file = ["_file", "_FILE"].iter().find_map(|ending| name.strip_suffix(ending)).and_then(named);
        let in_file = in_file.filter(|setting| setting.is_secret());
        let setting = named(&name).or(in_file);
        let fixed = FIXED.iter().find(|fixed| fixed.name == name);
        if setting.is_none() && fixed.is_none() {
            return Err(unknown_setting(&name, value.is_table(), path));
        }
        let source = Source::File(PathBuf::from(path));
        let mut parsed = SettingValue::new(name, String::new(), source);
        let takes_table = setting == Some(&LOG_IN_LIMITS);
        parsed.text = to_text(value, takes_table).ok_or_else(|| {
            let expected = match takes_table {
                true => "expected a string, or a table of strings",
                false => "expected a string, an integer, true, false, or an array of strings",
            };
            Error::config(format_args!("{} has the wrong type; {expected}", parsed.label()))
        })?;
        if in_file.is_some() {
            parsed.text.insert(0, '@');
        }
        match (setting, fixed) {
            (Some(setting), _) => values.insert(setting, parsed)?,
            (None, Some(fixed)) => fixed.check(&parsed.label(), &parsed.text)?,
            (None, None) => {}
        }
    }
    Ok(values)
}

/// Converts a TOML value to the text that sets the same value in an environment variable. Returns `None` if a value of
/// this type is not allowed.
fn to_text(value: toml::Value, takes_table: bool) -> Option<String> {
    match value {
        toml::Value::Table(table) if takes_table => {
            let items: Option<Vec<String>> =
                table.iter().map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
            Some(items?.join(","))
        }
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            Some(items?.join(","))
        }
        _ => None,
    }
}

fn unknown_setting(name: &str, is_table: bool, path: &Path) -> Error {
    let known = || ALL.iter().flat_map(Setting::file_names);
    let advice = match similar_name(name, known()) {
        Some(similar) => format!("did you mean {similar}?"),
        None if is_table => {
            format!("settings do not belong in tables such as [{name}]; expected lines such as {EXAMPLE}")
        }
        None => format!("expected one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    Error::config(format_args!("{} has the unknown setting {name:?}; {advice}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::value::Sources;
    use super::*;
    use crate::config::settings;

    fn refusal(text: &str) -> String {
        parse(text, Path::new("hardtack.toml")).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn both_kinds_of_names_and_all_types_of_values() {
        let text = "listen = '[::1]:1'\nJWT_ACCESS_TOKEN_EXPIRES = 900\npersistent_cookies = true\n\
                    JWT_ACCESS_COOKIE_PATH = ['/a', '/b']\n\
                    log_in_limits = { account = '5/1m', failures = '50/1h' }";
        let file = parse(text, Path::new("x.toml")).unwrap();
        let sources = Sources([SourceValues::default(), SourceValues::default(), file]);
        let text = |setting| sources.value(setting).map(|value| value.text.as_str());
        assert_eq!(text(&settings::LISTEN), Some("[::1]:1"));
        assert_eq!(text(&settings::ACCESS_LIFETIME), Some("900"));
        assert_eq!(text(&settings::PERSISTENT_COOKIES), Some("true"));
        assert_eq!(text(&settings::ACCESS_COOKIE_PATH), Some("/a,/b"));
        assert_eq!(text(&settings::LOG_IN_LIMITS), Some("account=5/1m,failures=50/1h"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("lisen = '1'", "hardtack.toml has the unknown setting \"lisen\"; did you mean listen?"),
            ("JWT_ACESS_COOKIE_NAME = 'a'", "did you mean JWT_ACCESS_COOKIE_NAME?"),
            ("colour = 'red'", "expected one of listen, base_url, "),
            ("\n\nlisten = ", "hardtack.toml is not valid TOML: line 3: "),
            ("listen = 127.0.0.1:8080", "and put text in quotes, such as listen = \"127.0.0.1:8080\""),
            ("[server]\nlisten = '1'", "unknown setting \"server\"; settings do not belong in tables such as [server]"),
            ("listen = 1.5", "listen in hardtack.toml has the wrong type"),
            ("listen = { port = '1' }", "listen in hardtack.toml has the wrong type; expected a string, an integer"),
            ("log_in_limits = { account = 5 }", "has the wrong type; expected a string, or a table of strings"),
            ("access_lifetime = '1m'\nJWT_ACCESS_TOKEN_EXPIRES = 61", "set the same option to different values"),
            ("JWT_VERIFY_SUB = 'false'", "JWT_VERIFY_SUB in hardtack.toml is \"false\"; only \"true\" is supported"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text:?}: {refusal}");
        }
    }
}

//! Settings in `hardtack.toml`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::given::{Given, Layer, Source};
use super::nearest::nearest;
use super::options::{ALL, FIXED};
use crate::error::Error;
use crate::keys::private;

/// Taken if it is there and no other is named.
const USUAL: &str = "hardtack.toml";

/// Reads the file that was named, or the usual one if there is one.
pub(super) fn read(named: Option<(&str, &Path)>) -> Result<Layer, Error> {
    let (label, path) = named.unwrap_or(("", Path::new(USUAL)));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(Layer::default()),
        Err(error) => {
            let label = if label.is_empty() { "the file" } else { label };
            let expected = "expected a file that this user may read";
            return Err(Error::config(format_args!("{label} {path:?} cannot be read: {error}; {expected}")));
        }
    };
    let mut text = String::new();
    if let Err(error) = file.read_to_string(&mut text) {
        return Err(Error::config(format_args!("{} cannot be read: {error}; expected TOML", path.display())));
    }
    let layer = parse(&text, path)?;
    if ALL.into_iter().any(|opt| layer.hides(opt)) {
        private::check(&file, path)?;
    }
    Ok(layer)
}

fn parse(text: &str, path: &Path) -> Result<Layer, Error> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().replace('\n', ", ");
        Error::config(format_args!("{} is no TOML: line {line}: {message}", path.display()))
    })?;
    let mut layer = Layer::default();
    for (name, value) in table {
        let known = ALL.into_iter().find(|opt| opt.file_names().any(|known| known == name));
        let fixed = FIXED.iter().find(|fixed| fixed.name == name);
        if known.is_none() && fixed.is_none() {
            return Err(unknown(&name, path));
        }
        let source = Source::File(PathBuf::from(path));
        let mut given = Given { value: String::new(), name, source };
        given.value = scalar(value).ok_or_else(|| {
            let expected = "expected a text, a whole number, true or false, or a list of texts";
            Error::config(format_args!("{} is of another kind; {expected}", given.label()))
        })?;
        match (known, fixed) {
            (Some(opt), _) => layer.put(opt, given)?,
            (None, Some(fixed)) => fixed.check(&given.label(), &given.value)?,
            (None, None) => {}
        }
    }
    Ok(layer)
}

/// The text that would stand in the environment.
fn scalar(value: toml::Value) -> Option<String> {
    match value {
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

fn unknown(name: &str, path: &Path) -> Error {
    let known = || ALL.iter().flat_map(|opt| opt.file_names());
    let advice = match nearest(name, known()) {
        Some(meant) => format!("is {meant} meant?"),
        None => format!("expected one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    Error::config(format_args!("{} has the unknown setting {name:?}; {advice}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{given::Layers, options};

    fn refusal(text: &str) -> String {
        parse(text, Path::new("hardtack.toml")).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn both_kinds_of_names_and_all_kinds_of_values() {
        let text = "listen = '[::1]:1'\nJWT_ACCESS_TOKEN_EXPIRES = 900\npersistent_cookies = true\n\
                    JWT_ACCESS_COOKIE_PATH = ['/a', '/b']";
        let layers = Layers(vec![parse(text, Path::new("x.toml")).unwrap()]);
        let value = |opt| layers.given(opt).map(|given| given.value.as_str());
        assert_eq!(value(&options::LISTEN), Some("[::1]:1"));
        assert_eq!(value(&options::ACCESS_LIFETIME), Some("900"));
        assert_eq!(value(&options::PERSISTENT_COOKIES), Some("true"));
        assert_eq!(value(&options::ACCESS_COOKIE_PATH), Some("/a,/b"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("lisen = '1'", "hardtack.toml has the unknown setting \"lisen\"; is listen meant?"),
            ("JWT_ACESS_COOKIE_NAME = 'a'", "is JWT_ACCESS_COOKIE_NAME meant?"),
            ("colour = 'red'", "expected one of listen, base_url, "),
            ("\n\nlisten = ", "hardtack.toml is no TOML: line 3: "),
            ("[server]\nlisten = '1'", "unknown setting \"server\""),
            ("listen = 1.5", "listen in hardtack.toml is of another kind"),
            ("access_lifetime = '1m'\nJWT_ACCESS_TOKEN_EXPIRES = 61", "set the same thing, and differ"),
            ("JWT_VERIFY_SUB = 'false'", "JWT_VERIFY_SUB in hardtack.toml is \"false\"; only \"true\" is possible"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text:?}: {refusal}");
        }
    }
}

//! `hardtack explain`.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read};

use hardtack::explain::{Explanation, Outcome};
use hardtack::{Authenticator, MemorySessions};
use hardtack_accounts::Accounts;
use serde_json::Value;

use crate::config::Config;
use crate::error::Error;
use crate::subcommands::ExplainArguments;
use crate::{keys, output};

/// The maximum length of the input, in bytes. Real headers are shorter.
const LONGEST: u64 = 256 * 1024;

/// Explains header fields, based on the settings and keys that `serve` uses. Creates no files and no keys.
pub(super) fn run(arguments: &ExplainArguments) -> Result<(), Error> {
    let ExplainArguments { header, path, json, flags } = arguments;
    if !path.starts_with('/') {
        return Err(Error::config(format_args!("--path {path:?} is not a path; expected one that begins with /")));
    }
    let config = Config::load(flags.values())?;
    let stored = keys::load(&config)?;
    let keys_known = stored.is_some();
    let builder = Authenticator::builder(stored.map_or_else(|| keys::placeholder(&config), Ok)?);
    let builder = config.apply(Accounts::reserve_names(builder), config.address.listen);
    let auth = config.build(builder.sessions(MemorySessions::new()))?;
    config.warnings.iter().for_each(output::print_error);
    let text = match header.as_deref() {
        None | Some("-") => read_input()?,
        Some(header) => header.to_owned(),
    };
    let explanations: Vec<Explanation> = fields(&text)?
        .into_iter()
        .map(|field| match field {
            Field::Cookie(value) => auth.explain_cookies(value.as_bytes(), path, keys_known),
            Field::SetCookie(value) => auth.explain_set_cookie(value, keys_known),
        })
        .collect();
    if *json {
        output::print(Value::Array(explanations.iter().map(Explanation::to_json).collect()))?;
    } else {
        let site = auth.base_url().unwrap_or_default();
        output::print(format_args!("For the site {site}:"))?;
        explanations.iter().try_for_each(output::print)?;
    }
    if !keys_known {
        output::print_error(
            "no key is configured, so signatures were not checked; pass the --data-dir of the servers, or set \
             JWT_SECRET_KEY or JWT_PRIVATE_KEY",
        );
    }
    match explanations.iter().find(|explanation| matches!(explanation.outcome, Outcome::Refused(_))) {
        Some(Explanation { what, outcome, .. }) => Err(Error::runtime(format_args!("{what}: {outcome}"))),
        None => Ok(()),
    }
}

/// Reads the header from standard input.
fn read_input() -> Result<String, Error> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        output::print_error("paste the Cookie or Set-Cookie header, press Enter, then press Ctrl-D");
    }
    let mut text = Vec::new();
    let read = (&mut input).take(LONGEST + 1).read_to_end(&mut text);
    read.map_err(|error| Error::runtime(format_args!("standard input cannot be read: {error}")))?;
    if text.len() as u64 > LONGEST {
        return Err(Error::config(format_args!(
            "the header is longer than {LONGEST} bytes; pass only the Cookie or Set-Cookie header"
        )));
    }
    String::from_utf8(text).map_err(|_| Error::config("the header is not UTF-8; copy it from the browser again"))
}

/// The value of a header field.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Cookie(Cow<'a, str>),
    SetCookie(&'a str),
}

/// Finds the `Cookie` and `Set-Cookie` fields in `text`. Joins all `Cookie` fields, because servers read them as one
/// field. If `text` is a single line without a field name, the whole line is the value of a field.
fn fields(text: &str) -> Result<Vec<Field<'_>>, Error> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let named = lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "cookie" => Some(Field::Cookie(Cow::Borrowed(value))),
            "set-cookie" => Some(Field::SetCookie(value)),
            _ => None,
        }
    });
    let mut joined: Vec<Field<'_>> = Vec::new();
    for field in named {
        let earlier = joined.iter_mut().find_map(|earlier| match earlier {
            Field::Cookie(value) => Some(value),
            Field::SetCookie(_) => None,
        });
        match (field, earlier) {
            (Field::Cookie(value), Some(earlier)) => {
                let earlier = earlier.to_mut();
                earlier.push_str("; ");
                earlier.push_str(&value);
            }
            (field, _) => joined.push(field),
        }
    }
    let named = joined;
    if !named.is_empty() {
        return Ok(named);
    }
    match lines().collect::<Vec<_>>()[..] {
        [value] if value.contains('=') && has_attributes(value) => Ok(vec![Field::SetCookie(value)]),
        [value] if value.contains('=') => Ok(vec![Field::Cookie(Cow::Borrowed(value))]),
        _ => Err(Error::config(
            "the input has no Cookie or Set-Cookie header; expected a line such as Cookie: NAME=VALUE; NAME=VALUE, or \
             Set-Cookie: NAME=VALUE; Path=/; Secure",
        )),
    }
}

/// Returns whether a value has attributes, such as `Path`, after its first pair. Only the value of a `Set-Cookie` field
/// has attributes.
fn has_attributes(value: &str) -> bool {
    const NAMES: [&str; 7] = ["path", "domain", "max-age", "expires", "secure", "httponly", "samesite"];
    let attributes = value.split(';').skip(1).filter_map(|attribute| attribute.split('=').next());
    attributes.map(|name| name.trim().to_ascii_lowercase()).any(|name| NAMES.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_what_was_pasted() {
        let cookie = |value| vec![Field::Cookie(Cow::Borrowed(value))];
        for (text, expected) in [
            ("Cookie: a=1; b=2", cookie("a=1; b=2")),
            ("cookie:a=1", cookie("a=1")),
            ("a=1; b=2\n", cookie("a=1; b=2")),
            ("cookie: a=1\nHost: site.example\ncookie: b=2; c=3\n", cookie("a=1; b=2; c=3")),
            ("a=1; Path=/; Secure", vec![Field::SetCookie("a=1; Path=/; Secure")]),
            ("a=1; httponly", vec![Field::SetCookie("a=1; httponly")]),
            (
                "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nDate: now\r\nSet-Cookie: b=2; Path=/\r\n\r\n",
                vec![Field::SetCookie("a=1"), Field::SetCookie("b=2; Path=/")],
            ),
            ("GET / HTTP/1.1\nHost: site.example\nCookie: a=1", cookie("a=1")),
        ] {
            assert_eq!(fields(text), Ok(expected), "{text}");
        }
        for bad in ["", "a", "Host: site.example\nAccept: */*", "a=1\nb=2"] {
            assert!(matches!(fields(bad), Err(Error::Config(_))), "{bad}");
        }
    }
}

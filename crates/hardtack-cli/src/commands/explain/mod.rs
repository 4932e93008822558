//! `hardtack explain`.

mod curl;
mod input;

use std::io::{self, IsTerminal, Read};

use hardtack::explain::{Explanation, Outcome};
use hardtack::{Authenticator, MemorySessions};
use hardtack_accounts::Accounts;
use input::{Field, Found, fields};
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
    let Found { fields, skipped } = fields(&text)?;
    let explanations: Vec<Explanation> = fields
        .into_iter()
        .map(|field| match field {
            Field::Cookie(value) => auth.explain_cookies(value.as_bytes(), path, keys_known),
            Field::OfCommand { command, cookies } => {
                let mut explanation = auth.explain_cookies(cookies.as_bytes(), path, keys_known);
                explanation.what = format!("{} ({command})", explanation.what);
                explanation
            }
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
    skipped.iter().for_each(output::print_error);
    if !keys_known {
        output::print_error(
            "no key is configured, so signatures were not checked; pass the servers' --data-dir, or set \
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
        output::print_error("paste the Cookie or Set-Cookie header, or a curl command, press Enter, then press Ctrl-D");
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

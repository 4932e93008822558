//! `hardtack keys`.

use std::path::Path;

use hardtack::SigningKey;
use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::folder::{self, KeyFolder, StoredKey};
use super::{generate, private};
use crate::cli::{KeysCommand, Place, ServeOptions};
use crate::error::Error;
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(command: KeysCommand) -> Result<(), Error> {
    match command {
        KeysCommand::Generate { alg, out } => print_new(&alg, out.as_deref()),
        KeysCommand::Rotate { place, alg, discard_old } => rotate(place, alg.as_deref(), discard_old),
        KeysCommand::List { place } => list(place),
    }
}

fn algorithm(name: &str) -> Result<Algorithm, Error> {
    name.parse().map_err(|error| Error::config(format_args!("--alg is {name:?}: {error}")))
}

fn print_new(name: &str, out: Option<&Path>) -> Result<(), Error> {
    let key = generate(algorithm(name)?)?;
    let text = if key.algorithm().is_hmac() { secret_text(&key)? } else { key.dangerous_to_private_jwk_json().into() };
    let Some(path) = out else { return output::print(&*text) };
    let created = private::create(path, &format!("{}\n", &*text));
    let wrong = |why: &dyn std::fmt::Display| {
        Error::runtime(format_args!("--out {path:?} cannot be written: {why}; expected the name of a new file"))
    };
    match created {
        Ok(true) => Ok(()),
        Ok(false) => Err(wrong(&"there is such a file, which is left as it is")),
        Err(error) => Err(wrong(&error)),
    }
}

/// The secret in letters: they are random enough to be a secret themselves, and any program takes them.
fn secret_text(key: &SigningKey) -> Result<Zeroizing<String>, Error> {
    let json = Zeroizing::new(key.dangerous_to_private_jwk_json());
    let mut members: Map<String, Value> = serde_json::from_str(&json).map_err(Error::runtime)?;
    match members.remove("k") {
        Some(Value::String(text)) => Ok(Zeroizing::new(text)),
        _ => Err(Error::runtime("the secret has no text form")),
    }
}

fn settings(place: Place) -> Result<Settings, Error> {
    Settings::load(&ServeOptions::from(place))
}

fn rotate(place: Place, name: Option<&str>, discard_old: bool) -> Result<(), Error> {
    let settings = settings(place)?;
    if settings.given_key.is_some() {
        return Err(Error::config(
            "the signing key is the one in JWT_SECRET_KEY or JWT_PRIVATE_KEY, so a key in the data folder would not \
             be used; leave that out, or change it there",
        ));
    }
    let folder = KeyFolder::of(&settings);
    let old = folder.read()?;
    let wanted = match name {
        Some(name) => Some(algorithm(name)?),
        None => settings.algorithm.or(old.last().map(|newest| newest.key.algorithm())),
    };
    let key = generate(wanted.unwrap_or(Algorithm::HS256))?;
    if !settings.can_sign_with(&key) {
        return Err(Error::config(format_args!(
            "--alg is {}, whose signatures differ each time, and refresh tokens of stored sessions must not; expected \
             HS256, EdDSA or RS256, or the refresh mode sliding",
            key.algorithm()
        )));
    }
    let number = old.last().map_or(0, |newest| newest.number) + 1;
    if !folder.add(number, key)? {
        return Err(Error::runtime(format_args!(
            "{} has just been made by someone else; see: hardtack keys list",
            folder.file(number).display()
        )));
    }
    let now = SystemClock.now();
    let removed: Vec<&StoredKey> =
        if discard_old { old.iter().collect() } else { folder::dead(&old, settings.longest_token(), now).collect() };
    for stored in &removed {
        folder.remove(stored)?;
        output::print(format_args!("Removed {}", stored.path.display()))?;
    }
    output::print(format_args!("Made {}", folder.file(number).display()))?;
    output::print(match (old.len() - removed.len(), discard_old) {
        (0, true) => "Restart every server of this folder now; everyone will have to log in again.",
        (0, false) => "It is the only key.",
        _ => "The keys before it still verify. Restart every server of this folder to sign with it.",
    })
}

fn list(place: Place) -> Result<(), Error> {
    let settings = settings(place)?;
    let stored = KeyFolder::of(&settings).read()?;
    if settings.given_key.is_some() {
        output::print("The key in JWT_SECRET_KEY or JWT_PRIVATE_KEY signs; those of the folder verify.")?;
    }
    let newest = stored.last().map(|stored| stored.number);
    for StoredKey { number, path, key, made_at } in &stored {
        let signs = settings.given_key.is_none() && Some(*number) == newest;
        let role = if signs { "signs" } else { "verifies" };
        let id = key.key_id().unwrap_or_default();
        let (algorithm, made_at, path) = (key.algorithm(), output::date(*made_at), path.display());
        output::print(format_args!("{id}  {algorithm}  made {made_at}  {role}  {path}"))?;
    }
    if stored.is_empty() {
        output::print(format_args!("{} has no keys; `hardtack serve` makes one", settings.keys_dir().display()))?;
    }
    Ok(())
}

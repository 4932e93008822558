//! `hardtack keys`.

mod rotate;
mod server_keys;

use std::path::Path;
use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::{KeySet, SigningKey};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use self::rotate::rotate;
use self::server_keys::ServerKeys;
use crate::config::Config;
use crate::config::sources::FlagValues;
use crate::error::Error;
use crate::keys::{KeyFolder, Role, StoredKey, generate, overlap, roles};
use crate::subcommands::KeysCommand;
use crate::{output, private_file};

/// Generates, rotates or lists keys.
pub(super) fn run(command: KeysCommand) -> Result<(), Error> {
    match command {
        KeysCommand::Generate { alg, out } => print_new(&alg, out.as_deref()),
        KeysCommand::Rotate { flags, alg, discard_old } => {
            let alg = alg.as_deref().map(algorithm).transpose()?;
            rotate(&load(flags.values())?, alg, discard_old)
        }
        KeysCommand::List { flags } => list(&load(flags.values())?),
    }
}

fn load(flags: &FlagValues) -> Result<Config, Error> {
    let config = Config::load(flags)?;
    // The clock skew determines when servers begin to sign with a new key.
    config.check_claims(KeySet::new(generate(Algorithm::HS256)?))?;
    for warning in &config.warnings {
        output::print_error(warning);
    }
    Ok(config)
}

/// Parses the value of `--alg`.
fn algorithm(name: &str) -> Result<Algorithm, Error> {
    name.parse().map_err(|error| Error::config(format_args!("--alg is {name:?}: {error}")))
}

fn print_new(name: &str, out: Option<&Path>) -> Result<(), Error> {
    let key = generate(algorithm(name)?)?;
    let text = if key.algorithm().is_hmac() { secret_text(&key)? } else { key.dangerous_to_private_jwk_json().into() };
    let Some(path) = out else { return output::print(&*text) };
    let failed = |reason: &dyn std::fmt::Display| {
        Error::runtime(format_args!(
            "--out {path:?} cannot be written: {reason}; expected the path of a new file, in a folder that exists and \
             that this user can write to"
        ))
    };
    match private_file::create(path, &format!("{}\n", &*text)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed(&"the file already exists")),
        Err(error) => Err(failed(&error)),
    }
}

/// Returns the secret as base64url text. Set `JWT_SECRET_KEY` to this text itself, not to the bytes that it encodes.
/// The text is plain ASCII, and as hard to guess as the secret.
fn secret_text(key: &SigningKey) -> Result<Zeroizing<String>, Error> {
    let json = Zeroizing::new(key.dangerous_to_private_jwk_json());
    let mut members: Map<String, Value> = serde_json::from_str(&json).map_err(Error::with_causes)?;
    match members.remove("k") {
        Some(Value::String(text)) => Ok(Zeroizing::new(text)),
        _ => Err(Error::runtime("the new secret's JWK has no member k; this is a bug in hardtack")),
    }
}

/// Capitalizes the first letter of a sentence.
fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn list(config: &Config) -> Result<(), Error> {
    let folder = KeyFolder::of(config);
    let keys = folder.read()?;
    let servers = ServerKeys::find(config, &folder)?;
    if let Some(differ) = &servers.folders_differ {
        output::print(format_args!("{}.", capitalized(differ)))?;
    } else if let Some(elsewhere) = &servers.elsewhere {
        output::print(format_args!("{}, not the keys in {}.", capitalized(elsewhere), config.keys_dir().display()))?;
    }
    let servers_have_given_key = servers.signing.is_some();
    let has_given_key = config.signing_key.is_some() || servers_have_given_key;
    if let (Some(with_folder), true) = (&servers.with_folder, has_given_key) {
        for server in servers.signing.iter().chain([with_folder]) {
            output::print(format_args!("{}.", capitalized(server)))?;
        }
    } else if config.signing_key.is_some() {
        output::print(
            "The key in JWT_SECRET_KEY or JWT_PRIVATE_KEY signs tokens; the keys in the folder only verify tokens.",
        )?;
    } else if let Some(signing) = &servers.signing {
        output::print(format_args!("{}; the keys in the folder only verify tokens.", capitalized(signing)))?;
    }
    let now = SystemClock.now();
    // A folder that this user cannot write to can still be listed.
    let differs = if keys.is_empty() { None } else { folder.clock_differs(now).unwrap_or_default() };
    let wrong_clock = match differs {
        None => folder.dated_ahead(&keys, now)?,
        found => found,
    };
    if let Some(wrong) = &wrong_clock {
        output::print(format_args!("This list may be wrong: {wrong}"))?;
    }
    let roles = roles(config, &folder, &keys, has_given_key && servers.with_folder.is_none())?;
    for (StoredKey { path, key, created_at, .. }, role) in keys.iter().zip(roles) {
        let role = match role {
            Role::Signs => "signs".to_owned(),
            Role::Published if created_at.since(now) > Duration::ZERO => {
                format!("verifies, and will sign from {}", output::date(*created_at + overlap(config)))
            }
            Role::Published => "verifies, and will sign soon".to_owned(),
            Role::Retired => "verifies".to_owned(),
            Role::Dead if wrong_clock.is_some() => "no longer used if the clock is right".to_owned(),
            Role::Dead => "no longer used; all tokens signed with it have expired".to_owned(),
        };
        let id = key.key_id().unwrap_or_default();
        let (algorithm, created_at, path) = (key.algorithm(), output::date(*created_at), path.display());
        output::print(format_args!("{id}  {algorithm}  created {created_at}  {role}  {path}"))?;
    }
    if keys.is_empty() {
        let folder = config.keys_dir();
        let creates = if servers_have_given_key { "." } else { "; `hardtack serve` creates one." };
        output::print(format_args!("There are no keys in {}{creates}", folder.display()))?;
    }
    Ok(())
}

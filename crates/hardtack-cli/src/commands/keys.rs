//! `hardtack keys`.

use std::path::Path;
use std::time::Duration;

use hardtack::SigningKey;
use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use serde_json::{Map, Value};
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use super::runtime;
use crate::config::Config;
use crate::config::sources::FlagValues;
use crate::error::Error;
use crate::keys::{KeyFolder, OVERLAP, Role, StoredKey, generate, roles};
use crate::running::{LAPSE, given_keys};
use crate::subcommands::KeysCommand;
use crate::{output, private_file};

/// Generates, rotates or lists keys.
pub(super) fn run(command: KeysCommand) -> Result<(), Error> {
    match command {
        KeysCommand::Generate { alg, out } => print_new(&alg, out.as_deref()),
        KeysCommand::Rotate { flags, alg, discard_old } => rotate(&load(flags.values())?, alg.as_deref(), discard_old),
        KeysCommand::List { flags } => list(&load(flags.values())?),
    }
}

fn load(flags: &FlagValues) -> Result<Config, Error> {
    let config = Config::load(flags)?;
    for warning in &config.warnings {
        output::print_error(warning);
    }
    Ok(config)
}

fn algorithm(name: &str) -> Result<Algorithm, Error> {
    name.parse().map_err(|error| Error::config(format_args!("--alg is {name:?}: {error}")))
}

fn print_new(name: &str, out: Option<&Path>) -> Result<(), Error> {
    let key = generate(algorithm(name)?)?;
    let text = if key.algorithm().is_hmac() { secret_text(&key)? } else { key.dangerous_to_private_jwk_json().into() };
    let Some(path) = out else { return output::print(&*text) };
    let failed = |reason: &dyn std::fmt::Display| {
        Error::runtime(format_args!("--out {path:?} cannot be written: {reason}; expected the path of a new file"))
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

fn rotate(config: &Config, name: Option<&str>, discard_old: bool) -> Result<(), Error> {
    let folder = KeyFolder::of(config);
    let previous = folder.read()?;
    let servers = ServerKeys::find(config, &folder)?;
    if let Some(elsewhere) = &servers.elsewhere {
        return Err(Error::config(format_args!(
            "{elsewhere}, but this command would change the keys in {}, and that server would not notice; set \
             --data-dir to the value that the server uses (a server that was killed counts as running for another \
             {LAPSE} seconds)",
            config.keys_dir().display()
        )));
    }
    if config.signing_key.is_some() && discard_old {
        if let Some(with_folder) = &servers.with_folder {
            return Err(Error::config(format_args!(
                "the keys in the folder cannot be removed, because {with_folder}; restart that server with the same \
                 JWT_SECRET_KEY or JWT_PRIVATE_KEY as this command, or stop that server; then repeat the command (a \
                 server that was killed counts as running for another {LAPSE} seconds)"
            )));
        }
        if servers.signing.is_none() && !previous.is_empty() {
            return Err(Error::config(
                "JWT_SECRET_KEY or JWT_PRIVATE_KEY is set for this command, but not for the servers that use this \
                 folder, so the servers sign with a key in the folder; start the servers with the same setting, or run \
                 this command without the setting",
            ));
        }
        return discard(&folder, &previous);
    }
    if config.signing_key.is_some() {
        return Err(Error::config(
            "JWT_SECRET_KEY or JWT_PRIVATE_KEY sets the signing key, so a new key in the data folder would not be used \
             to sign; to rotate JWT_SECRET_KEY, move the old secret to JWT_SECRET_KEY_PREVIOUS, and set a new secret",
        ));
    }
    if let Some(signing) = &servers.signing {
        return Err(Error::config(format_args!(
            "{signing}, so a new key in the folder would not be used to sign. To rotate the signing key, set a new key \
             and restart the servers; this logs all users out. To keep users logged in, also move the old secret to \
             JWT_SECRET_KEY_PREVIOUS. To use keys in the folder again, first restart the servers without the \
             setting (a server that was killed counts as running for another {LAPSE} seconds)"
        )));
    }
    if let (Some(verifying), true) = (&servers.verifying, discard_old) {
        return Err(Error::config(format_args!(
            "{verifying}, so this command would not log everyone out; remove this setting, restart the servers, and \
             repeat the command; if a server was killed, first wait {LAPSE} seconds"
        )));
    }
    if discard_old && previous.is_empty() {
        return Err(Error::config(format_args!(
            "the folder {} contains no keys to discard; set --data-dir to the value that the servers use",
            config.keys_dir().display()
        )));
    }
    let wanted = match name {
        Some(name) => Some(algorithm(name)?),
        None => config.algorithm.or(previous.last().map(|newest| newest.key.algorithm())),
    };
    let key = generate(wanted.unwrap_or(Algorithm::HS256))?;
    if !config.tokens.can_be_signed_with(&key) {
        return Err(Error::config(format_args!(
            "--alg is {}, which produces randomized signatures, but refresh tokens of stored sessions need \
             deterministic signatures; use HS256, EdDSA or RS256, or set --refresh sliding",
            key.algorithm()
        )));
    }
    let number = next_number(previous.last())?;
    refuse_wrong_clock(&folder, &previous, discard_old)?;
    if !folder.add(number, key)? {
        return Err(Error::runtime(format_args!(
            "another process has just created {}; list the keys with: hardtack keys list",
            folder.file(number).display()
        )));
    }
    let removed: Vec<&StoredKey> = if discard_old {
        previous.iter().collect()
    } else {
        let roles = roles(config, &folder, &previous, false)?;
        previous.iter().zip(roles).filter(|(_, role)| *role == Role::Dead).map(|(stored, _)| stored).collect()
    };
    let mut lines = remove(&folder, removed.iter().copied())?;
    let created = folder.file(number);
    lines.push(format!("Created {}", created.display()));
    let effect = match (previous.len() - removed.len(), discard_old) {
        (0, true) => "Running servers start using the new key within 5 seconds. All users have to log in again.",
        (0, false) => "This key is the only one in the folder.",
        _ => {
            "Running servers begin to sign with the new key after 15 to 20 seconds. Tokens that were signed with the \
             previous keys stay valid until they expire."
        }
    };
    lines.push(effect.to_owned());
    print_changed(&lines)
}

/// Prints what the command has done to the keys.
fn print_changed(lines: &[String]) -> Result<(), Error> {
    let done = format_args!(
        "the keys were changed: {}. Do not repeat the command. To check the keys: hardtack keys list",
        lines.iter().map(|line| line.trim_end_matches('.')).collect::<Vec<_>>().join(". ")
    );
    output::print_result(lines.join("\n"), done)
}

/// Returns the number for a new key.
fn next_number(newest: Option<&StoredKey>) -> Result<u32, Error> {
    let Some(newest) = newest else { return Ok(1) };
    newest.number.checked_add(1).ok_or_else(|| {
        Error::config(format_args!(
            "{} has the highest possible key number, so a newer key cannot be created; rename the file so that \
             its number is lower, but still higher than the numbers of all other keys",
            newest.path.display()
        ))
    })
}

/// Describes which keys the servers use. Each field holds the beginning of an error message. A field is `None` if no
/// server does what the field describes.
struct ServerKeys {
    /// Says which server signs with a key outside the folder.
    signing: Option<String>,
    /// Says which running server signs with a key in the folder.
    with_folder: Option<String>,
    /// Says which running server accepts tokens that were signed with previous secrets.
    verifying: Option<String>,
    /// Says which running server uses keys in a different folder.
    elsewhere: Option<String>,
}

impl ServerKeys {
    /// Reads from the database which keys the running servers use. If no server is running, or if the database cannot
    /// be read, reads a record in the key folder instead. The record says whether the last servers that used the folder
    /// signed with a key outside the folder.
    fn find(config: &Config, folder: &KeyFolder) -> Result<Self, Error> {
        let running = runtime::block_on(Builder::new_current_thread(), given_keys(&config.database));
        let running = running.unwrap_or_else(|error| {
            output::print_error(format_args!(
                "warning: {error}, so this command cannot find out which keys the running servers use; if servers are \
                 running, pass the servers' --data-dir and --database-url"
            ));
            None
        });
        let Some(running) = running else {
            let recorded = folder.superseded_at()?.map(
                |_| "the servers that use this folder sign with a key that is set by JWT_SECRET_KEY or JWT_PRIVATE_KEY",
            );
            return Ok(Self {
                signing: recorded.map(str::to_owned),
                with_folder: None,
                verifying: None,
                elsewhere: None,
            });
        };
        let signing = running
            .iter()
            .find_map(|server| Some(format!("{server} signs with the key that is set by {}", server.signing()?)));
        let with_folder = running.iter().find(|server| server.signing().is_none());
        let with_folder = with_folder.map(|server| format!("{server} signs with a key in the folder"));
        let verifying = running.iter().find_map(|server| {
            Some(format!("{server} accepts tokens that were signed with the secrets in {}", server.previous()?))
        });
        let elsewhere = running.iter().find_map(|server| {
            let theirs = server.other_folder(&config.keys_dir())?;
            Some(format!("{server} uses the keys in {}", theirs.display()))
        });
        Ok(Self { signing, with_folder, verifying, elsewhere })
    }
}

/// Returns an error if the clock is obviously wrong. With a wrong clock, servers would sign with the new key too early
/// or too late, and the command could delete keys whose tokens are still valid.
fn refuse_wrong_clock(folder: &KeyFolder, previous: &[StoredKey], discard_old: bool) -> Result<(), Error> {
    let now = SystemClock.now();
    let wrong = match folder.clock_differs(now)? {
        None if !discard_old => folder.dated_ahead(previous, now)?,
        found => found,
    };
    wrong.map_or(Ok(()), |wrong| Err(Error::config(format_args!("no key was created or removed: {wrong}"))))
}

/// Removes keys, and returns the lines that say so. If a key cannot be removed, prints the lines about the keys before
/// it.
fn remove<'a>(folder: &KeyFolder, keys: impl IntoIterator<Item = &'a StoredKey>) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for stored in keys {
        if let Err(error) = folder.remove(stored) {
            lines.iter().try_for_each(output::print)?;
            return Err(error);
        }
        lines.push(format!("Removed {}", stored.path.display()));
    }
    Ok(lines)
}

/// Deletes the keys in the folder. Call this function only if the servers sign with a key outside the folder.
fn discard(folder: &KeyFolder, keys: &[StoredKey]) -> Result<(), Error> {
    let mut lines = remove(folder, keys)?;
    let effect = "The key that is set by JWT_SECRET_KEY or JWT_PRIVATE_KEY still signs tokens; to log everyone out, \
                  replace that key. Within 5 seconds, running servers refuse tokens that were signed with the removed \
                  keys.";
    lines.push(effect.to_owned());
    print_changed(&lines)
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
    if let Some(elsewhere) = &servers.elsewhere {
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
                format!("verifies, and will sign from {}", output::date(*created_at + OVERLAP))
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

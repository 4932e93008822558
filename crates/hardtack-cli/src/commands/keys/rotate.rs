//! `hardtack keys rotate`.

use std::io;

use hardtack::clock::{Clock, SystemClock};
use hardtack::files::shell_quoted;
use hardtack::jwt::Algorithm;

use super::server_keys::ServerKeys;
use crate::config::{Config, settings};
use crate::error::Error;
use crate::keys::{KeyFolder, Role, StoredKey, check_loadable, generate, overlap, roles};
use crate::output;
use crate::running::LAPSE;

/// Creates a key, and removes the keys that are no longer used. With `discard_old`, removes all other keys. If `wanted`
/// is `None`, the algorithm comes from the settings or from the newest key.
pub(super) fn rotate(config: &Config, wanted: Option<Algorithm>, discard_old: bool) -> Result<(), Error> {
    let folder = KeyFolder::of(config);
    let previous = folder.read()?;
    let servers = ServerKeys::find(config, &folder)?;
    // If all servers sign with a key outside the folders, the errors below say what to do.
    let folders_matter = discard_old || servers.with_folder.is_some();
    if let (Some(differ), true) = (&servers.folders_differ, folders_matter) {
        return Err(Error::config(format_args!(
            "{differ}, so this command could change only the keys of one of them; give the servers the same \
             --data-dir, or the same JWT_SECRET_KEY or JWT_PRIVATE_KEY; to keep different folders, stop all servers but \
             one before you run this command (a server that was killed counts as running for another {LAPSE} seconds)"
        )));
    }
    if let (Some(elsewhere), true) = (&servers.elsewhere, folders_matter) {
        return Err(Error::config(format_args!(
            "{elsewhere}, but this command would change the keys in {}, and that server would not notice; set \
             --data-dir to the value that the server uses (a server that was killed counts as running for another \
             {LAPSE} seconds)",
            config.keys_dir().display()
        )));
    }
    // Servers that are not running will start with this command's settings.
    let own = || {
        "with this command's settings, servers accept tokens that were signed with the secrets in \
                  JWT_SECRET_KEY_PREVIOUS"
            .to_owned()
    };
    let verifying = servers.verifying.clone();
    let verifying = verifying.or_else(|| config.sources.is_set(&settings::SECRET_KEY_PREVIOUS).then(own));
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
        return discard(&folder, &previous, verifying.as_deref());
    }
    if config.signing_key.is_some() {
        return Err(Error::config(
            "JWT_SECRET_KEY or JWT_PRIVATE_KEY sets the signing key, so a new key in the data folder would not be used \
             to sign; to rotate JWT_SECRET_KEY, move the old secret to JWT_SECRET_KEY_PREVIOUS, and set a new secret",
        ));
    }
    if let Some(signing) = &servers.signing {
        let again = match servers.is_recorded {
            true => "first start a server without the setting".to_owned(),
            false => format!(
                "first restart the servers without the setting (a server that was killed counts as running for another \
                 {LAPSE} seconds)"
            ),
        };
        return Err(Error::config(format_args!(
            "{signing}, so a new key in the folder would not be used to sign. To rotate the signing key, set a new key \
             and restart the servers; this logs all users out. To keep users logged in, also move the old secret to \
             JWT_SECRET_KEY_PREVIOUS. To use keys in the folder again, {again}"
        )));
    }
    if let (Some(verifying), true) = (&verifying, discard_old) {
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
    let wanted = wanted.or(config.algorithm).or(previous.last().map(|newest| newest.key.algorithm()));
    let key = generate(wanted.unwrap_or(Algorithm::HS256))?;
    if !config.tokens.can_be_signed_with(&key) {
        return Err(Error::config(format_args!(
            "--alg is {}, which produces randomized signatures, but refresh tokens of stored sessions need \
             deterministic signatures; use HS256, EdDSA or RS256, or set HARDTACK_REFRESH=sliding (in \
             the settings file: refresh = \"sliding\") for all servers and for this command",
            key.algorithm()
        )));
    }
    refuse_other_algorithm(config, &servers, key.algorithm())?;
    let number = next_number(previous.last())?;
    refuse_wrong_clock(&folder, &previous, discard_old)?;
    let kept = if discard_old { &[][..] } else { &previous };
    check_loadable(config, &folder, kept, number, &key)
        .map_err(|error| Error::config(format_args!("no key was created or removed: {error}")))?;
    if !folder.add(number, key)? {
        return Err(Error::runtime(format_args!(
            "no key was created or removed, because another process has just created {}; list the keys with `hardtack \
             keys list`, and repeat the command if you still need it",
            folder.file(number).display()
        )));
    }
    let unneeded: Vec<&StoredKey> = if discard_old {
        previous.iter().collect()
    } else {
        let roles = roles(config, &folder, &previous, false)?;
        previous.iter().zip(roles).filter(|(_, role)| *role == Role::Dead).map(|(stored, _)| stored).collect()
    };
    let removal = Removal::of(&folder, &unneeded);
    let mut lines = vec![format!("Created {}", folder.file(number).display())];
    lines.extend(removal.lines());
    let left = previous.len() - removal.removed.len();
    let effect = match (left, discard_old) {
        (0, true) => "Running servers start using the new key within 5 seconds. All users have to log in again. A \
                      server that cannot load the new key logs event=\"keys_removed\" or event=\"keys_unchanged\"."
            .into(),
        (0, false) => "This key is the only one in the folder.".into(),
        _ => {
            let after = overlap(config).as_secs();
            format!(
                "Running servers begin to sign with the new key after {after} to {} seconds. Tokens that were signed \
                 with the previous keys stay valid until they expire.",
                after + 5
            )
        }
    };
    lines.push(effect);
    let still_used = match discard_old {
        true => "tokens that were signed with these keys are still accepted, so not all users have been logged out",
        false => "all tokens that were signed with these keys have expired, so the keys are no longer used",
    };
    print_changed(&lines, removal.failure(still_used))
}

/// Deletes the keys in the folder. Call this function only if the servers sign with a key outside the folder.
/// `verifying` says which running server accepts tokens that were signed with previous secrets, if one does.
fn discard(folder: &KeyFolder, keys: &[StoredKey], verifying: Option<&str>) -> Result<(), Error> {
    let removal = Removal::of(folder, &keys.iter().collect::<Vec<_>>());
    let mut lines: Vec<String> = removal.lines().collect();
    let signs = "The key that is set by JWT_SECRET_KEY or JWT_PRIVATE_KEY still signs tokens";
    let effect = match verifying {
        None => format!("{signs}; to log everyone out, replace that key."),
        Some(verifying) => format!(
            "{signs}, and {verifying}; to log everyone out, replace the key, and remove JWT_SECRET_KEY_PREVIOUS."
        ),
    };
    lines.push(effect);
    lines.push("Within 5 seconds, running servers refuse tokens that were signed with the removed keys.".to_owned());
    print_changed(&lines, removal.failure("tokens that were signed with these keys are still accepted"))
}

/// Which keys were removed, and which could not be removed. If one key cannot be removed, the others are removed
/// anyway, because the operator may be discarding keys that were stolen.
struct Removal<'a> {
    removed: Vec<&'a StoredKey>,
    failed: Vec<(&'a StoredKey, io::Error)>,
    /// Why the folder could not be synced to disk.
    unsynced: Option<Error>,
}

impl<'a> Removal<'a> {
    /// Removes keys from the folder.
    fn of(folder: &KeyFolder, keys: &[&'a StoredKey]) -> Self {
        let (mut removed, mut failed) = (Vec::new(), Vec::new());
        for stored in keys.iter().copied() {
            match folder.remove(stored) {
                Ok(()) => removed.push(stored),
                Err(error) => failed.push((stored, error)),
            }
        }
        let unsynced = if removed.is_empty() { None } else { folder.sync_removals().err() };
        Self { removed, failed, unsynced }
    }

    /// Returns a line for each removed key.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.removed.iter().map(|stored| format!("Removed {}", stored.path.display()))
    }

    /// Returns an error if some keys could not be removed, or if the folder could not be synced to disk. `still_used`
    /// says whether the keys that could not be removed are still used.
    fn failure(self, still_used: &str) -> Option<Error> {
        if self.failed.is_empty() {
            return self.unsynced;
        }
        let reasons: Vec<_> =
            self.failed.iter().map(|(stored, error)| format!("{} ({error})", stored.path.display())).collect();
        let files: Vec<_> = self.failed.iter().map(|(stored, _)| shell_quoted(&stored.path)).collect();
        let unsynced = self.unsynced.map(|error| format!("; also, {error}")).unwrap_or_default();
        Some(Error::runtime(format_args!(
            "some keys could not be removed: {}; {still_used}; do not repeat the command, but remove the files \
             yourself: rm {}{unsynced}",
            reasons.join(", "),
            files.join(" ")
        )))
    }
}

/// Prints what the command has done to the keys. `failure` says what it could not do.
fn print_changed(lines: &[String], failure: Option<Error>) -> Result<(), Error> {
    let done = format_args!(
        "the keys were changed: {}. Do not repeat the command. To check the keys: hardtack keys list",
        lines.iter().map(|line| line.trim_end_matches('.')).collect::<Vec<_>>().join(". ")
    );
    match (output::print_result(lines.join("\n"), done), failure) {
        (Err(unprinted), Some(failure)) => Err(Error::runtime(format_args!("{failure}; {unprinted}"))),
        (printed, None) => printed,
        (Ok(()), Some(failure)) => Err(failure),
    }
}

/// Returns an error if this command or a running server has settings that allow only another algorithm. Servers with
/// such settings would not start again.
fn refuse_other_algorithm(config: &Config, servers: &ServerKeys, algorithm: Algorithm) -> Result<(), Error> {
    let server = servers.algorithms.iter().find(|(_, wanted)| *wanted != algorithm);
    let own = config.algorithm.filter(|wanted| *wanted != algorithm);
    let setting = match (own, server) {
        (Some(_), _) => config.sources.describe(&settings::ALGORITHM),
        (None, Some((server, wanted))) => format!("{server} has JWT_ALGORITHM set to {wanted}"),
        (None, None) => return Ok(()),
    };
    Err(Error::config(format_args!(
        "{setting}, but the new key would be for {algorithm}, and servers with this setting would not start with that key; \
         remove JWT_ALGORITHM from the settings of all servers and of this command, restart the servers, and repeat \
         the command (a server that was killed counts as running for another {LAPSE} seconds)"
    )))
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
